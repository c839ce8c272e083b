"""`reference/python-api.md`: what each public module offers, with the first line of its documentation."""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from pathlib import Path
from typing import Any, TypeVar, get_origin

from generators.text import code, first_line, table

INTRODUCTION = """\
# Python API

<!-- Made by `python docs/generate.py` from the modules. A test fails when this page says something else. -->

What each module offers; `help(name)` tells the rest. Names that begin with an underscore, and modules below a package of such a
name, may change at any time.
"""

MODULES = {
    "Flows and tasks": (
        "prefect",
        "prefect.flows",
        "prefect.tasks",
        "prefect.futures",
        "prefect.task_runners",
        "prefect.flow_runs",
        "prefect.context",
        "prefect.utilities.annotations",
    ),
    "States, results, caching": (
        "prefect.states",
        "prefect.results",
        "prefect.cache_policies",
        "prefect.transactions",
        "prefect.serializers",
        "prefect.filesystems",
        "prefect.locking.protocol",
        "prefect.locking.memory",
        "prefect.locking.filesystem",
    ),
    "Blocks": ("prefect.blocks.core", "prefect.blocks.abstract", "prefect.blocks.system", "prefect.blocks.delivery"),
    "What runs leave behind": (
        "prefect.artifacts",
        "prefect.variables",
        "prefect.logging",
        "prefect.logging.loggers",
        "prefect.logging.clients",
    ),
    "Events and automations": ("prefect.events", "prefect.events.clients", "prefect.automations", "prefect.assets"),
    "What runs are told": ("prefect.input", "prefect.runtime"),
    "The orchestrator": ("prefect.client.orchestration",),
    "Running what exists": ("prefect.flow_engine", "prefect.task_engine"),
    "Configuration and extension": (
        "prefect.settings",
        "prefect.plugins",
        "prefect.plugins.registries",
        "prefect.hookspecs",
        "prefect.exceptions",
    ),
    "Tests": ("prefect.testing.utilities", "prefect.testing.conformance"),
}


def exported(module: types.ModuleType) -> list[str]:
    """The names that a module offers: `__all__`, or else what it defines."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
    return sorted(names, key=lambda name: (name.lower(), name))


def attribute_docstrings(module: types.ModuleType) -> dict[str, str]:
    """The texts that stand below assignments in a module."""
    if module.__file__ is None:
        return {}
    body = ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body
    found = {}
    for statement, after in zip(body, body[1:]):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            found |= {each.id: after.value.value for each in targets if isinstance(each, ast.Name)}
    return found


def kind(value: Any) -> str:
    """What sort of thing a name is."""
    if get_origin(value) is not None or isinstance(value, (types.UnionType, TypeVar)):
        return "type"
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    if inspect.ismodule(value):
        return "module"
    if inspect.iscoroutinefunction(value):
        return "async function"
    return "function" if callable(value) and hasattr(value, "__name__") else "value"


def own_docstring(value: Any) -> str | None:
    """A docstring that belongs to this very thing, not to its class or its base."""
    if inspect.isclass(value):
        return vars(value).get("__doc__")
    if kind(value) in {"value", "type"}:
        return None
    return getattr(value, "__doc__", None)


def line(module: types.ModuleType, name: str, documented: dict[str, str]) -> tuple[str, str, str]:
    """A name, its kind, and its first line."""
    value = getattr(module, name)
    said = first_line(documented.get(name) or own_docstring(value))
    if not said and kind(value) == "value":
        said = f"An instance of `{type(value).__name__}`: {first_line(type(value).__doc__)}" if _is_ours(value) else ""
    return code(name), kind(value), said


def _is_ours(value: Any) -> bool:
    return type(value).__module__.startswith("prefect.")


def section(module_name: str) -> str:
    """One module."""
    module = importlib.import_module(module_name)
    documented = attribute_docstrings(module)
    lines = table(("name", "is a", "which"), (line(module, name, documented) for name in exported(module)))
    return f"### {module_name}\n\n{first_line(module.__doc__)}\n\n{lines}\n"


def render() -> str:
    """The page."""
    parts = [INTRODUCTION]
    for title, names in MODULES.items():
        parts.append(f"## {title}\n")
        parts += map(section, names)
    return "\n".join(parts)
