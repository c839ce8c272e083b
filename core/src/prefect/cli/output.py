"""What commands write: lines, JSON, questions; colours where people look at it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Optional, TextIO

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

__all__ = [
    "Limit",
    "Output",
    "confirm",
    "is_interactive",
    "paint",
    "print_fields",
    "print_json",
    "say",
    "show_state",
    "write_json",
]

_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "bold": 1, "dim": 2}

_STATE_COLOURS = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CRASHED": "red",
    "CANCELLED": "yellow",
    "CANCELLING": "yellow",
    "PAUSED": "yellow",
    "RUNNING": "blue",
}


def _json_only(value: str | None) -> str | None:
    if value is not None and value.lower() != "json":
        raise typer.BadParameter(f"Only 'json' output format is supported, not {value!r}.")
    return value


Output = Annotated[
    Optional[str],
    typer.Option("--output", "-o", metavar="json", callback=_json_only, help="Write JSON instead of text for people."),
]
"""The option of all commands that show something."""


Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")]
"""The option of all commands that list something."""


def say(text: str = "", to: TextIO | None = None) -> None:
    """Write a line, to stdout unless another stream is named."""
    print(text, file=to)


def has_colours(stream: TextIO) -> bool:
    """Whether what is written there may be coloured."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if not stream.isatty() and not os.environ.get("FORCE_COLOR"):
        return False
    from prefect.exceptions import ConfigurationError
    from prefect.settings import get_current_settings

    try:
        return get_current_settings().cli.colors
    except ConfigurationError:  # about to be reported, or repaired by this very command
        return False


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text in a colour, if the stream (stdout without) has colours."""
    if not has_colours(sys.stdout if stream is None else stream):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def show_state(name: str | None, state_type: Any, shown: str | None = None) -> str:
    """A state's name in the colour of its type; `shown` is what to colour instead."""
    text = shown if shown is not None else (name or "")
    colour = _STATE_COLOURS.get(str(getattr(state_type, "value", state_type)))
    return paint(text, colour) if colour is not None else text


def print_json(value: BaseModel | Iterable[BaseModel] | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> None:
    """Write models, or JSON values, as JSON."""
    say(_json(value))


def write_json(value: BaseModel | Mapping[str, Any], path: Path) -> None:
    """
    Write a model, or a JSON value, to a file.

    Raises:
        CliError: The file cannot be written.
    """
    from prefect.cli.errors import CliError

    try:
        path.write_text(f"{_json(value)}\n", encoding="utf-8")
    except OSError as error:
        raise CliError(f"{str(path)!r} cannot be written: {error.strerror}.") from None


def _json(value: Any) -> str:
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def print_fields(fields: Mapping[str, Any]) -> None:
    """Write names and values in two columns. What is None or empty is left out; what is not text is shown as JSON."""
    shown = {name: _text(value) for name, value in fields.items() if value is not None and value not in ([], {}, "")}
    width = max(map(len, shown), default=0)
    for name, text in shown.items():
        first, *others = text.splitlines() or [""]
        say(paint(name.ljust(width), "dim") + f"  {first}".rstrip())
        for line in others:
            say(" " * (width + 2) + line)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str)
    return str(value)


def is_interactive(context: typer.Context) -> bool:
    """Whether questions may be asked: `--prompt`, else PREFECT_CLI_PROMPT, else if there is a terminal."""
    from prefect.settings import get_current_settings

    root = context.find_root().obj
    asked = root.get("prompt") if isinstance(root, dict) else None
    if asked is None:
        asked = get_current_settings().cli.prompt
    return (sys.stdin.isatty() and sys.stdout.isatty()) if asked is None else bool(asked)


def confirm(context: typer.Context, question: str) -> None:
    """
    Ask for a yes, if questions may be asked.

    Raises:
        typer.Abort: The answer was no.
    """
    if is_interactive(context):
        typer.confirm(question, abort=True)
