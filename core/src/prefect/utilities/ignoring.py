"""Patterns of files to ignore, in the form of `.gitignore` files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["IgnorePatterns"]


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    includes: bool
    directories_only: bool


class IgnorePatterns:
    """The lines of a `.gitignore` file: the last one that fits a path decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        rules = (_rule(line) for line in lines)
        self._rules = [rule for rule in rules if rule is not None]

    def ignores(self, path: str, is_directory: bool) -> bool:
        """
        Whether a path is ignored, or a directory that it is in.

        Args:
            path: Relative to where the file is, with slashes.
            is_directory: Whether it is a directory.
        """
        parts = path.split("/")
        parents = ["/".join(parts[:count]) for count in range(1, len(parts))]
        if any(self._matches(parent, is_directory=True) for parent in parents):
            return True
        return self._matches(path, is_directory)

    def _matches(self, path: str, is_directory: bool) -> bool:
        for rule in reversed(self._rules):
            if (is_directory or not rule.directories_only) and rule.pattern.fullmatch(path):
                return not rule.includes
        return False


def _rule(line: str) -> _Rule | None:
    line = line.rstrip("\r\n")
    stripped = line.rstrip(" ")
    if stripped.endswith("\\") and len(line) > len(stripped):
        stripped += " "  # a blank that is meant
    if not stripped or stripped.startswith("#"):
        return None
    includes = stripped.startswith("!")
    pattern = stripped[1:] if includes else stripped
    directories_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    if not pattern:
        return None
    # With a slash that is not at its end it is relative to the top; else it fits at any depth.
    anchored = "/" in pattern
    expression = _expression(pattern.removeprefix("/"))
    return _Rule(re.compile(expression if anchored else f"(?:.*/)?{expression}"), includes, directories_only)


def _expression(pattern: str) -> str:
    pieces = []
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            piece, length = "(?:.*/)?", 3
        elif rest.startswith("/**") and len(rest) == 3:
            piece, length = "/.*", 3
        elif rest.startswith("*"):
            piece, length = "[^/]*", len(rest) - len(rest.lstrip("*"))
        elif rest.startswith("?"):
            piece, length = "[^/]", 1
        elif rest.startswith("[") and "]" in rest[2:]:
            end = rest.index("]", 2)
            inner = rest[1:end].replace("\\", "\\\\")
            piece, length = f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]", end + 1
        elif rest.startswith("\\") and len(rest) > 1:
            piece, length = re.escape(rest[1]), 2
        else:
            piece, length = re.escape(rest[0]), 1
        pieces.append(piece)
        position += length
    return "".join(pieces)
