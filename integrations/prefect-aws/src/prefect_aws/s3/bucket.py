"""A bucket as a block."""

from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Optional, Union

from pydantic import Field, field_validator

from prefect.blocks.abstract import ObjectStorageBlock
from prefect.filesystems import WritableDeploymentStorage, WritableFileSystem
from prefect.utilities.dual import Run, Steps, asynchronous, dual
from prefect.utilities.publishing import publish
from prefect_aws.credentials import AwsCredentials, MinIOCredentials
from prefect_aws.s3 import requests
from prefect_aws.s3.keys import key_below, parts_of, prefix_below

__all__ = ["S3Bucket", "s3_storage"]


class S3Bucket(WritableFileSystem, WritableDeploymentStorage, ObjectStorageBlock):
    """
    Stores files in a bucket of S3, or of what speaks its protocol, such as MinIO: results, the code of deployments, and
    whatever flows work with.

    Paths are relative to `bucket_folder`. One that begins with it is taken as the whole key, so what a method returns
    can be given to another. All methods can be awaited in async code; those whose names begin with `a` always must be.

    Attributes:
        bucket_name: The bucket.
        credentials: Credentials for it; those of the environment by default.
        bucket_folder: The folder in the bucket that all paths are in; the bucket itself by default.

    Examples:
        ```python
        from prefect_aws import S3Bucket

        bucket = S3Bucket.load("my-bucket")
        bucket.upload_from_path("report.csv", "reports/today.csv")
        ```
    """

    _block_type_name = "S3 Bucket"
    _resolves_once: ClassVar[bool] = True

    bucket_name: str = Field(description="The bucket.")
    credentials: Union[MinIOCredentials, AwsCredentials] = Field(
        default_factory=AwsCredentials, description="Credentials for the bucket; those of the environment by default."
    )
    bucket_folder: str = Field(default="", description="The folder in the bucket that all paths are in.")

    @field_validator("bucket_folder")
    @classmethod
    def _check_folder(cls, value: str) -> str:
        parts_of(value)
        return value

    @property
    def basepath(self) -> str:
        """The folder in the bucket that all paths are in; another name of `bucket_folder`."""
        return self.bucket_folder

    @basepath.setter
    def basepath(self, value: str) -> None:
        self.bucket_folder = self._check_folder(value)

    def _client(self) -> Any:
        return self.credentials.get_client("s3")

    def _resolve_path(self, path: str) -> str:
        """
        The key that a path means.

        Raises:
            ValueError: The path may lead out of the folder.
        """
        return key_below(self.bucket_folder, path)

    def _key(self, path: str) -> str:
        key = self._resolve_path(path)
        if not parts_of(path):
            raise ValueError(f"The path {path!r} names no object of the bucket '{self.bucket_name}'.")
        return key

    def _prefix(self, folder: Optional[str]) -> str:
        return prefix_below(self.bucket_folder, folder or "")

    # As a file system

    def _read_path(self, path: str) -> Steps[bytes]:
        """
        The content of an object.

        Raises:
            prefect.filesystems.PathNotFoundError: There is none under this path.
        """
        key = self._key(path)
        content: bytes = yield Run(lambda: requests.read(self._client(), self.bucket_name, key))
        return content

    def _write_path(self, path: str, content: bytes) -> Steps[str]:
        """
        Store bytes under a path, in one step.

        Returns:
            The key.
        """
        key = self._key(path)
        yield Run(lambda: self._client().put_object(Bucket=self.bucket_name, Key=key, Body=content))
        return key

    def _delete_key(self, path: str) -> Steps[None]:
        key = self._key(path)
        yield Run(lambda: self._client().delete_object(Bucket=self.bucket_name, Key=key))

    # As a place for code

    def _get_directory(self, from_path: Optional[str] = None, local_path: Optional[str] = None) -> Steps[None]:
        """
        Download a folder.

        Args:
            from_path: The folder in the bucket; all of `bucket_folder` by default.
            local_path: Where to; the current folder by default.
        """
        yield from self._download_folder_to_path(from_path or "", local_path)

    def _put_directory(
        self, local_path: Optional[str] = None, to_path: Optional[str] = None, ignore_file: Optional[str] = None
    ) -> Steps[int]:
        """
        Upload a folder.

        Args:
            local_path: The folder; the current one by default.
            to_path: Where to in the bucket.
            ignore_file: A file with patterns of what to leave out, as in a `.gitignore`.

        Returns:
            How many files were uploaded.
        """
        prefix, folder = self._prefix(to_path), Path(local_path or ".")

        def upload() -> int:
            patterns = Path(ignore_file).read_text(encoding="utf-8").splitlines() if ignore_file else ()
            return requests.upload_folder(self._client(), self.bucket_name, prefix, folder, patterns)

        count: int = yield Run(upload)
        return count

    # As a place for objects

    def _list_objects(
        self,
        folder: str = "",
        delimiter: str = "",
        page_size: Optional[int] = None,
        max_items: Optional[int] = None,
        jmespath_query: Optional[str] = None,
    ) -> Steps[list[Any]]:
        """
        What S3 tells of the objects in a folder: `Key`, `Size`, `LastModified`, `ETag` and more.

        Args:
            folder: The folder; all of `bucket_folder` by default.
            delimiter: What follows it in a key is not looked at: `"/"` lists no folders within the folder.
            page_size: How many are asked for at once.
            max_items: How many are returned at most.
            jmespath_query: What to pick from each page: `"Contents[?Size > `100`][]"`.
        """
        options = (self._prefix(folder), delimiter, page_size, max_items, jmespath_query)
        found: list[Any] = yield Run(lambda: requests.list_all(self._client(), self.bucket_name, *options))
        return found

    def _download_object_to_path(
        self, from_path: str, to_path: Union[str, Path, None] = None, **download_kwargs: Any
    ) -> Steps[Path]:
        """
        Download an object to a file; the folders above it are made.

        Args:
            from_path: The object.
            to_path: The file; by default one of the object's name in the current folder.
            download_kwargs: For the client's `download_file`.

        Returns:
            The file.
        """
        key = self._key(from_path)
        file = Path(key.rpartition("/")[2] if to_path is None else to_path).expanduser().absolute()

        def download() -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._client().download_file(self.bucket_name, key, str(file), **download_kwargs)

        yield Run(download)
        return file

    def _download_object_to_file_object(
        self, from_path: str, to_file_object: BinaryIO, **download_kwargs: Any
    ) -> Steps[BinaryIO]:
        """
        Download an object into an open file.

        Args:
            from_path: The object.
            to_file_object: The open file.
            download_kwargs: For the client's `download_fileobj`.

        Returns:
            The open file.
        """
        key = self._key(from_path)
        yield Run(lambda: self._client().download_fileobj(self.bucket_name, key, to_file_object, **download_kwargs))
        return to_file_object

    def _download_folder_to_path(
        self, from_folder: str, to_folder: Union[str, Path, None] = None, **download_kwargs: Any
    ) -> Steps[Path]:
        """
        Download all objects of a folder, several at a time.

        Args:
            from_folder: The folder in the bucket.
            to_folder: The local folder; the current one by default.
            download_kwargs: For the client's `download_file`.

        Returns:
            The local folder.

        Raises:
            ValueError: A key would lead out of the local folder.
        """
        prefix, folder = self._prefix(from_folder), Path(to_folder or ".").expanduser().absolute()
        yield Run(lambda: requests.download_folder(self._client(), self.bucket_name, prefix, folder, **download_kwargs))
        return folder

    def _stream_from(
        self, bucket: "S3Bucket", from_path: str, to_path: Optional[str] = None, **upload_kwargs: Any
    ) -> Steps[str]:
        """
        Copy an object of another bucket through this machine, without keeping all of it: for two sets of credentials.

        Args:
            bucket: The other bucket.
            from_path: The object in it.
            to_path: The path in this bucket; by default the object's name, without its folders.
            upload_kwargs: For the client's `upload_fileobj`.

        Returns:
            The key.
        """
        source = bucket._key(from_path)
        key = self._key(to_path or source.rpartition("/")[2])

        def stream() -> None:
            body = bucket._client().get_object(Bucket=bucket.bucket_name, Key=source)["Body"]
            self._client().upload_fileobj(body, self.bucket_name, key, **upload_kwargs)

        yield Run(stream)
        return key

    def _upload_from_path(
        self, from_path: Union[str, Path], to_path: Optional[str] = None, **upload_kwargs: Any
    ) -> Steps[str]:
        """
        Upload a file.

        Args:
            from_path: The file.
            to_path: The path in the bucket; by default the file's name.
            upload_kwargs: For the client's `upload_file`.

        Returns:
            The key.
        """
        file = Path(from_path).expanduser()
        key = self._key(to_path or file.name)
        yield Run(lambda: self._client().upload_file(str(file), self.bucket_name, key, **upload_kwargs))
        return key

    def _upload_from_file_object(self, from_file_object: BinaryIO, to_path: str, **upload_kwargs: Any) -> Steps[str]:
        """
        Upload an open file.

        Args:
            from_file_object: The open file.
            to_path: The path in the bucket.
            upload_kwargs: For the client's `upload_fileobj`.

        Returns:
            The key.
        """
        key = self._key(to_path)
        yield Run(lambda: self._client().upload_fileobj(from_file_object, self.bucket_name, key, **upload_kwargs))
        return key

    def _upload_from_folder(
        self, from_folder: Union[str, Path], to_folder: Optional[str] = None, **upload_kwargs: Any
    ) -> Steps[Optional[str]]:
        """
        Upload all files of a folder, several at a time.

        Args:
            from_folder: The local folder.
            to_folder: The folder in the bucket.
            upload_kwargs: For the client's `upload_file`.

        Returns:
            The folder in the bucket, as it was given.
        """
        prefix, folder = self._prefix(to_folder), Path(from_folder).expanduser()
        yield Run(lambda: requests.upload_folder(self._client(), self.bucket_name, prefix, folder, **upload_kwargs))
        return to_folder

    def _target(self, to_path: str, to_bucket: "Union[S3Bucket, str, None]") -> tuple[str, str]:
        if isinstance(to_bucket, str):
            return to_bucket, key_below("", to_path)
        bucket = to_bucket or self
        return bucket.bucket_name, bucket._key(to_path)

    def _copy_object(
        self,
        from_path: Union[str, Path],
        to_path: Union[str, Path],
        to_bucket: "Union[S3Bucket, str, None]" = None,
        **copy_kwargs: Any,
    ) -> Steps[str]:
        """
        Copy an object without downloading it.

        Args:
            from_path: The object.
            to_path: The path of the copy.
            to_bucket: The bucket of the copy: a block, in whose folder the path is, or a name; this one by default.
            copy_kwargs: What S3 may be told of copies, such as `MetadataDirective`.

        Returns:
            The key of the copy.
        """
        source, target = (self.bucket_name, self._key(str(from_path))), self._target(str(to_path), to_bucket)
        key: str = yield Run(lambda: requests.copy(self._client(), source, target, **copy_kwargs))
        return key

    def _move_object(
        self,
        from_path: Union[str, Path],
        to_path: Union[str, Path],
        to_bucket: "Union[S3Bucket, str, None]" = None,
    ) -> Steps[str]:
        """
        Copy an object without downloading it, and delete it where it was.

        Args:
            from_path: The object.
            to_path: Its new path.
            to_bucket: Its new bucket: a block, in whose folder the path is, or a name; this one by default.

        Returns:
            The new key.
        """
        source, target = (self.bucket_name, self._key(str(from_path))), self._target(str(to_path), to_bucket)
        if source != target:
            yield from self._copy_object(from_path, to_path, to_bucket)
            yield Run(lambda: self._client().delete_object(Bucket=source[0], Key=source[1]))
        return target[1]

    _delete_path: ClassVar[Any] = dual(_delete_key)
    read_path: ClassVar[Any] = dual(_read_path)
    aread_path: ClassVar[Any] = asynchronous(read_path)
    write_path: ClassVar[Any] = dual(_write_path)
    awrite_path: ClassVar[Any] = asynchronous(write_path)
    get_directory: ClassVar[Any] = dual(_get_directory)
    aget_directory: ClassVar[Any] = asynchronous(get_directory)
    put_directory: ClassVar[Any] = dual(_put_directory)
    aput_directory: ClassVar[Any] = asynchronous(put_directory)
    list_objects: ClassVar[Any] = dual(_list_objects)
    alist_objects: ClassVar[Any] = asynchronous(list_objects)
    download_object_to_path: ClassVar[Any] = dual(_download_object_to_path)
    adownload_object_to_path: ClassVar[Any] = asynchronous(download_object_to_path)
    download_object_to_file_object: ClassVar[Any] = dual(_download_object_to_file_object)
    adownload_object_to_file_object: ClassVar[Any] = asynchronous(download_object_to_file_object)
    download_folder_to_path: ClassVar[Any] = dual(_download_folder_to_path)
    adownload_folder_to_path: ClassVar[Any] = asynchronous(download_folder_to_path)
    stream_from: ClassVar[Any] = dual(_stream_from)
    astream_from: ClassVar[Any] = asynchronous(stream_from)
    upload_from_path: ClassVar[Any] = dual(_upload_from_path)
    aupload_from_path: ClassVar[Any] = asynchronous(upload_from_path)
    upload_from_file_object: ClassVar[Any] = dual(_upload_from_file_object)
    aupload_from_file_object: ClassVar[Any] = asynchronous(upload_from_file_object)
    upload_from_folder: ClassVar[Any] = dual(_upload_from_folder)
    aupload_from_folder: ClassVar[Any] = asynchronous(upload_from_folder)
    copy_object: ClassVar[Any] = dual(_copy_object)
    move_object: ClassVar[Any] = dual(_move_object)
    amove_object: ClassVar[Any] = asynchronous(move_object)


def s3_storage(url: str) -> S3Bucket:
    """
    The storage for results at `s3://bucket/folder`, with the credentials of the environment.

    Raises:
        ValueError: The URL names no bucket.
    """
    bucket, _, folder = url.partition("://")[2].partition("/")
    if not bucket:
        raise ValueError(f"The URL '{url}' names no bucket. Give 's3://bucket' or 's3://bucket/folder'.")
    return S3Bucket(bucket_name=bucket, bucket_folder=folder)


publish(globals(), "prefect_aws.s3")
