"""Steps that copy the code of deployments to S3 and from there."""

from pathlib import Path
from typing import Any, Optional, TypedDict, Union

from prefect_aws.credentials import AwsCredentials, MinIOCredentials, credentials_of
from prefect_aws.s3 import S3Bucket

__all__ = ["PullFromS3Output", "PushToS3Output", "pull_from_s3", "push_to_s3"]

Credentials = Union[AwsCredentials, MinIOCredentials]


class PushToS3Output(TypedDict):
    """What `push_to_s3` hands on: the bucket and the folder, as they were given."""

    bucket: str
    folder: str


class PullFromS3Output(TypedDict):
    """What `pull_from_s3` hands on: the bucket and the folder as they were given, and the local directory."""

    bucket: str
    folder: str
    directory: str


def _bucket(
    name: str, credentials: Union[dict[str, Any], Credentials, None], parameters: Optional[dict[str, Any]]
) -> S3Bucket:
    return S3Bucket(bucket_name=name, credentials=credentials_of(credentials, parameters))


def push_to_s3(
    bucket: str,
    folder: str,
    credentials: Optional[dict[str, Any]] = None,
    client_parameters: Optional[dict[str, Any]] = None,
    ignore_file: Optional[str] = ".prefectignore",
) -> PushToS3Output:
    """
    Upload the working directory.

    Args:
        bucket: The bucket.
        folder: The folder in it.
        credentials: The fields of an `AwsCredentials` block, or of a `MinIOCredentials` block; or such a block. Those
            of the environment by default.
        client_parameters: How to connect: the fields of `AwsClientParameters`.
        ignore_file: A file with patterns of what to leave out, if there is one.
    """
    ignored = ignore_file if ignore_file and Path(ignore_file).is_file() else None
    _bucket(bucket, credentials, client_parameters).put_directory.sync(to_path=folder, ignore_file=ignored)
    return {"bucket": bucket, "folder": folder}


def pull_from_s3(
    bucket: str,
    folder: str,
    credentials: Optional[dict[str, Any]] = None,
    client_parameters: Optional[dict[str, Any]] = None,
) -> PullFromS3Output:
    """
    Download a folder to the working directory.

    Args:
        bucket: The bucket.
        folder: The folder in it.
        credentials: The fields of an `AwsCredentials` block, or of a `MinIOCredentials` block; or such a block. Those
            of the environment by default.
        client_parameters: How to connect: the fields of `AwsClientParameters`.
    """
    _bucket(bucket, credentials, client_parameters).get_directory.sync(folder)
    return {"bucket": bucket, "folder": folder, "directory": str(Path.cwd())}
