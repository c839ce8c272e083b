"""
Templates, filled in: in a sandbox that can call nothing, and compute nothing, that takes long or gets large.

Loops are counted together, so that a template over long lists ends as soon as one without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

__all__ = ["TemplateError", "render"]

_LONGEST_TEXT = 524_288
"""How many characters a template may give: no parameters of a run may be larger."""

_LONGEST_RANGE = 1_000
_LARGEST_POWER = 64
_LARGEST_FACTOR = 10**18
_MOST_ROUNDS = 100_000
"""How many rounds all loops of a template have together."""


class TemplateError(ValueError):
    """A template cannot be filled in."""


def render(template: str, values: Mapping[str, Any] | None = None) -> str:
    """
    Fill in a template.

    Args:
        template: The template, in Jinja.
        values: What it may name.

    Raises:
        TemplateError: It is no template, asks for something that is not done here, or gives too much.
    """
    from jinja2.exceptions import TemplateError as JinjaError

    from prefect.server.operations.templates import find_fault

    fault = find_fault(template)
    if fault is not None:
        raise TemplateError(f"Invalid jinja: {fault.message}. The template is {template[:200]!r}.")
    text: list[str] = []
    left = _LONGEST_TEXT
    try:
        for piece in _compiled(template).generate({**(values or {}), _ROUNDS: [_MOST_ROUNDS]}):
            text.append(piece)
            left -= len(piece)
            if left < 0:
                raise TemplateError(f"Invalid jinja: {template[:200]!r} gives more than {_LONGEST_TEXT:,} characters.")
    except TemplateError:
        raise
    except (JinjaError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise TemplateError(f"Invalid jinja: {error}. The template is {template[:200]!r}.") from None
    return "".join(text)


_ROUNDS = "prefect_rounds"


def _compiled(template: str) -> Any:
    from jinja2 import nodes

    sandbox = _sandbox()
    parsed = sandbox.parse(template)
    for loop in parsed.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "counted", [nodes.Name(_ROUNDS, "load")], [], None, None)
    for joined in list(parsed.find_all(nodes.Concat)):
        # `a ~ b` becomes [a, b]|join, whose length is looked at.
        joined.nodes = [nodes.Filter(nodes.List(joined.nodes), "join", [], [], None, None)]
    return sandbox.from_string(parsed)


def _counted(values: Iterable[Any], left: list[int]) -> Iterator[Any]:
    for value in values:
        left[0] -= 1
        if left[0] < 0:
            raise ValueError(f"the loops of a template have at most {_MOST_ROUNDS:,} rounds together")
        yield value


def _fits(length: int) -> None:
    if length > _LONGEST_TEXT:
        raise ValueError(f"texts in a template have at most {_LONGEST_TEXT:,} characters")


def _join(values: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    texts: list[str] = []
    length = 0
    for value in values:
        texts.append(str(value if attribute is None else value[attribute]))
        length += len(texts[-1]) + len(separator)
        _fits(length)
    return separator.join(texts)


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    whole = str(text)
    found = whole.count(old) if count < 0 else min(count, whole.count(old))
    _fits(len(whole) + found * len(new))
    return whole.replace(old, new, count)


@cache
def _sandbox() -> Any:
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
            if operator == "+" and isinstance(left, str) and isinstance(right, str):
                return _join((left, right))
            too_large = numbers and operator in {"*", "**"} and max(abs(left), abs(right)) > _LARGEST_FACTOR
            if not numbers or too_large or (operator == "**" and abs(right) > _LARGEST_POWER):
                raise SecurityError(f"{str(left)[:50]!r} {operator} {str(right)[:50]!r} is not computed here")
            return super().call_binop(context, operator, left, right)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            if isinstance(obj, (str, bytes)) and attr not in _METHODS_OF_TEXTS:
                return False
            return super().is_safe_attribute(obj, attr, value)

    sandbox = Sandbox()
    sandbox.globals = {"range": _short_range}
    for name in _GROWING:
        sandbox.filters.pop(name, None)
    sandbox.filters |= {"counted": _counted, "join": _join, "replace": _replace, "ui_url": _ui_url}
    return sandbox


_METHODS_OF_TEXTS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdigit", "islower"),
        *("isnumeric", "isspace", "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind"),
        *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
    }
)

_GROWING = ("center", "indent", "format", "batch", "slice", "xmlattr", "urlize", "wordwrap", "pprint")
"""Filters that make much of little, or take long for what they are good for."""


def _short_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        raise ValueError(f"a range has at most {_LONGEST_RANGE} numbers")
    return numbers


_PAGES = {
    "deployment": "deployments/deployment",
    "flow": "flows/flow",
    "flow_run": "runs/flow-run",
    "task_run": "runs/task-run",
    "work_pool": "work-pools/work-pool",
    "work_queue": "work-queues/work-queue",
    "automation": "automations/automation",
}


def _ui_url(record: Any) -> str:
    """Where the user interface shows a record; nothing if it is not known where."""
    from prefect.settings import get_current_settings

    base = get_current_settings().ui_url
    if not base or not isinstance(record, Mapping) or record.get("kind") not in _PAGES:
        return ""
    return f"{base.rstrip('/')}/{_PAGES[record['kind']]}/{record['id']}"
