"""Layered layout: what depends on something is to the right of it, and lines cross seldom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from prefect_ui.charts import picture

__all__ = ["Box", "draw", "layers"]

_WIDE, _HIGH, _ACROSS, _DOWN = 190, 26, 60, 10
_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Box:
    """
    A node of a graph.

    Args:
        label: What is written in it.
        href: Where it leads to.
        told: What is to be said of it.
        kind: How it is drawn: a class of the style sheet.
        glyph: A sign before the label.
    """

    label: str
    href: str
    told: str
    kind: str = ""
    glyph: str = ""


def layers(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """
    Arrange the nodes of a graph in layers: each is in a later layer than all that it comes from.

    Edges that close a circle are not regarded.

    Args:
        nodes: Their names, in an order that is kept where nothing speaks against it.
        edges: From which to which; those of other nodes are not regarded.
    """
    known = set(nodes)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(edges):
        if source in known and target in known and source != target:
            after[source].append(target)
    order, before = _without_circles(nodes, after)
    level: dict[str, int] = {}
    for node in order:
        level[node] = max((level[source] + 1 for source in before[node]), default=0)
    made: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node in nodes:
        made[level[node]].append(node)
    following: dict[str, list[str]] = defaultdict(list)
    for node, sources in before.items():
        for source in sources:
            following[source].append(node)
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else following
        place = {node: index / max(1, len(layer)) for layer in made for index, node in enumerate(layer)}
        for layer in made if sweep % 2 == 0 else reversed(made):
            layer.sort(key=lambda node: _middle(node, neighbours, place))
            place |= {node: index / max(1, len(layer)) for index, node in enumerate(layer)}
    return made


def _middle(node: str, neighbours: Mapping[str, Sequence[str]], place: Mapping[str, float]) -> float:
    near = neighbours.get(node, ())
    return sum(place[each] for each in near) / len(near) if near else place[node]


def _without_circles(
    nodes: Sequence[str], after: Mapping[str, Sequence[str]]
) -> tuple[list[str], dict[str, list[str]]]:
    """An order in which nodes come after their sources, and these sources, without those that would close circles."""
    before: dict[str, list[str]] = {node: [] for node in nodes}
    state: dict[str, int] = {}  # 1: on the way, 2: done
    order: list[str] = []
    for start in nodes:
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(after.get(start, ())))]
        while stack:
            node, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                state[node] = 2
                order.append(node)
                stack.pop()
            elif state.get(target) != 1:
                before[target].append(node)
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(after.get(target, ()))))
    return order[::-1], before


def draw(boxes: Mapping[str, Box], edges: Iterable[tuple[str, str]], label: str, here: str = "") -> Markup:
    """
    Draw a graph from left to right.

    Args:
        boxes: Its nodes, by name.
        edges: From which to which.
        label: What it shows, for who cannot see it.
        here: The node that the page is about.
    """
    lines = list(dict.fromkeys(edges))
    columns = layers(list(boxes), lines)
    tallest = max((len(column) for column in columns), default=1)
    at: dict[str, tuple[float, float]] = {}
    for across, column in enumerate(columns):
        shift = (tallest - len(column)) * (_HIGH + _DOWN) / 2
        for down, name in enumerate(column):
            at[name] = (10 + across * (_WIDE + _ACROSS), 10 + shift + down * (_HIGH + _DOWN))
    drawn = []
    for source, target in lines:
        if source == target or source not in at or target not in at:
            continue
        x1, y1, x2, y2 = at[source][0] + _WIDE, at[source][1] + _HIGH / 2, at[target][0], at[target][1] + _HIGH / 2
        bend = max(_ACROSS, abs(x2 - x1)) / 2
        drawn.append(
            f'<path class="edge" d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"/>'
        )
        drawn.append(f'<path class="arrow" d="M{x2:.0f} {y2:.0f}l-7 -4v8z"/>')
    for name, box in boxes.items():
        x, y = at[name]
        text = box.label if len(box.label) <= 24 else box.label[:23] + "…"
        glyph = f'<tspan class="{escape(box.kind)}">{escape(box.glyph)}</tspan> ' if box.glyph else ""
        drawn.append(
            f'<a href="{escape(box.href)}"><title>{escape(box.told)}</title>'
            f'<rect class="box{" here" * (name == here)}" x="{x:.0f}" y="{y:.0f}" width="{_WIDE}" height="{_HIGH}" rx="5"/>'
            f'<text x="{x + 8:.0f}" y="{y + 17:.0f}">{glyph}{escape(text)}</text></a>'
        )
    width = 20 + max(1, len(columns)) * (_WIDE + _ACROSS) - _ACROSS
    return picture(width, int(20 + tallest * (_HIGH + _DOWN) - _DOWN), label, drawn, "graph")
