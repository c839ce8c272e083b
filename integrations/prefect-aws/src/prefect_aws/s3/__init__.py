"""
Files in S3, and in what speaks its protocol: as results, as code of deployments, as objects that flows work with.

The tasks work on objects of any bucket; those whose names begin with `a` are for async flows.
"""

from typing import Any, Optional
from uuid import uuid4

from prefect.logging.loggers import get_run_logger
from prefect.tasks import task
from prefect.utilities.dual import Run, Steps, adrive, drive
from prefect_aws.client_parameters import AwsClientParameters
from prefect_aws.credentials import AwsCredentials, credentials_of
from prefect_aws.s3 import requests
from prefect_aws.s3.bucket import S3Bucket, s3_storage

__all__ = [
    "S3Bucket",
    "acopy_objects",
    "adownload_from_bucket",
    "alist_objects",
    "amove_objects",
    "aupload_to_bucket",
    "copy_objects",
    "download_from_bucket",
    "get_s3_client",
    "list_objects",
    "move_objects",
    "s3_storage",
    "upload_to_bucket",
]


def get_s3_client(
    credentials: Optional[dict[str, Any]] = None, client_parameters: Optional[dict[str, Any]] = None
) -> Any:
    """
    A client of S3, as deployment steps use it.

    Args:
        credentials: The fields of an `AwsCredentials` block, or of a `MinIOCredentials` block; or such a block. Those of
            the environment by default.
        client_parameters: How to connect, if not as they say: the fields of `AwsClientParameters`.
    """
    return credentials_of(credentials, client_parameters).get_s3_client()


def _client(credentials: AwsCredentials, parameters: Optional[AwsClientParameters] = None) -> Any:
    """A client; parameters other than the default ones go before those of the credentials."""
    if parameters is not None and parameters != AwsClientParameters():
        credentials = credentials.model_copy(update={"aws_client_parameters": parameters})
    return credentials.get_client("s3")


def _download(bucket: str, key: str, aws_credentials: AwsCredentials, parameters: AwsClientParameters) -> Steps[bytes]:
    get_run_logger().info("Downloading the object '%s' of the bucket '%s'.", key, bucket)
    content: bytes = yield Run(lambda: requests.read(_client(aws_credentials, parameters), bucket, key))
    return content


def _upload(
    data: bytes, bucket: str, aws_credentials: AwsCredentials, parameters: AwsClientParameters, key: Optional[str]
) -> Steps[str]:
    name = key or str(uuid4())
    get_run_logger().info("Uploading %d bytes to the object '%s' of the bucket '%s'.", len(data), name, bucket)
    yield Run(lambda: _client(aws_credentials, parameters).put_object(Bucket=bucket, Key=name, Body=data))
    return name


def _list(
    bucket: str, aws_credentials: AwsCredentials, parameters: AwsClientParameters, *options: Any
) -> Steps[list[dict[str, Any]]]:
    get_run_logger().info("Listing the objects of the bucket '%s'.", bucket)
    found: list[dict[str, Any]] = yield Run(
        lambda: requests.list_all(_client(aws_credentials, parameters), bucket, *options)
    )
    return found


def _copy(
    source: tuple[str, str], target: tuple[str, str], aws_credentials: AwsCredentials, **options: Any
) -> Steps[str]:
    get_run_logger().info("Copying the object '%s' of the bucket '%s' to '%s' of '%s'.", *source[::-1], *target[::-1])
    key: str = yield Run(lambda: requests.copy(_client(aws_credentials), source, target, **options))
    return key


def _move(source: tuple[str, str], target: tuple[str, str], aws_credentials: AwsCredentials) -> Steps[str]:
    if source != target:
        yield from _copy(source, target, aws_credentials)
        yield Run(lambda: _client(aws_credentials).delete_object(Bucket=source[0], Key=source[1]))
    return target[1]


@task
def download_from_bucket(
    bucket: str,
    key: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008 - it is never changed
) -> bytes:
    """
    Download an object.

    Args:
        bucket: The bucket.
        key: The object's key.
        aws_credentials: Credentials that may read it.
        aws_client_parameters: How to connect, if not as the credentials say.

    Returns:
        The content.
    """
    return drive(_download(bucket, key, aws_credentials, aws_client_parameters))


@task
async def adownload_from_bucket(
    bucket: str,
    key: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008
) -> bytes:
    """Download an object; see `download_from_bucket`."""
    return await adrive(_download(bucket, key, aws_credentials, aws_client_parameters))


