"""Parameters of flows from the command line."""

from __future__ import annotations

import json

import pytest

from prefect import flow
from prefect.cli.errors import CliError
from prefect.cli.parameters import parse_parameters


@flow
def report(day: str, count: int = 1, options: dict | None = None, flag: bool = False) -> None: ...


@flow
def anything(**kwargs) -> None: ...


def test_values_are_json_or_text():
    given = ["day=today", "count=3", 'options={"a": [1, null]}', "flag=true"]
    assert parse_parameters(report, given) == {"day": "today", "count": 3, "options": {"a": [1, None]}, "flag": True}


def test_what_is_declared_as_text_stays_text():
    assert parse_parameters(report, ["day=2024"]) == {"day": "2024"}
    assert parse_parameters(report, ['day="x"']) == {"day": '"x"'}


def test_values_may_hold_equals_signs_and_be_empty():
    assert parse_parameters(report, ["day=a=b"]) == {"day": "a=b"}
    assert parse_parameters(report, ["day="]) == {"day": ""}


def test_a_file_of_parameters_and_what_comes_later_wins(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps({"day": "monday", "count": 2}))
    assert parse_parameters(report, [f"@{path}", "count=5"]) == {"day": "monday", "count": 5}


def test_a_flow_that_takes_anything():
    assert parse_parameters(anything, ["x=1"]) == {"x": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["day"], "not of the form name=value"),
        (["day=x", "cuont=1"], "no parameter 'cuont'. It has: day, count, options, flag. Did you mean 'count'"),
        ([], "needs day: -p day=VALUE"),
        (["@nowhere.json"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(given, message):
    with pytest.raises(CliError, match=message) as caught:
        parse_parameters(report, given)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("content", "message"), [("[1]", "must hold a JSON object"), ("{", "is not JSON")])
def test_files_that_hold_something_else(tmp_path, content, message):
    path = tmp_path / "parameters.json"
    path.write_text(content)
    with pytest.raises(CliError, match=message):
        parse_parameters(report, [f"@{path}"])
