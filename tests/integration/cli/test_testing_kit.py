"""`prefect.testing.cli`: what tests of commands are written with."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from prefect.testing.cli import CycloptsCliRunner, check_contains, invoke_and_assert, temporary_console_width


def test_what_a_command_does_is_told():
    result = CycloptsCliRunner().invoke("variable get nothing")
    assert (result.stdout, result.exit_code, result.exception) == ("", 1, None)
    assert result.stderr == result.output == "Variable 'nothing' not found. See: prefect variable ls\n"


def test_expectations_that_hold():
    invoke_and_assert("variable set answer 42", expected_output="Set variable 'answer'.", expected_line_count=1)
    invoke_and_assert(["variable", "get", "answer"], expected_output_contains=["4", "2"])
    invoke_and_assert("variable get nothing", expected_code=1, expected_output_does_not_contain="Traceback")
    invoke_and_assert(
        "--prompt variable unset answer",
        prompts_and_responses=[("Delete variable 'answer'?", "y")],
        expected_output_contains="Unset variable",
    )
    invoke_and_assert("variable ls", expected_output_contains="No variables found.")


@pytest.mark.parametrize(
    "expectation",
    [
        {"expected_code": 1},
        {"expected_output": "something else"},
        {"expected_output_contains": "something else"},
        {"expected_output_does_not_contain": "variables"},
        {"expected_line_count": 2},
    ],
)
def test_expectations_that_do_not_hold(expectation):
    with pytest.raises(AssertionError):
        invoke_and_assert("variable ls", **expectation)


def test_indentation_does_not_count(tmp_path):
    (tmp_path / "prefect.toml").write_text("[cli]\ncolors = false\n")
    result = invoke_and_assert("config view", temp_dir=str(tmp_path))
    check_contains(
        result,
        """
        PREFECT_PROFILE='ephemeral'
        """,
        should_contain=True,
    )


def test_one_way_to_type():
    with pytest.raises(ValueError, match="not both"):
        invoke_and_assert("variable ls", user_input="y", prompts_and_responses=[("Really?", "y")])


def test_a_console_has_another_width_for_a_while():
    console = Console(width=80, file=io.StringIO())
    with temporary_console_width(console, 10):
        console.print("word " * 4)
    assert console.file.getvalue().split("\n")[:2] == ["word word ", "word word "]
    with pytest.raises(KeyError), temporary_console_width(console, 10):
        raise KeyError
    assert console.width == 80
