"""The plugin API's version, and whether a requirement such as `">=0.1,<1"` admits it."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["PREFECT_PLUGIN_API_VERSION", "admits"]

PREFECT_PLUGIN_API_VERSION = "0.2"
"""Hooks and records as in `prefect.hookspecs`. Adding is a minor step; taking away would be version 1."""

DEFAULT_REQUIREMENT = ">=0.1,<1"
"""What a plugin requires that does not say it (`PREFECT_PLUGIN_API_REQUIRES` in its module)."""

Version = tuple[int, ...]

_CLAUSE = re.compile(r"(==|!=|>=|<=|~=|>|<)\s*(\d+(?:\.\d+)*)(\.\*)?")

_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    "==": lambda version, bound: version == bound,
    "!=": lambda version, bound: version != bound,
    ">=": lambda version, bound: version >= bound,
    "<=": lambda version, bound: version <= bound,
    ">": lambda version, bound: version > bound,
    "<": lambda version, bound: version < bound,
}


def _numbers(text: str) -> Version:
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _clause_admits(clause: str, version: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None or (match[3] and match[1] not in {"==", "!="}):
        raise ValueError(f"{clause!r} is not a version requirement such as '>=0.1' or '==0.2.*'.")
    operator, bound, wildcard = match.groups()
    parts = [int(part) for part in bound.split(".")]
    own = [int(part) for part in version.split(".")]
    own += [0] * (len(parts) - len(own))
    if wildcard:
        return (own[: len(parts)] == parts) == (operator == "==")
    if operator == "~=":
        if len(parts) < 2:
            raise ValueError(f"{clause!r} needs at least two numbers, as in '~=0.2'.")
        return _numbers(version) >= _numbers(bound) and own[: len(parts) - 1] == parts[:-1]
    return _COMPARE[operator](_numbers(version), _numbers(bound))


def admits(requirement: str, version: str = PREFECT_PLUGIN_API_VERSION) -> bool:
    """
    Whether a requirement admits a version: comparisons joined by commas, dotted numbers only.

    Raises:
        ValueError: The requirement cannot be read.
    """
    return all(_clause_admits(clause.strip(), version) for clause in requirement.split(",") if clause.strip())
