"""Code that is on this machine already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.deployments.storage.protocol import checked_interval

__all__ = ["LocalStorage"]


class LocalStorage:
    """
    A folder of this machine. Nothing is copied: the flow runs where its code is.

    Args:
        path: The folder; relative ones start from the working directory.
        pull_interval: Accepted as for other storage; there is nothing to pull.
    """

    def __init__(self, path: str, pull_interval: int | None = None) -> None:
        self._path = Path(path).expanduser().resolve()
        self._pull_interval = checked_interval(pull_interval)

    @property
    def destination(self) -> Path:
        """The folder."""
        return self._path

    def set_base_path(self, path: Path) -> None:
        """Accepted as for other storage: the code stays where it is."""

    @property
    def pull_interval(self) -> int | None:
        """Seconds between looks at the folder; None for never."""
        return self._pull_interval

    async def pull_code(self) -> None:
        """
        Check that the folder is there.

        Raises:
            FileNotFoundError: It is not.
        """
        if not self._path.is_dir():
            raise FileNotFoundError(f"There is no folder '{self._path}' on this machine.")

    def to_pull_step(self) -> dict[str, Any]:
        """The step that goes to the folder."""
        return {"prefect.deployments.steps.set_working_directory": {"directory": str(self._path)}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalStorage) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"LocalStorage(path={self._path!r})"
