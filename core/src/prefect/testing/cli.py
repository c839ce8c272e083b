"""Run commands in this process, and check what they write."""

from __future__ import annotations

import io
import os
import shlex
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["CycloptsCliRunner", "CycloptsResult", "check_contains", "invoke_and_assert", "temporary_console_width"]


@dataclass(frozen=True)
class CycloptsResult:
    """
    What a command has done. The name is that of the contract.

    Args:
        stdout: What it wrote to stdout.
        stderr: What it wrote to stderr.
        exit_code: Its exit code.
        exception: What it raised, if that was not a way to end.
    """

    stdout: str
    stderr: str
    exit_code: int
    exception: BaseException | None = None

    @property
    def output(self) -> str:
        """All that it wrote."""
        return self.stdout + self.stderr


class CycloptsCliRunner:
    """Runs commands in this process. The name is that of the contract."""

    def invoke(self, args: str | list[str], input: str | None = None) -> CycloptsResult:
        """
        Run a command.

        Args:
            args: The command, without `prefect`.
            input: What is typed.
        """
        from typer.main import get_command

        from prefect.cli import app

        command = get_command(app)
        words = shlex.split(args) if isinstance(args, str) else args
        exception: BaseException | None = None
        exit_code = 0
        with _streams(input or "") as (out, err):
            try:
                command.main(args=words, prog_name="prefect")
            except SystemExit as end:
                exit_code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except Exception as error:
                exception, exit_code = error, 1
        return CycloptsResult(out.getvalue(), err.getvalue(), exit_code, exception)


@contextmanager
def _streams(typed: str) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Let others be the standard streams inside of the `with` statement."""
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = io.StringIO(), io.StringIO()
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(typed), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def check_contains(cli_result: CycloptsResult, content: str, should_contain: bool) -> None:
    """
    Fail unless a command has written something, or has not.

    Args:
        cli_result: What it has done.
        content: The text. Indentation that all of its lines share, and outer blanks, do not count.
        should_contain: Whether it must have been written.
    """
    wanted = textwrap.dedent(content).strip()
    is_there = wanted in cli_result.output.strip()
    if is_there != should_contain:
        verb = "was not found" if should_contain else "was found, though it should not be,"
        raise AssertionError(f"{wanted!r} {verb} in the output:\n{cli_result.output}")


def invoke_and_assert(
    command: str | list[str],
    user_input: str | None = None,
    prompts_and_responses: list[tuple[str, str] | tuple[str, str, str]] | None = None,
    expected_output: str | None = None,
    expected_output_contains: str | Iterable[str] | None = None,
    expected_output_does_not_contain: str | Iterable[str] | None = None,
    expected_line_count: int | None = None,
    expected_code: int | None = 0,
    echo: bool = True,
    temp_dir: str | None = None,
) -> CycloptsResult:
    """
    Run a command, and fail unless it does what it should.

    Args:
        command: The command, without `prefect`.
        user_input: What is typed.
        prompts_and_responses: Questions that are asked, what is answered, and what the question also shows. Instead of
            `user_input`.
        expected_output: All that must be written; outer blanks do not count.
        expected_output_contains: What must be part of it.
        expected_output_does_not_contain: What must not be part of it.
        expected_line_count: How many lines that must be.
        expected_code: The exit code; None for any.
        echo: Whether to show what was written.
        temp_dir: The working directory.

    Raises:
        ValueError: Both `user_input` and `prompts_and_responses` are given.
    """
    asked = prompts_and_responses or []
    if asked and user_input:
        raise ValueError("Give user_input or prompts_and_responses, not both.")
    typed = "".join(f"{each[1]}\n" for each in asked) if asked else user_input
    with _working_in(temp_dir):
        result = CycloptsCliRunner().invoke(command, input=typed)
    if echo:
        print(result.output)  # noqa: T201 - for whoever reads the test's report
    if result.exception is not None:
        raise result.exception
    if expected_code is not None and result.exit_code != expected_code:
        raise AssertionError(f"The exit code is {result.exit_code}, not {expected_code}. Output:\n{result.output}")
    if expected_output is not None and result.output.strip() != textwrap.dedent(expected_output).strip():
        raise AssertionError(f"The output is not what is expected:\n{result.output}")
    for content in _texts(expected_output_contains):
        check_contains(result, content, should_contain=True)
    for each in asked:
        for content in (each[0], *each[2:]):
            check_contains(result, content, should_contain=True)
    for content in _texts(expected_output_does_not_contain):
        check_contains(result, content, should_contain=False)
    lines = len(result.output.splitlines())
    if expected_line_count is not None and lines != expected_line_count:
        raise AssertionError(f"There are {lines} lines of output, not {expected_line_count}:\n{result.output}")
    return result


def _texts(given: str | Iterable[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


@contextmanager
def _working_in(directory: str | None) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory or before)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def temporary_console_width(console: Console, width: int) -> Iterator[None]:
    """
    Give a console another width inside of the `with` statement, so that what it wraps does not depend on the terminal.

    Args:
        console: The console.
        width: How many characters a line has.
    """
    before = console._width
    console.width = width
    try:
        yield
    finally:
        console._width = before  # None for the terminal's: it cannot be set by the public property
