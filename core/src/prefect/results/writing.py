"""Write results in a way that can be taken back, so that several of them appear together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect.results.calls import call_storage
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    import logging

__all__ = ["Write", "Written", "unwrite_steps", "write_steps"]


@dataclass(frozen=True, slots=True)
class Write:
    """
    Bytes that are to be written.

    Args:
        storage: Where.
        path: The whole path or URL there.
        data: What.
        done: Called when all that belongs together is written.
    """

    storage: Any
    path: str
    data: bytes
    done: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Written:
    """A write that has happened, and what was there before; None if nothing was."""

    write: Write
    previous: bytes | None


def write_steps(write: Write, written: list[Written] | None = None) -> Steps[None]:
    """
    Write.

    Args:
        write: What is to be written.
        written: Gets what it takes to undo it; None if that will not be needed.
    """
    if written is None:
        yield from call_storage(write.storage, "write_path", write.path, write.data)
        return
    try:
        previous: bytes | None = yield from call_storage(write.storage, "read_path", write.path)
    except Exception:  # nothing there, in the words of whatever storage it is
        previous = None
    written.append(Written(write, previous))
    yield from call_storage(write.storage, "write_path", write.path, write.data)


def unwrite_steps(written: list[Written], logger: logging.Logger | logging.LoggerAdapter[Any]) -> Steps[None]:
    """Undo writes, the last one first. What cannot be undone is logged."""
    for each in reversed(written):
        storage, path = each.write.storage, each.write.path
        try:
            if each.previous is not None:
                yield from call_storage(storage, "write_path", path, each.previous)
            elif callable(getattr(storage, "_delete_path", None)):
                yield from call_storage(storage, "_delete_path", path)
            else:
                logger.error(
                    "'%s' was written by a transaction that then failed, and %s cannot delete it: delete it by hand.",
                    path,
                    type(storage).__name__,
                )
        except Exception:
            logger.exception("'%s', written by a transaction that then failed, could not be taken back.", path)
