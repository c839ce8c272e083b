"""The pictures of a flow run: when its parts were under way, and what came from what."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from prefect_ui import layers, timeline
from prefect_ui.api import Api, ApiError
from prefect_ui.timeline import Piece, Row
from prefect_ui.view import GLYPHS, duration, parse_time

__all__ = ["graph", "name_of_task", "show_timeline"]

_MOST = 500
"""Graphs with more nodes than this are shown by the names of their tasks."""

_MOST_OPENED = 12
_DEEPEST = 3
_LISTED = 200
_WAITS = {"SCHEDULED", "PENDING", "PAUSED"}

Node = dict[str, Any]


def name_of_task(label: str) -> str:
    """The name of a task run or subflow run without what tells it from others of the same task."""
    return re.sub(r"-(?=[0-9a-f]*\d)[0-9a-f]+$", "", label.split(" / ", 1)[0])


async def _read(api: Api, id: str) -> dict[str, Any] | str:
    """The graph of a flow run; or why it cannot be had."""
    try:
        found: dict[str, Any] = await api.get(f"/flow_runs/{id}/graph-v2")
    except ApiError as error:
        if error.status != 400:
            raise
        return error.detail
    return found


def _nodes(found: Mapping[str, Any]) -> list[Node]:
    return [node for _, node in found["nodes"]]


# -- timeline


async def show_timeline(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    """When a run and its parts waited and were under way."""
    found = await _read(api, run["id"])
    if isinstance(found, str):
        return {"picture": None, "refused": found}
    now = datetime.now(timezone.utc)
    base = request.scope.get("root_path", "")
    nodes = _nodes(found)
    by_name = len(nodes) > _MOST
    own = _pieces_of_states(found["states"], now)
    start = parse_time(found["start_time"])
    if start is None and not nodes:
        return {"picture": None, "refused": None}
    start = start or parse_time(nodes[0]["start_time"]) or now
    end = parse_time(found["end_time"]) or now
    # A run that waited much longer than it ran would hardly be seen itself
    begin = max(min([piece.start for piece in own] or [start]), start - max(end - start, (now - start) / 1000))
    first = Row(run["name"], f"{base}/runs/flow-run/{run['id']}/details", _told(run["name"], own), own)
    if by_name:
        rows, notes = _rows_by_name(nodes, base, run["id"], begin, end, now)
    else:
        rows, notes = await _rows(api, run["id"], nodes, base, now)
    return {"picture": timeline.draw([first, *rows], begin, end), "notes": notes, "by_name": by_name, "refused": None}


def _pieces_of_states(states: list[dict[str, Any]], now: datetime) -> list[Piece]:
    """The history of a run as spans; the states that end it have none."""
    moments = [(each["type"], parse_time(each["timestamp"]) or now) for each in states]
    ends = [moment for _, moment in moments[1:]] + [now]
    spans = [(kind, start, end) for (kind, start), end in zip(moments, ends, strict=True)]
    last = [kind for kind, _ in moments if kind not in {"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"}][-1:]
    return [
        Piece(last[0] if kind == "RUNNING" and last else kind, start, end, kind in _WAITS)
        for kind, start, end in spans
        if kind in {"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"}
    ]


def _told(label: str, pieces: Iterable[Piece]) -> str:
    parts = [
        f"{piece.state.lower() if piece.is_waiting else 'ran'} {duration(piece.end - piece.start)}" for piece in pieces
    ]
    return f"{label}: {', '.join(parts) or 'not begun'}"


async def _rows(api: Api, id: str, nodes: list[Node], base: str, now: datetime) -> tuple[list[Row], list[str]]:
    """A row for each node, what happened inside of others after these; and what is to be said of what is not shown."""
    inside: dict[str, list[Node]] = {}
    known = {node["id"] for node in nodes}
    tops: list[Node] = []
    for node in nodes:
        around = next((each["id"] for each in node["encapsulating"] if each["id"] in known), None)
        (tops if around is None else inside.setdefault(around, [])).append(node)
    expected, waiting = await _expectations(api, id)
    opened = await _open_subflows(api, nodes)
    for subflow, within in opened.items():
        inside.setdefault(subflow, []).extend(within)
    rows: list[Row] = []
    placed: set[str] = set()

    def add(node: Node, depth: int) -> None:
        if node["id"] in placed:
            return
        placed.add(node["id"])
        pieces = _pieces_of_node(node, expected.get(node["id"]), now)
        href = f"{base}/runs/{node['kind']}/{node['id']}"
        told = f"{_told(node['label'], pieces)}, {node['state_type'].lower()}"
        rows.append(Row(f"{GLYPHS.get(node['state_type'], '?')} {node['label']}", href, told, pieces, depth))
        for each in inside.get(node["id"], ()):
            add(each, depth + 1)

    for node in [*tops, *nodes]:  # those that are said to be within each other are under none of the first
        add(node, 0)
    for task in waiting:
        since = parse_time(task["expected_start_time"]) or now
        pieces = [Piece(task["state_type"] or "PENDING", min(since, now), now, is_waiting=True)]
        label = f"{GLYPHS.get(task['state_type'], '?')} {task['name']}"
        rows.append(Row(label, f"{base}/runs/task-run/{task['id']}", _told(task["name"], pieces), pieces))
    all_within = [*nodes, *(node for within in opened.values() for node in within)]
    closed = sum(node["kind"] == "flow-run" and node["id"] not in opened for node in all_within)
    return rows, [f"{closed} subflow runs are not opened here: their own pages show what is in them."] if closed else []


async def _expectations(api: Api, id: str) -> tuple[dict[str, datetime], list[dict[str, Any]]]:
    """When the parts of a run were expected to start, by id; and the task runs that have not started and have not ended."""
    of_it = {"flow_runs": {"id": {"any_": [id]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": _LISTED}
    subflows = {"flow_runs": {"parent_flow_run_id": {"any_": [id]}}, "limit": _LISTED}
    pages = range(0, _MOST + _LISTED, _LISTED)
    found = await asyncio.gather(
        api.post("/flow_runs/filter", subflows),
        *(api.post("/task_runs/filter", {**of_it, "offset": at}) for at in pages),
    )
    runs = [run for each in found for run in each]
    expected = {run["id"]: moment for run in runs if (moment := parse_time(run["expected_start_time"]))}
    waiting = [
        run
        for each in found[1:]
        for run in each
        if not run["start_time"] and not run["end_time"] and run["state_type"] in _WAITS
    ]
    return expected, waiting


async def _open_subflows(api: Api, nodes: list[Node]) -> dict[str, list[Node]]:
    """What is in the subflow runs among the nodes, and in theirs, as far as there is room; by the subflow run."""
    opened: dict[str, list[Node]] = {}
    level, room = nodes, _MOST - len(nodes)
    for _ in range(_DEEPEST):
        subflows = [node["id"] for node in level if node["kind"] == "flow-run"][: _MOST_OPENED - len(opened)]
        found = await asyncio.gather(*(_read(api, id) for id in subflows))
        level = []
        for id, graph_of_it in zip(subflows, found, strict=True):
            if isinstance(graph_of_it, str) or len(within := _nodes(graph_of_it)) > room:
                continue
            room -= len(within)
            opened[id] = within
            level += within
    return opened


def _pieces_of_node(node: Node, expected: datetime | None, now: datetime) -> list[Piece]:
    start = parse_time(node["start_time"]) or now
    running = Piece(node["state_type"], start, max(start, parse_time(node["end_time"]) or now))
    if expected is None or expected >= start:
        return [running]
    return [Piece("PENDING", expected, start, is_waiting=True), running]


def _rows_by_name(
    nodes: list[Node], base: str, id: str, begin: datetime, end: datetime, now: datetime
) -> tuple[list[Row], list[str]]:
    """A row for all runs of each task."""
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        groups.setdefault((node["kind"], name_of_task(node["label"])), []).append(node)
    rows = []
    for (kind, name), members in list(groups.items())[:_MOST]:
        pieces = [piece for node in members for piece in _pieces_of_node(node, None, now)]
        href = _list_of(base, id, kind, name)
        counts = ", ".join(
            f"{number:,} {state.lower()}" for state, number in Counter(n["state_type"] for n in members).items()
        )
        told = f"{len(members):,} runs of {name}: {counts}"
        rows.append(Row(f"{name} ({len(members):,})", href, told, timeline.merged(pieces, begin, end)))
    notes = [f"These are {len(nodes):,} runs, shown by the names of their tasks."]
    if len(groups) > _MOST:
        notes.append(f"Of {len(groups):,} names, the {_MOST} that began first are shown.")
    return rows, notes


def _list_of(base: str, id: str, kind: str, name: str) -> str:
    tab, wanted = ("subflows", {}) if kind == "flow-run" else ("tasks", {"name": name})
    return f"{base}/runs/flow-run/{id}/{tab}" + (f"?{urlencode(wanted)}" if wanted else "")


# -- dependency graph


async def graph(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    """What came from what in a run, in layers."""
    found = await _read(api, run["id"])
    if isinstance(found, str):
        return {"picture": None, "refused": found}
    nodes, base = _nodes(found), request.scope.get("root_path", "")
    by_name = len(nodes) > _MOST or request.query_params.get("by") == "name"
    if not nodes:
        return {"picture": None, "refused": None}
    boxes, edges, notes = (_boxes_by_name if by_name else _boxes)(nodes, base, run["id"])
    drawn = layers.draw(boxes, edges, f"What came from what: {len(boxes)} nodes")
    return {"picture": drawn, "notes": notes, "by_name": by_name, "can_be_single": len(nodes) <= _MOST, "refused": None}


_Drawing = tuple[dict[str, layers.Box], list[tuple[str, str]], list[str]]


def _boxes(nodes: list[Node], base: str, id: str) -> _Drawing:
    boxes = {
        node["id"]: layers.Box(
            node["label"],
            f"{base}/runs/{node['kind']}/{node['id']}",
            f"{node['label']}: {node['state_type'].lower()}",
            node["state_type"].lower(),
            GLYPHS.get(node["state_type"], "?"),
        )
        for node in nodes
    }
    return boxes, [(parent["id"], node["id"]) for node in nodes for parent in node["parents"]], []


def _boxes_by_name(nodes: list[Node], base: str, id: str) -> _Drawing:
    names = {node["id"]: f"{node['kind']} {name_of_task(node['label'])}" for node in nodes}
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        groups.setdefault(names[node["id"]], []).append(node)
    boxes = {}
    for key, members in list(groups.items())[:_MOST]:
        states = Counter(node["state_type"] for node in members)
        worst = _worst(states)
        name = name_of_task(members[0]["label"])
        told = f"{len(members):,} runs of {name}: " + ", ".join(f"{n:,} {state.lower()}" for state, n in states.items())
        href = _list_of(base, id, members[0]["kind"], name)
        boxes[key] = layers.Box(f"{name} ({len(members):,})", href, told, worst.lower(), GLYPHS.get(worst, "?"))
    edges = [
        (names[parent["id"]], names[node["id"]])
        for node in nodes
        for parent in node["parents"]
        if parent["id"] in names
    ]
    notes = [f"These are {len(nodes):,} runs, shown by the names of their tasks."]
    if len(groups) > _MOST:
        notes.append(f"Of {len(groups):,} names, the {_MOST} that began first are shown.")
    return boxes, edges, notes


def _worst(states: Iterable[str]) -> str:
    """Of several states, the one to look at first."""
    present = set(states)
    return next(state for state in (*_BAD_FIRST, *present) if state in present)


_BAD_FIRST = ("FAILED", "CRASHED", "CANCELLED", "RUNNING")
