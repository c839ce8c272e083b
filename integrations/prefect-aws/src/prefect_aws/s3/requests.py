"""What is asked of S3: plain functions that take a client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from prefect.filesystems import PathNotFoundError
from prefect.utilities.filesystem import filter_files

__all__ = ["copy", "download_folder", "list_all", "read", "upload_folder"]

T = TypeVar("T")

_AT_ONCE = 8
"""Files that are copied at the same time; below the ten connections that a client keeps."""


def read(client: Any, bucket: str, key: str) -> bytes:
    """
    The content of an object.

    Raises:
        prefect.filesystems.PathNotFoundError: There is none under this key.
    """
    try:
        content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        raise PathNotFoundError(f"There is no object '{key}' in the bucket '{bucket}'.") from None
    return content


def list_all(
    client: Any,
    bucket: str,
    prefix: str = "",
    delimiter: str = "",
    page_size: int | None = None,
    max_items: int | None = None,
    jmespath_query: str | None = None,
) -> list[Any]:
    """What S3 tells of the objects whose keys begin with a prefix, page after page."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket,
        Prefix=prefix,
        Delimiter=delimiter,
        PaginationConfig={"PageSize": page_size, "MaxItems": max_items},
    )
    if jmespath_query is not None:
        return [found for found in pages.search(jmespath_query) if found is not None]
    return [found for page in pages for found in page.get("Contents", [])]


def copy(client: Any, source: tuple[str, str], target: tuple[str, str], **options: Any) -> str:
    """Copy an object of any size, from a bucket and key to a bucket and key; returns the key."""
    client.copy({"Bucket": source[0], "Key": source[1]}, *target, ExtraArgs=options)
    return target[1]


def download_folder(client: Any, bucket: str, prefix: str, folder: Path, **options: Any) -> None:
    """
    Download all objects whose keys begin with a prefix, below a local folder.

    Raises:
        ValueError: A key would lead out of the local folder. Nothing is downloaded then.
    """
    root = folder.resolve()
    files: dict[str, Path] = {}
    for key in (found["Key"] for found in list_all(client, bucket, prefix)):
        file = root / key[len(prefix) :].lstrip("/")
        if not file.resolve().is_relative_to(root):
            raise ValueError(f"The object '{key}' of the bucket '{bucket}' would be written outside of '{root}'.")
        if not key.endswith("/"):  # consoles show folders by such empty objects
            files[key] = file

    def download(key: str) -> None:
        files[key].parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(files[key]), **options)

    _each(download, files)


def upload_folder(
    client: Any, bucket: str, prefix: str, folder: Path, patterns: Iterable[str] = (), **options: Any
) -> int:
    """
    Upload the files of a folder that no pattern of an ignore file leaves out; returns how many.

    Raises:
        prefect.filesystems.PathNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise PathNotFoundError(f"There is no folder '{folder}'.")
    files = sorted(filter_files(str(folder), patterns, include_dirs=False, as_posix=True))
    _each(lambda file: client.upload_file(str(folder / file), bucket, f"{prefix}{file}", **options), files)
    return len(files)


def _each(action: Callable[[T], Any], items: Iterable[T]) -> None:
    with ThreadPoolExecutor(_AT_ONCE, "s3") as pool:
        done: Iterator[Any] = pool.map(action, items)
        list(done)  # raises what one of them raised
