"""Formatters, filters, highlighters and styles."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from prefect.logging.filters import redact_substr
from prefect.logging.formatters import JsonFormatter, PrefectFormatter, format_exception_info
from prefect.logging.highlighters import (
    LevelHighlighter,
    NameHighlighter,
    PrefectConsoleHighlighter,
    StateHighlighter,
    UrlHighlighter,
)
from prefect.logging.styles import render_markup, strip_markup, style_codes


def record(message="hello %s", args=("you",), name="n", **fields):
    made = logging.LogRecord(name, logging.INFO, __file__, 3, message, args, fields.pop("exc_info", None))
    made.__dict__.update(fields)
    return made


def broken():
    try:
        raise ValueError("broken")
    except ValueError:
        return sys.exc_info()


def test_json():
    made = json.loads(JsonFormatter("default", "", "%").format(record(own={"a": 1}, odd=object())))
    assert made["message"] == "hello you"
    assert made["severity"] == made["levelname"] == "INFO"
    assert made["own"] == {"a": 1}
    assert made["odd"].startswith("<object")
    assert "\n" not in JsonFormatter("default", "", "%").format(record())
    assert "\n" in JsonFormatter("pretty", "", "%").format(record())
    made = json.loads(JsonFormatter("default", "", "%").format(record(exc_info=broken())))
    assert made["exc_info"]["type"] == "ValueError"
    with pytest.raises(ValueError, match="'odd'"):
        JsonFormatter("odd", "", "%")


def test_exceptions_as_values():
    made = format_exception_info(broken())
    assert made["type"] == "ValueError"
    assert made["message"] == "broken"
    assert "test_formatting.py" in made["traceback"]
    assert format_exception_info((None, None, None)) == {}


def test_records_of_runs_have_their_own_formats():
    formatter = PrefectFormatter(
        format="{name}: {message}",
        style="{",
        flow_run_fmt="flow {flow_run_name}: {message}",
        task_run_fmt="{asctime} task: {message}",
        datefmt="%Y",
    )
    assert formatter.format(record()) == "n: hello you"
    assert formatter.format(record(name="prefect.flow_runs", flow_run_name="a")) == "flow a: hello you"
    assert formatter.format(record(name="prefect.task_runs")).endswith(" task: hello you")
    assert PrefectFormatter("%(message)s").format(record(name="prefect.flow_runs")) == "hello you"
    with pytest.raises(ValueError):
        PrefectFormatter("%(message)s", flow_run_fmt="no field")


def test_redaction():
    assert redact_substr("a secret b secret", "secret") == "a ******** b ********"
    values = {"a": ["xsecrety", ("secret", 3)], "b": {"secret"}}
    assert redact_substr(values, "secret") == {"a": ["x********y", ("********", 3)], "b": {"********"}}
    assert values["b"] == {"secret"}
    assert redact_substr(7, "secret") == 7


@pytest.mark.parametrize(
    ("highlighter", "text", "parts"),
    [
        (LevelHighlighter, "| INFO | x WARNINGS", [("INFO", "level.info_level")]),
        (
            UrlHighlighter,
            "at http://localhost:4200/x and https://a.b/c.",
            [("http://localhost:4200/x", "url.local_url"), ("https://a.b/c.", "url.web_url")],
        ),
        (
            NameHighlighter,
            "Flow run 'a-b' of flow 'c'; Task run 'd'",
            [("'a-b'", "name.flow_run_name"), ("'c'", "name.flow_name"), ("'d'", "name.task_run_name")],
        ),
        (
            StateHighlighter,
            "Finished in state Completed('All') not Failed",
            [("Completed('All')", "state.completed_state"), ("Failed", "state.failed_state")],
        ),
        (
            PrefectConsoleHighlighter,
            "ERROR Flow run 'x' Crashed",
            [("ERROR", "log.error_level"), ("'x'", "log.flow_run_name"), ("Crashed", "log.crashed_state")],
        ),
    ],
)
def test_highlighted_parts(highlighter, text, parts):
    assert [(text[start:stop], style) for start, stop, style in highlighter().spans(text)] == parts


def test_parts_without_a_style_stay_as_they_are():
    assert LevelHighlighter().highlight("INFO ERROR", {"level.error_level": "red"}) == "INFO \x1b[31mERROR\x1b[0m"


@pytest.mark.parametrize(
    ("style", "codes"),
    [
        ("red", "31"),
        ("bold magenta", "1;35"),
        ("bright_blue", "94"),
        ("white on red", "37;41"),
        ("black on bright_red", "30;101"),
        ("yellow3", "38;5;184"),
        ("color(9)", "38;5;9"),
        ("#ff8000", "38;2;255;128;0"),
        ("", ""),
    ],
)
def test_styles(style, codes):
    assert style_codes(style) == codes


@pytest.mark.parametrize("style", ["reddish", "color(256)", "#ff"])
def test_unknown_styles_are_refused(style):
    with pytest.raises(ValueError, match="There is no colour"):
        style_codes(style)


def test_markup():
    assert render_markup("a [red]b [bold]c[/bold] d[/red] [0] [else]") == (
        "a \x1b[31mb \x1b[1mc\x1b[0m\x1b[31m d\x1b[0m [0] [else]"
    )
    assert render_markup("[red]open") == "\x1b[31mopen\x1b[0m"
    assert strip_markup("a [red]b[/red] \\[red] [0]") == "a b [red] [0]"
