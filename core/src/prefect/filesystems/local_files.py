"""What is looked at and written of files of this machine, in few steps: each may have to wait for other threads."""

from __future__ import annotations

import os

__all__ = ["has_links", "write_all"]


def has_links(base: str, whole: str) -> bool:
    """Whether a part of a path may be a symbolic link, of those below a folder: that one's own path has none."""
    if os.name != "posix":
        return True  # there are other kinds of links
    place = base.rstrip(os.sep)
    for part in whole[len(place) :].split(os.sep):  # noqa: PTH206
        if part:
            place = f"{place}{os.sep}{part}"
            if os.path.islink(place):  # noqa: PTH114
                return True
    return False


def write_all(handle: int, content: bytes) -> None:
    """Write all of something to a file that is open."""
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]
