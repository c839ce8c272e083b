"""Code on anything that fsspec reads: S3, GCS, Azure, SFTP, HTTP …"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import anyio

from prefect.blocks.core import Block
from prefect.deployments.storage.protocol import checked_interval, placeholder

__all__ = ["RemoteStorage"]

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "adl": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}
"""What must be installed to read URLs of a scheme."""


class RemoteStorage:
    """
    A folder that fsspec can read.

    Args:
        url: Where it is: `s3://bucket/folder`, `gs://…`, `abfs://…`, `sftp://…`.
        pull_interval: Seconds after which a runner brings the code up to date; None for never.
        settings: What the file system is made with, by fsspec's names. Blocks such as `Secret` are looked up when the
            code is pulled, so that secrets are not written into deployments.
    """

    def __init__(self, url: str, pull_interval: int | None = 60, **settings: Any) -> None:
        self._url = url
        self._settings = settings
        self._pull_interval = checked_interval(pull_interval)
        self._base = Path.cwd()

    def set_base_path(self, path: Path) -> None:
        """Say in which folder of this machine the code is put."""
        self._base = path

    @property
    def pull_interval(self) -> int | None:
        """Seconds after which a runner brings the code up to date; None for never."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """The folder that the code is in, once it was pulled."""
        parts = urlsplit(self._url)
        names = [
            part for part in (parts.netloc.rpartition("@")[2], *parts.path.split("/")) if part not in {"", ".", ".."}
        ]
        return self._base.joinpath(*names)

    async def pull_code(self) -> None:
        """
        Copy the folder to this machine.

        Raises:
            RuntimeError: It cannot be read, the package for its scheme is missing, or a name in it would lead out of it.
        """
        await anyio.to_thread.run_sync(self._pull)

    def _pull(self) -> None:
        import fsspec

        try:
            files, root = fsspec.core.url_to_fs(
                self._url, **{name: _plain(value) for name, value in self._settings.items()}
            )
            # A new look: file systems are cached in the process, and so is what they listed.
            files.invalidate_cache()
            found = files.find(root)
        except Exception as error:
            raise RuntimeError(f"Failed to read {self._url!r}: {error}{self._hint(error)}") from error
        if not found:
            raise RuntimeError(f"There are no files in {self._url!r}.")
        targets = [self._target(name, root) for name in found]
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.get(found, [str(target) for target in targets])
        except Exception as error:
            raise RuntimeError(f"Failed to copy {self._url!r} to '{self.destination}': {error}") from error

    def _target(self, name: str, root: str) -> Path:
        below = PurePosixPath(name.removeprefix(root).lstrip("/") or PurePosixPath(name).name)
        if ".." in below.parts:
            raise RuntimeError(f"The file {name!r} in {self._url!r} has a name that leads out of the folder.")
        return self.destination.joinpath(*below.parts)

    def _hint(self, error: Exception) -> str:
        package = _PACKAGES.get(urlsplit(self._url).scheme)
        return f" (pip install {package})" if package and isinstance(error, ImportError) else ""

    def to_pull_step(self) -> dict[str, Any]:
        """
        The step that copies the folder elsewhere. Blocks among the settings are named in it, not written out.

        Raises:
            BlockNotSavedError: One of them was not saved.
        """
        settings = {
            name: placeholder(value) if isinstance(value, Block) else value for name, value in self._settings.items()
        }
        inputs: dict[str, Any] = {"url": self._url, **settings}
        package = _PACKAGES.get(urlsplit(self._url).scheme)
        if package:
            inputs["requires"] = package
        return {"prefect.deployments.steps.pull_from_remote_storage": inputs}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteStorage) and (self._url, self._settings) == (other._url, other._settings)

    __hash__ = None  # type: ignore[assignment] # settings may be anything

    def __repr__(self) -> str:
        return f"RemoteStorage(url={self._url!r})"


def _plain(value: Any) -> Any:
    """A setting's value; of a block that holds one secret the secret."""
    if not isinstance(value, Block):
        return value
    get = getattr(value, "get", None)
    return get() if callable(get) else value.model_dump()
