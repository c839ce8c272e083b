"""Code that a storage block holds."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from prefect.blocks.core import BlockNotSavedError
from prefect.deployments.storage.protocol import checked_interval
from prefect.filesystems import ReadableDeploymentStorage, WritableDeploymentStorage

__all__ = ["BlockStorageAdapter"]


class BlockStorageAdapter:
    """
    A storage block, as a place for code.

    Args:
        block: The block; it must be able to copy a folder.
        pull_interval: Seconds after which a runner brings the code up to date; None for never.
    """

    def __init__(
        self, block: ReadableDeploymentStorage | WritableDeploymentStorage, pull_interval: int | None = 60
    ) -> None:
        if not callable(getattr(block, "get_directory", None)):
            raise TypeError(f"The block {block!r} cannot hold code: it has no method get_directory.")
        self._block = block
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
        slug = self._block.get_block_type_slug()
        return self._base / f"{slug}-{self._block._block_document_name or 'unsaved'}"

    async def pull_code(self) -> None:
        """Copy what the block holds to this machine."""
        self.destination.mkdir(parents=True, exist_ok=True)
        copying = self._block.get_directory(local_path=str(self.destination))
        if inspect.isawaitable(copying):
            await copying

    def to_pull_step(self) -> dict[str, Any]:
        """
        The step that copies it elsewhere.

        Raises:
            BlockNotSavedError: The block was not saved, so that it could not be found elsewhere.
        """
        own = getattr(self._block, "get_pull_step", None)
        if callable(own):
            return own()  # type: ignore[no-any-return]
        name = self._block._block_document_name
        if name is None:
            raise BlockNotSavedError("The block that holds the code was not saved. Call its .save(name) first.")
        inputs = {"block_type_slug": self._block.get_block_type_slug(), "block_document_name": name}
        return {"prefect.deployments.steps.pull_with_block": inputs}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlockStorageAdapter) and self._block == other._block

    __hash__ = None  # type: ignore[assignment] # blocks have none

    def __repr__(self) -> str:
        return f"BlockStorageAdapter({self._block._block_document_name or type(self._block).__name__!r})"
