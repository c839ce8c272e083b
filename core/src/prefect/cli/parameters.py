"""Parameters of flows, as they are given on the command line."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect.flows import Flow

__all__ = ["check_parameters", "parse_object", "parse_pairs", "parse_parameters"]


def parse_parameters(flow: Flow[Any, Any], given: Sequence[str]) -> dict[str, Any]:
    """
    The parameters of a flow.

    Args:
        flow: The flow.
        given: Texts `name=value`, the value being JSON or else plain text, or `@file.json` with an object of parameters.
            What comes later wins.

    Raises:
        CliError: A text is not of that form, or the flow takes no such parameter.
    """
    as_text = _texts(flow)
    parameters: dict[str, Any] = {}
    for each in given:
        if each.startswith("@"):
            parameters.update(_from_file(Path(each[1:])))
            continue
        name, equals, value = each.partition("=")
        if not equals:
            raise CliError(f"The parameter {each!r} is not of the form name=value, nor @file.json.", exit_code=2)
        parameters[name.strip()] = value if name.strip() in as_text else _value(value)
    check_parameters(flow, parameters)
    return parameters


def parse_pairs(given: Sequence[str], option: str, texts: Container[str] = ()) -> dict[str, Any]:
    """
    Names and values.

    Args:
        given: Texts `name=value`, the value being JSON or else plain text. What comes later wins.
        option: The option that they were given by.
        texts: The names of those whose values are text, whether or not they look like another kind of JSON.

    Raises:
        CliError: A text is not of that form.
    """
    pairs = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not name.strip():
            raise CliError(f"{option} {each!r} is not of the form name=value.", exit_code=2)
        value = _value(text)
        pairs[name.strip()] = text if name.strip() in texts and not isinstance(value, str) else value
    return pairs


def parse_object(text: str, option: str) -> dict[str, Any]:
    """
    A JSON object.

    Args:
        text: The object; or `-`, which stands for what is on stdin.
        option: The option that it was given by.

    Raises:
        CliError: It is not one.
    """
    try:
        content = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise CliError(f"{option} is not JSON: {error}.", exit_code=2) from None
    if not isinstance(content, dict):
        raise CliError(
            f"{option} must be a JSON object of names and values, not {type(content).__name__}.", exit_code=2
        )
    return content


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _texts(flow: Flow[Any, Any]) -> set[str]:
    """The parameters that are declared to be text: `day=2024` gives them '2024'."""
    try:
        hints = get_type_hints(flow.fn)
    except Exception:  # annotations that cannot be evaluated here; parameters are then validated as they come
        return set()
    return {name for name, hint in hints.items() if hint is str}


def _from_file(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"The file of parameters {str(path)!r} cannot be read: {error.strerror}.", exit_code=2) from None
    except ValueError as error:
        raise CliError(f"The file of parameters {str(path)!r} is not JSON: {error}.", exit_code=2) from None
    if not isinstance(content, dict):
        raise CliError(
            f"The file of parameters {str(path)!r} must hold a JSON object of names and values.", exit_code=2
        )
    return content


def check_parameters(flow: Flow[Any, Any], parameters: Mapping[str, Any]) -> None:
    """
    Make sure that a flow takes the parameters, and needs no others.

    Raises:
        CliError: It does not take one, or needs another.
    """
    signature = inspect.signature(flow.fn)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    named = [
        name for name, each in signature.parameters.items() if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}
    ]
    for name in parameters:
        if name not in named and not takes_any:
            from prefect.utilities.text import fuzzy_match_string

            guess = fuzzy_match_string(name, named)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise CliError(
                f"Flow {flow.name!r} has no parameter {name!r}. It has: {', '.join(named) or 'none'}.{hint}", 2
            )
    missing = [n for n in named if n not in parameters and signature.parameters[n].default is inspect.Parameter.empty]
    if missing:
        example = " ".join(f"-p {name}=VALUE" for name in missing)
        raise CliError(f"Flow {flow.name!r} needs {', '.join(missing)}: {example}", exit_code=2)