@task
def upload_to_bucket(
    data: bytes,
    bucket: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008
    key: Optional[str] = None,
) -> str:
    """
    Upload bytes as an object.

    Args:
        data: The content.
        bucket: The bucket.
        aws_credentials: Credentials that may write to it.
        aws_client_parameters: How to connect, if not as the credentials say.
        key: The object's key; a fresh one by default.

    Returns:
        The key.
    """
    return drive(_upload(data, bucket, aws_credentials, aws_client_parameters, key))


@task
async def aupload_to_bucket(
    data: bytes,
    bucket: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008
    key: Optional[str] = None,
) -> str:
    """Upload bytes as an object; see `upload_to_bucket`."""
    return await adrive(_upload(data, bucket, aws_credentials, aws_client_parameters, key))


@task
def list_objects(
    bucket: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008
    prefix: str = "",
    delimiter: str = "",
    page_size: Optional[int] = None,
    max_items: Optional[int] = None,
    jmespath_query: Optional[str] = None,
) -> list[dict[str, Any]]:
    """
    List the objects of a bucket.

    Args:
        bucket: The bucket.
        aws_credentials: Credentials that may list it.
        aws_client_parameters: How to connect, if not as the credentials say.
        prefix: What the keys begin with.
        delimiter: What follows it in a key is not looked at: `"/"` lists no folders.
        page_size: How many are asked for at once.
        max_items: How many are returned at most.
        jmespath_query: What to pick from each page: `"Contents[?Size > `100`][]"`.

    Returns:
        What S3 tells of each: `Key`, `Size`, `LastModified`, `ETag` and more.
    """
    options = (prefix, delimiter, page_size, max_items, jmespath_query)
    return drive(_list(bucket, aws_credentials, aws_client_parameters, *options))


@task
async def alist_objects(
    bucket: str,
    aws_credentials: AwsCredentials,
    aws_client_parameters: AwsClientParameters = AwsClientParameters(),  # noqa: B008
    prefix: str = "",
    delimiter: str = "",
    page_size: Optional[int] = None,
    max_items: Optional[int] = None,
    jmespath_query: Optional[str] = None,
) -> list[dict[str, Any]]:
    """List the objects of a bucket; see `list_objects`."""
    options = (prefix, delimiter, page_size, max_items, jmespath_query)
    return await adrive(_list(bucket, aws_credentials, aws_client_parameters, *options))


@task
def copy_objects(
    source_path: str,
    target_path: str,
    source_bucket_name: str,
    aws_credentials: AwsCredentials,
    target_bucket_name: Optional[str] = None,
    **copy_kwargs: Any,
) -> str:
    """
    Copy an object without downloading it.

    Args:
        source_path: Its key.
        target_path: The key of the copy.
        source_bucket_name: Its bucket.
        aws_credentials: Credentials that may read the one and write the other.
        target_bucket_name: The bucket of the copy; the same by default.
        copy_kwargs: What S3 may be told of copies, such as `MetadataDirective`.

    Returns:
        The key of the copy.
    """
    target = (target_bucket_name or source_bucket_name, target_path)
    return drive(_copy((source_bucket_name, source_path), target, aws_credentials, **copy_kwargs))


@task
async def acopy_objects(
    source_path: str,
    target_path: str,
    source_bucket_name: str,
    aws_credentials: AwsCredentials,
    target_bucket_name: Optional[str] = None,
    **copy_kwargs: Any,
) -> str:
    """Copy an object without downloading it; see `copy_objects`."""
    target = (target_bucket_name or source_bucket_name, target_path)
    return await adrive(_copy((source_bucket_name, source_path), target, aws_credentials, **copy_kwargs))


@task
def move_objects(
    source_path: str,
    target_path: str,
    source_bucket_name: str,
    aws_credentials: AwsCredentials,
    target_bucket_name: Optional[str] = None,
) -> str:
    """
    Copy an object without downloading it, and delete it where it was.

    Args:
        source_path: Its key.
        target_path: Its new key.
        source_bucket_name: Its bucket.
        aws_credentials: Credentials that may do both.
        target_bucket_name: Its new bucket; the same by default.

    Returns:
        The new key.
    """
    target = (target_bucket_name or source_bucket_name, target_path)
    return drive(_move((source_bucket_name, source_path), target, aws_credentials))


@task
async def amove_objects(
    source_path: str,
    target_path: str,
    source_bucket_name: str,
    aws_credentials: AwsCredentials,
    target_bucket_name: Optional[str] = None,
) -> str:
    """Copy an object without downloading it, and delete it where it was; see `move_objects`."""
    target = (target_bucket_name or source_bucket_name, target_path)
    return await adrive(_move((source_bucket_name, source_path), target, aws_credentials))
