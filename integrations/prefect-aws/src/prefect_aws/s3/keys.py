"""Which key a path means: below the folder of a bucket, which is neither put before it twice nor left out."""

from __future__ import annotations

__all__ = ["key_below", "parts_of", "prefix_below"]


def parts_of(path: str) -> list[str]:
    """
    The names that a path consists of. Slashes at its ends, and several in a row, mean nothing.

    Raises:
        ValueError: It could lead out of the folder that it is meant to be in.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in path:
        raise ValueError(
            f"The path {path!r} may lie outside of the bucket's folder: it contains '..' or a NUL character."
        )
    return parts


def key_below(folder: str, path: str) -> str:
    """
    The key of a path in a folder. A path that begins with the folder, such as a key that was returned before, is a key
    already.
    """
    base, parts = parts_of(folder), parts_of(path)
    return "/".join(parts if parts[: len(base)] == base else base + parts)


def prefix_below(folder: str, path: str) -> str:
    """What all keys in a folder within the folder begin with: `up/`, so that `upper/x` is not among them."""
    key = key_below(folder, path)
    return f"{key}/" if key else ""
