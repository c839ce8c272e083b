"""Timelines and layered graphs: what they draw, and where."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from prefect_ui import layers, timeline
from prefect_ui.layers import Box
from prefect_ui.pages.run_graphs import name_of_task
from prefect_ui.timeline import Piece, Row

BEGIN = datetime(2031, 1, 1, 12, 0, 7, tzinfo=timezone.utc)


def after(seconds):
    return BEGIN + timedelta(seconds=seconds)


def piece(start, end, state="COMPLETED", is_waiting=False):
    return Piece(state, after(start), after(end), is_waiting)


def test_a_row_shows_waiting_lighter_before_what_was_under_way():
    pieces = [piece(0, 20, "PENDING", is_waiting=True), piece(20, 40)]
    drawn = timeline.draw([Row("load-0", "/there", "told", pieces)], BEGIN, after(100), width=1240)
    assert re.findall(r'rect class="(pending waiting|completed)" x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn) == [
        ("pending waiting", "230.0", "200.0"),
        ("completed", "430.0", "200.0"),
    ]
    assert 'href="/there"' in drawn


def test_what_was_before_the_picture_is_cut_off():
    drawn = timeline.draw([Row("n", "/", "n", [piece(-1000, 50)])], BEGIN, after(100), width=1240)
    assert 'x="230.0" y="28" width="500.0"' in drawn


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.4, ["+0 s", "+0.05 s", "+0.1 s", "+0.15 s", "+0.2 s", "+0.25 s", "+0.3 s", "+0.35 s", "+0.4 s"]),
        (20, ["12:00:10", "12:00:15", "12:00:20", "12:00:25"]),
        (3600 * 3, ["12:30", "13:00", "13:30", "14:00", "14:30", "15:00"]),
        (86400 * 4, ["02 Jan 00:00", "02 Jan 12:00", "03 Jan 00:00", "03 Jan 12:00", "04 Jan 00:00"]),
    ],
)
def test_the_axis_has_few_round_times(seconds, labels):
    drawn = timeline.draw([], BEGIN, after(seconds))
    found = re.findall(r'text-anchor="(?:start|middle)">([^<]+)<', drawn)
    assert [label for label in found if label in labels] == labels
    assert len(found) <= 9


def test_names_are_escaped_and_cut():
    drawn = timeline.draw([Row("<script>" + "x" * 300, '"/<', "<script>", [])], BEGIN, after(1))
    assert "<script>" not in drawn
    assert "x" * 40 not in drawn


def test_many_spans_become_few_that_tell_the_worst():
    pieces = [piece(number / 10, number / 10 + 0.1) for number in range(500)] + [piece(20, 21, "FAILED")]
    made = timeline.merged(pieces, BEGIN, after(100), most=100)
    assert [(each.state, (each.start - BEGIN).seconds, (each.end - BEGIN).seconds) for each in made] == [
        ("COMPLETED", 0, 20),
        ("FAILED", 20, 22),
        ("COMPLETED", 22, 51),
    ]


def test_each_is_in_a_later_layer_than_all_that_it_comes_from():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c"), ("gone", "c")]
    assert [sorted(layer) for layer in layers.layers(["c", "b", "a", "d"], edges)] == [["a", "d"], ["b"], ["c"]]


def test_lines_that_need_not_cross_do_not():
    edges = [(f"up{number}", f"down{5 - number}") for number in range(6)]
    nodes = [name for edge in edges for name in edge]
    first, second = layers.layers(sorted(nodes), edges)
    assert [dict(edges)[name] for name in first] == second


def test_circles_are_drawn_too():
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "c")]
    assert sum(len(layer) for layer in layers.layers(["a", "b", "c"], edges)) == 3
    drawn = layers.draw({name: Box(name, f"/{name}", name) for name in "abc"}, edges, "a graph")
    assert drawn.count('class="edge"') == 3
    assert re.findall(r'href="([^"]+)"', drawn) == ["/a", "/b", "/c"]


def test_a_long_chain_is_arranged():
    nodes = [str(number) for number in range(3000)]
    assert len(layers.layers(nodes[::-1], list(zip(nodes, nodes[1:], strict=False)))) == 3000


def test_a_graph_without_nodes_is_drawn():
    assert "<svg" in layers.draw({}, [], "nothing")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("load-0", "load"),
        ("load-3f2", "load"),
        ("load-data", "load-data"),
        ("etl / zen-orca", "etl"),
        ("load-", "load-"),
    ],
)
def test_the_name_of_the_task_is_found_in_that_of_its_run(label, name):
    assert name_of_task(label) == name
