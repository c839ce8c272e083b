"""Which storage an address means."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from prefect.deployments.storage.git import GitRepository
from prefect.deployments.storage.local import LocalStorage
from prefect.deployments.storage.protocol import RunnerStorage
from prefect.deployments.storage.remote import RemoteStorage

__all__ = ["create_storage_from_source"]

_GIT = re.compile(r"(git|ssh)://.*|[\w.+-]+@[\w.-]+:.+")


def create_storage_from_source(source: str, pull_interval: int | None = 60) -> RunnerStorage:
    """
    The storage that an address means: a git repository if it is one of git's or ends with `.git`, a folder of this machine
    if it is a path, else anything that fsspec reads.

    Args:
        source: The address.
        pull_interval: Seconds after which a runner brings the code up to date; None for never.

    Raises:
        ValueError: Nothing can read from an address of that scheme.
    """
    parts = urlsplit(source)
    if _GIT.fullmatch(source) or parts.path.endswith(".git"):
        return GitRepository(url=source, pull_interval=pull_interval)
    if "://" not in source or parts.scheme in {"file", "local"}:
        return LocalStorage(path=str(Path(source.partition("://")[2] or source)), pull_interval=pull_interval)
    import fsspec

    if parts.scheme not in fsspec.available_protocols():
        raise ValueError(
            f"Nothing can read code from {source!r}: fsspec knows no {parts.scheme}://. Give a git repository, a folder, "
            "or a URL such as s3://bucket/folder."
        )
    return RemoteStorage(url=source, pull_interval=pull_interval)
