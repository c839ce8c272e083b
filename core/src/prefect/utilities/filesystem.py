"""Files and paths."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any, AnyStr, Optional, Union

from prefect.utilities.ignoring import IgnorePatterns

__all__ = [
    "DEFAULT_IGNORE_FILE",
    "chdir_lock",
    "create_default_ignore_file",
    "filename",
    "filter_files",
    "get_open_file_limit",
    "is_local_path",
    "relative_path_to_current_platform",
    "tmpchdir",
    "to_display_path",
]

DEFAULT_IGNORE_FILE = """\
# What is not uploaded with a flow's code, in the form of a .gitignore file.

# Of Python
__pycache__/
*.py[cod]
*$py.class
*.egg-info/
*.egg
.ipynb_checkpoints/
.pytest_cache/
.mypy_cache/
.ruff_cache/

# Environments
.env
.venv/
env/
venv/

# Of systems and editors
.DS_Store
.idea/
.vscode/

# Of version control
.git/
.hg/
"""


def create_default_ignore_file(path: str) -> bool:
    """
    Write a `.prefectignore` file that leaves out what is not code.

    Args:
        path: The directory.

    Returns:
        Whether it was written: one that is there stays.
    """
    try:
        with (Path(path) / ".prefectignore").open("x", encoding="utf-8") as file:
            file.write(DEFAULT_IGNORE_FILE)
    except FileExistsError:
        return False
    return True


def filter_files(
    root: str = ".",
    ignore_patterns: Optional[Iterable[AnyStr]] = None,
    include_dirs: bool = True,
    *,
    as_posix: bool = False,
) -> set[str]:
    """
    The files below a directory that are not ignored.

    Args:
        root: The directory.
        ignore_patterns: Patterns, as in a `.gitignore` file.
        include_dirs: Whether to include directories.
        as_posix: Whether paths have slashes on all systems.

    Returns:
        Paths relative to the directory.
    """
    lines = [line.decode() if isinstance(line, bytes) else str(line) for line in ignore_patterns or ()]
    patterns = IgnorePatterns(lines)
    found: set[str] = set()
    for directory, names, files in os.walk(root):
        below = Path(directory).relative_to(root)
        kept: list[str] = [name for name in names if not patterns.ignores((below / name).as_posix(), is_directory=True)]
        # What is in an ignored directory cannot be included again, so it need not be walked through.
        names[:] = kept
        paths = [*(kept if include_dirs else ())]
        paths += [name for name in files if not patterns.ignores((below / name).as_posix(), is_directory=False)]
        found.update((below / name).as_posix() if as_posix else str(below / name) for name in paths)
    return found


chdir_lock = threading.Lock()
"""Held while `tmpchdir` is in another directory: there is one for the whole process."""


@contextmanager
def tmpchdir(path: str) -> Iterator[str]:
    """
    Work in another directory inside of the `with` statement; in that of a file, if it is one. One thread at a time.

    Yields:
        The directory.
    """
    resolved = Path(path).resolve()
    directory = str(resolved.parent if resolved.is_file() else resolved)
    with chdir_lock:
        before = Path.cwd()
        os.chdir(directory)
        try:
            yield directory
        finally:
            os.chdir(before)


def filename(path: str) -> str:
    """The last part of a path or URL."""
    return path.replace("\\", "/").rpartition("/")[2] if os.sep == "\\" else path.rpartition("/")[2]


def is_local_path(path: Union[str, Path, Any]) -> bool:
    """
    Whether a path, URL or open file of fsspec is on this machine.

    Raises:
        ValueError: The URL's protocol is not known.
        TypeError: It is none of these.
    """
    if isinstance(path, (str, Path)):
        import fsspec

        try:
            fsspec_file = fsspec.core.url_to_fs(str(path))[0]
        except ImportError:
            # Of a package that is not installed: what is here needs none.
            return False
    elif hasattr(path, "fs"):
        fsspec_file = path.fs
    else:
        message = f"Invalid path of type {type(path).__name__!r}: {path!r}"
        raise TypeError(message)
    protocols = (fsspec_file.protocol,) if isinstance(fsspec_file.protocol, str) else fsspec_file.protocol
    return "file" in protocols or "local" in protocols


def to_display_path(path: Union[Path, str], relative_to: Union[Path, str, None] = None) -> str:
    """
    The shorter of the absolute path and the one relative to a directory.

    Args:
        path: The path.
        relative_to: The directory; the working directory if None.
    """
    absolute = Path(path).resolve()
    directory = Path(relative_to or Path.cwd()).resolve()
    if not absolute.is_relative_to(directory):
        return str(absolute)
    relative = str(absolute.relative_to(directory))
    return relative if len(relative) < len(str(absolute)) else str(absolute)


def relative_path_to_current_platform(path_str: str) -> Path:
    r"""A relative path of any system as one of this system: `a\b` and `a/b` are the same."""
    return Path(PureWindowsPath(path_str).as_posix())


def get_open_file_limit() -> int:
    """How many files this process may have open; 200 where that cannot be known."""
    unknown = 200
    try:
        import resource
    except ImportError:  # not on Windows
        return unknown
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit if limit > 0 else unknown
