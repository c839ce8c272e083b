"""Tracebacks as users want to read them: their own frames, not those of the engine in between."""

from __future__ import annotations

from types import TracebackType

PACKAGE = __name__.partition(".")[0]


def user_traceback(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An exception for `exc_info=`, its traceback without frames of this package; whole if nothing else is in it."""
    frames = []
    entry = error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_globals.get("__name__", "").partition(".")[0] != PACKAGE:
            frames.append(entry)
        entry = entry.tb_next
    trimmed: TracebackType | None = None
    for entry in reversed(frames):
        trimmed = TracebackType(trimmed, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return type(error), error, trimmed or error.__traceback__
