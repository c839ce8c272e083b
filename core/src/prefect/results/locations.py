"""Keys and the places that they mean: the whole path or URL of a key in a storage, and back."""

from __future__ import annotations

import posixpath
from typing import Any

__all__ = ["key_in", "lies_in", "located"]


def located(storage: Any, key: str) -> str:
    """
    The whole path or URL of a key in a storage; a path or URL of the storage stays what it is.

    A storage that would prefix such a path once more, or that cannot tell, gets its keys as they are.
    """
    locate = getattr(storage, "_resolve_path", None)
    if locate is None:
        return key
    path = str(locate(key))
    return path if getattr(storage, "_resolves_once", False) or str(locate(path)) == path else key


def key_in(storage: Any, path: str) -> str:
    """The key of a path or URL that `located` made."""
    base = located(storage, "")
    relative = path.removeprefix(base).lstrip("/") if base and path.startswith(base) else path
    return posixpath.normpath(relative)


def lies_in(storage: Any, path: str) -> bool:
    """Whether a path or URL is a place in a storage."""
    base = located(storage, "")
    absolute = "://" in path or posixpath.isabs(path) or path[1:3] == ":\\"
    return not absolute or path.startswith(base.rstrip("/") + "/")
