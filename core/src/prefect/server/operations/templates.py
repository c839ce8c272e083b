"""
Templates in what automations do: whether they can be filled in, safely and in bounded time.

They are written in Jinja, and filled in by a sandbox: what they are given, they can read and not change. A template may
repeat something for each of many things, and that for each of many others, but no deeper.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect.server.operations.refusals import Refusal

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["TemplateFault", "faults_in", "find_fault", "require_template"]

_DEEPEST_LOOP = 2
_LONGEST = 100_000

_KIND = "__prefect_kind"


class TemplateFault(NamedTuple):
    """
    Why a template cannot be filled in.

    Args:
        line: Where, counted from 1; 0 if it is the template as a whole.
        message: Why.
    """

    line: int
    message: str


def find_fault(template: str) -> TemplateFault | None:
    """Why a template cannot be filled in; None if it can."""
    from jinja2 import TemplateSyntaxError, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if len(template) > _LONGEST:
        return TemplateFault(0, f"It has {len(template)} characters, and templates have at most {_LONGEST}.")
    try:
        parsed = ImmutableSandboxedEnvironment().parse(template)
        depth = _loops(parsed, nodes.For)
    except TemplateSyntaxError as error:
        return TemplateFault(error.lineno, error.message or "")
    except RecursionError:
        return TemplateFault(0, "It is nested too deep.")
    if depth > _DEEPEST_LOOP:
        message = (
            f"Contains nested for loops at a depth of {depth}. Templates can nest for loops no more than "
            f"{_DEEPEST_LOOP} loops deep."
        )
        return TemplateFault(0, message)
    return None


def _loops(node: nodes.Node, loop: type[nodes.Node]) -> int:
    """How many loops are in each other."""
    inside = max((_loops(child, loop) for child in node.iter_child_nodes()), default=0)
    return inside + isinstance(node, loop)


def faults_in(value: Any, place: str) -> Iterator[str]:
    """
    What is wrong with the templates in a JSON value, each with its place.

    Args:
        value: The value: its texts, at any depth, are templates, unless it says that it is something else.
        place: Where it is: `parameters`.
    """
    if isinstance(value, str):
        fault = find_fault(value)
        if fault is not None:
            yield f"{place}: Invalid jinja: {fault.message}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults_in(item, f"{place}.{number}")
    elif isinstance(value, dict):
        if value.get(_KIND) == "jinja":
            yield from faults_in(value.get("template"), place)
        elif _KIND not in value:
            for name, item in value.items():
                yield from faults_in(item, f"{place}.{name}")


def require_template(template: str) -> None:
    """
    Refuse what is no template.

    Raises:
        Refusal: It cannot be filled in. The answer says where and why.
    """
    fault = find_fault(template)
    if fault is not None:
        error = {"line": fault.line, "message": fault.message, "source": template}
        raise Refusal(422, f"Line {fault.line} of the template: {fault.message}", body={"error": error})
