"""The names of runs: a template, a function, or the default."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def render_run_name(given: str | Callable[..., str], parameters: dict[str, Any], what: str) -> str:
    """
    The name of a run.

    Args:
        given: A template such as `{x}-{y.name}`, or a function of nothing or of `parameters`.
        parameters: The run's parameters by name.
        what: What is named, for errors: `flow_run_name` or `task_run_name`.

    Raises:
        TypeError: The function returned something else than text.
        ValueError: The template names something that is not a parameter.
    """
    if callable(given):
        wants_parameters = "parameters" in inspect.signature(given).parameters
        name = given(parameters=parameters) if wants_parameters else given()
        if not isinstance(name, str):
            raise TypeError(
                f"Callable {given!r} for {what!r} returned type {type(name).__name__} but a string is required."
            )
        return name
    try:
        return given.format(**parameters)
    except (KeyError, AttributeError, IndexError) as error:
        raise ValueError(
            f"The template {given!r} for {what!r} could not be filled: {type(error).__name__}: {error}. It may use "
            f"these parameters: {', '.join(parameters) or 'none'}."
        ) from error
