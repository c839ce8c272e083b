"""Tables fit, wrap and stay readable."""

from __future__ import annotations

import pytest

from prefect.cli.tables import Column, render, width_of, wrap

ID = "01a202b0-709c-709d-b0c6-b74b133f7be4"


def test_a_table_is_as_wide_as_it_needs_to_be_when_nothing_limits_it():
    text = render(["Name", "Value"], [("a", "x" * 300)], None)
    assert text.splitlines()[2] == "a     " + "x" * 300


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits(width):
    name, description = "a-long-name-without-any-blank-at-all" * 3, "several words of a text that is too long " * 3
    lines = render([Column("ID", whole=True), "Name", "Description"], [(ID, name, description)], width).splitlines()
    assert max(map(len, lines)) <= width
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    starts = [0, len(ID) + 2, len(ID) + 4 + len(lines[rule].split()[1])]
    cells = [
        "".join(line[start:end].strip() for line in lines[rule + 1 :])
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]
    assert [cells[0], cells[1], cells[2].replace(" ", "")] == [ID, name, description.replace(" ", "")]


def test_what_is_whole_stays_whole_even_if_nothing_else_fits():
    text = render([Column("ID", whole=True), "Name"], [(ID, "name")], 20)
    assert ID in text


def test_the_widest_column_gives_way_first():
    lines = render(["A", "B"], [("short", "long " * 20)], 40).splitlines()
    assert lines[2].startswith("short  long long")
    assert all(line.startswith(" " * 7) for line in lines[3:])


def test_empty_cells_and_several_lines():
    lines = render(["A", "B"], [(None, "one\ntwo")], 40).splitlines()
    assert [line.split() for line in lines[2:]] == [["one"], ["two"]]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("🎉", 2)])
def test_wide_characters_count_for_two_places(text, width):
    assert width_of(text) == width


def test_words_are_broken_only_when_they_must_be():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]
    assert wrap("日本語", 4) == ["日本", "語"]
