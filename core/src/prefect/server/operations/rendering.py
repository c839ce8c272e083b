"""
Templates, filled in: in a sandbox that can call nothing, and compute nothing, that takes long or gets large.

Loops are counted together, so that a template over long lists ends as soon as one without.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import cache, wraps
from itertools import chain
from time import thread_time
from typing import Any

__all__ = ["TemplateError", "render"]

_LONGEST_TEXT = 524_288
"""How many characters a template may give: no parameters of a run may be larger."""

_LARGEST_VALUE = 2_000_000
"""How many characters a value has at most: more than the largest event."""

_ITEM = 4
"""As how many characters an item of a list or dictionary counts."""

_MOST_WORK = 20_000_000
"""How many characters all values have together that a template makes and shows."""

_LONGEST_TIME = 1.0
"""How many seconds of the processor a template may take."""

_LONGEST_RANGE = 1_000
_LARGEST_POWER = 64
_LARGEST_FACTOR = 10**18
_MOST_DECIMALS = 20
_DEEPEST_INDENT = 8
_MOST_ROUNDS = 100_000
"""How many rounds all loops, and calls, of a template have together."""


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
        for piece in _compiled(template).generate(values or {}):
            text.append(piece)
            left -= len(piece)
            if left < 0:
                raise TemplateError(f"Invalid jinja: {template[:200]!r} gives more than {_LONGEST_TEXT:,} characters.")
    except TemplateError:
        raise
    except (JinjaError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise TemplateError(f"Invalid jinja: {error}. The template is {template[:200]!r}.") from None
    except RecursionError:
        raise TemplateError(f"Invalid jinja: {template[:200]!r} calls itself without end.") from None
    return "".join(text)


def _compiled(template: str) -> Any:
    sandbox = _sandbox()(_Budget())
    return sandbox.from_string(_measuring().visit(sandbox.parse(template)))


@cache
def _measuring() -> Any:
    """What changes a template so that its loops are counted, and what it makes and compares is measured."""
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    def through(filter: str, value: Any) -> nodes.Filter:
        return nodes.Filter(value, filter, [], [], None, None)

    class Measuring(NodeTransformer):
        def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
            node.iter = through("counted", node.iter)
            return self.generic_visit(node)

        def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
            node.expr = through("measured", node.expr)
            return self.generic_visit(node)

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
            # `a ~ b` becomes [a, b]|join.
            return through("join", nodes.List([self.visit(part) for part in node.nodes]))

        def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
            return through("measured", self.generic_visit(node))

        def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
            made = self.generic_visit(node)
            return through("measured", made) if node.ctx == "load" else made

        def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
            return through("measured", self.generic_visit(node))

    return Measuring()


class _Budget:
    """
    What a template may still use.

    Nothing that it does at once takes long, as its values are not large; and it is asked at every round and for each
    value that is made, compared or shown.
    """

    def __init__(self) -> None:
        self._rounds = _MOST_ROUNDS
        self._work = _MOST_WORK
        self._until = thread_time() + _LONGEST_TIME

    def count(self) -> None:
        self._rounds -= 1
        if self._rounds < 0:
            raise ValueError(f"the loops of a template have at most {_MOST_ROUNDS:,} rounds together")
        if thread_time() > self._until:
            raise ValueError(f"a template may take {_LONGEST_TIME:g} s")

    def counted(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self.count()
            yield value

    def measured(self, value: Any) -> Any:
        """The value, unless it is too large. What is in it twice counts twice, as it is shown twice."""
        if isinstance(value, Iterator):
            return map(self.measured, self.counted(value))
        left, parts = _LARGEST_VALUE, [value]
        while parts:
            part = parts.pop()
            if isinstance(part, (str, bytes)):
                left -= len(part)
            elif isinstance(part, (list, tuple, set, frozenset, dict, KeysView, ValuesView, ItemsView)):
                left -= _ITEM * len(part)
                if left >= 0:
                    parts += chain(part, part.values()) if isinstance(part, dict) else part
            if left < 0:
                raise ValueError(f"values in a template have at most {_LARGEST_VALUE:,} characters")
        self._work -= _LARGEST_VALUE - left + 1
        if self._work < 0:
            raise ValueError(f"the values of a template have at most {_MOST_WORK:,} characters together")
        if thread_time() > self._until:
            raise ValueError(f"a template may take {_LONGEST_TIME:g} s")
        return value

    def measuring(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def measure(*args: Any, **kwargs: Any) -> Any:
            return self.measured(function(*args, **kwargs))

        return measure

    def concat(self, pieces: Iterable[str]) -> str:
        return str(self.measured(_join(pieces)))


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


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    from jinja2.filters import do_round

    if not -_MOST_DECIMALS <= precision <= _MOST_DECIMALS:
        raise ValueError(f"round takes at most {_MOST_DECIMALS} decimals")
    return do_round(value, precision, method)


def _sum(values: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    numbers = [start, *(value if attribute is None else value[attribute] for value in values)]
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise ValueError("sum takes numbers only")
    return sum(numbers)


def _to_json(value: Any, indent: int | None = None) -> Any:
    from jinja2.utils import htmlsafe_json_dumps

    if indent is not None and not 0 <= indent <= _DEEPEST_INDENT:
        raise ValueError(f"tojson indents by at most {_DEEPEST_INDENT}")
    return htmlsafe_json_dumps(value, sort_keys=True, indent=indent)


@cache
def _sandbox() -> Any:
    """The class of sandboxes, one for each template."""
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "*", "**", "%"})

        def __init__(self, budget: _Budget) -> None:
            super().__init__(finalize=budget.measured)
            self._budget = budget
            self.concat = budget.concat  # type: ignore[method-assign]  # of macros and blocks
            self.globals = {"range": _short_range}
            filters = {name: function for name, function in self.filters.items() if name not in _GROWING}
            filters |= {"join": _join, "replace": _replace, "round": _round, "sum": _sum, "tojson": _to_json}
            filters |= {"ui_url": _ui_url, "measured": lambda value: value}
            self.filters = {name: budget.measuring(function) for name, function in filters.items()}
            self.filters["counted"] = budget.counted

        def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
            self._budget.count()
            return self._budget.measured(super().call(context, function, *args, **kwargs))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
            if operator == "+" and isinstance(left, str) and isinstance(right, str):
                return self._budget.measured(_join((left, right)))
            too_large = numbers and operator in {"*", "**"} and max(abs(left), abs(right)) > _LARGEST_FACTOR
            if not numbers or too_large or (operator == "**" and abs(right) > _LARGEST_POWER):
                raise SecurityError(f"{str(left)[:50]!r} {operator} {str(right)[:50]!r} is not computed here")
            return super().call_binop(context, operator, left, right)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            if isinstance(obj, (str, bytes)) and attr not in _METHODS_OF_TEXTS:
                return False
            if isinstance(obj, (int, float)) and callable(value):
                return False
            return super().is_safe_attribute(obj, attr, value)

        def wrap_str_format(self, value: Any) -> None:
            """No text's `format` is taken for safe: it makes texts of any length."""

    return Sandbox


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
