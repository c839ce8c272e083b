"""What all places for code have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from prefect.blocks.core import Block

__all__ = ["RunnerStorage", "checked_interval", "placeholder"]


@runtime_checkable
class RunnerStorage(Protocol):
    """A place where the code of flows is kept."""

    def set_base_path(self, path: Path) -> None:
        """Say in which folder of this machine the code is put."""
        ...

    @property
    def pull_interval(self) -> int | None:
        """Seconds after which a runner brings the code up to date; None for never."""
        ...

    @property
    def destination(self) -> Path:
        """The folder of this machine that the code is in, once it was pulled."""
        ...

    async def pull_code(self) -> None:
        """Bring the code to this machine, or up to date."""
        ...

    def to_pull_step(self) -> dict[str, Any]:
        """The deployment step that does the same elsewhere."""
        ...


def checked_interval(pull_interval: int | None) -> int | None:
    """
    An interval between pulls.

    Raises:
        ValueError: It is not more than zero.
    """
    if pull_interval is not None and pull_interval <= 0:
        raise ValueError(f"Invalid pull_interval: {pull_interval!r}. Give seconds, more than zero, or None for never.")
    return pull_interval


def placeholder(block: Block) -> str:
    """
    What stands for a block in the inputs of a step: `{{ prefect.blocks.<type>.<name> }}`.

    Raises:
        BlockNotSavedError: The block was not saved, so that it could not be found elsewhere.
    """
    return f"{{{{ {block.get_block_placeholder()} }}}}"
