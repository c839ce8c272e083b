"""
Finds the endpoint that a path means, part by part: with two hundred of them, trying one pattern after the other would
take longer than most of what they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from prefect.server.api.wire import Wire

__all__ = ["Found", "Routes"]


@dataclass(slots=True)
class _Node:
    """What may come after a part of a path. A fixed text goes before anything else."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    wires: dict[str, Wire] = field(default_factory=dict)

    def child(self, part: str) -> _Node:
        """The node after a part of a template, made if there is none."""
        if not part.startswith("{"):
            return self.fixed.setdefault(part, _Node())
        if self.any is None:
            self.any = _Node()
        return self.any


@dataclass(frozen=True, slots=True)
class Found:
    """
    The endpoints of a path.

    Args:
        wires: By verb.
        values: What stands in the path where the templates have names.
    """

    wires: dict[str, Wire]
    values: tuple[str, ...]


class Routes:
    """All endpoints by path. A slash at the end makes no difference."""

    def __init__(self, wires: Iterable[Wire]) -> None:
        self._root = _Node()
        for wire in wires:
            node = self._root
            for part in _parts(wire.endpoint.path):
                node = node.child(part)
            node.wires[wire.endpoint.method] = wire

    def find(self, raw_path: str, method: str | None) -> Found | None:
        """
        The endpoints that a path means, preferably one with a verb.

        Args:
            raw_path: The path as it was sent, with its percent signs, so that a slash within a name stays one.
            method: The verb; None for the path that fits best, whatever its verbs.
        """
        parts = _parts(raw_path)
        found = None if method is None else self._walk(self._root, parts, 0, (), method)
        return found if found is not None else self._walk(self._root, parts, 0, (), None)

    def _walk(
        self, node: _Node, parts: list[str], position: int, values: tuple[str, ...], method: str | None
    ) -> Found | None:
        if position == len(parts):
            fits = bool(node.wires) if method is None else method in node.wires
            return Found(node.wires, values) if fits else None
        part = parts[position]
        fixed = node.fixed.get(part)
        if fixed is not None:
            found = self._walk(fixed, parts, position + 1, values, method)
            if found is not None:
                return found
        if node.any is None or not part:
            return None
        return self._walk(node.any, parts, position + 1, (*values, unquote(part)), method)


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")
