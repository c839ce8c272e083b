"""`reference/hooks.md`: every hook of `prefect.hookspecs`, with its records and the example from `every_hook.py`."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import prefect
import prefect.plugins
from generators import every_hook
from generators.text import arguments, code, description, table
from prefect.hookspecs import PROJECT, HookSpec
from prefect.plugins import types
from prefect.plugins.families import FAMILIES

INTRODUCTION = """\
# Hooks

<!-- Made by `python docs/generate.py` from prefect.hookspecs. A test fails when this page says something else. -->

A plugin is a module that an entry point of the group `prefect.plugins` names; [write one](../how-to/write-a-plugin.md). It
implements hooks: functions of these names, marked with `prefect.plugins.register_hook`, that take any of the arguments that
the hook has. How the implementations of a hook are asked is its *mode*:

- **all**: every implementation is asked, the last registered first and the core last. An implementation that raises loses its
  own answer, and is reported by `prefect plugins`; None is no answer.
- **first result**: implementations are asked in that order until one gives something else than None.
- **historic**: as *all*; and a plugin that is registered after the call still gets it.

Hooks that answer with *records* are asked once, and again when the plugin has changed; the answer is kept in
`PREFECT_HOME/plugins`, so it must not depend on anything else. A record's `target` (`"package.module:attribute"`) is imported when somebody asks for its name, and not before.
"""

Hook = Callable[..., Any]

FAMILY_OF = {family.hook: family.key for family in FAMILIES.values()}

ENTRANCES = {
    "prefect_plugin_info": None,  # asked by the host itself whenever it loads a plugin
    "setup_environment": "run_startup_hooks",
    "prefect_startup": "announce",
}
"""Hooks that are asked through a function rather than by name."""


def hooks() -> dict[str, Hook]:
    """All hooks by name, in the order of the module."""
    return {name: value for name, value in vars(HookSpec).items() if hasattr(value, f"{PROJECT}_spec")}


def mode(hook: Hook) -> str:
    """How the implementations of a hook are asked."""
    options = getattr(hook, f"{PROJECT}_spec")
    return "first result" if options["firstresult"] else "historic" if options["historic"] else "all"


def signature(hook: Hook) -> str:
    """A hook's signature as a plugin's author writes it: without `self`, and types without their module."""
    shown = inspect.signature(hook)
    shown = shown.replace(parameters=[p for name, p in shown.parameters.items() if name != "self"])
    text = str(shown).replace("'", "").replace("types.", "")
    return f"def {hook.__name__}{text}"


def records(hook: Hook) -> list[type[Any]]:
    """The records that a hook takes or answers."""
    annotations = " ".join(map(str, hook.__annotations__.values()))
    named = [getattr(types, name) for name in dict.fromkeys(re.findall(r"types\.(\w+)", annotations))]
    parts = [part for each in named for part in (get_args(each) or (each,))]  # a union stands for its members
    return [part for part in parts if dataclasses.is_dataclass(part)]


def askers(name: str) -> list[str] | None:
    """Which parts ask a hook: by its name, by its family's registry, or through its entrance. None: its host does."""
    entrance = ENTRANCES.get(name, name)
    if entrance is None:
        return None
    root = Path(prefect.__file__).parent
    found = []
    for file in sorted(root.rglob("*.py")):
        relative = file.relative_to(root).with_suffix("")
        if relative.parts[0] not in {"hookspecs", "plugins", "testing"} and _asks(file, entrance, FAMILY_OF.get(name)):
            found.append(f"prefect.{relative.parts[0]}")
    return list(dict.fromkeys(found))


def _asks(file: Path, entrance: str, family: str | None) -> bool:
    source = file.read_text(encoding="utf-8")
    if entrance not in source and "registries" not in source:
        return False
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(args=[ast.Constant(value=name), *_]) if name == entrance:
                return True
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name == entrance:
                return True
            case ast.ImportFrom(module="prefect.plugins.registries", names=names):
                if family in {each.name for each in names}:
                    return True
            case ast.Attribute(value=ast.Name(id="registries"), attr=name) if name == family:
                return True
    return False


def example(name: str) -> str:
    """The hook's implementation in `every_hook.py`, without its docstring, with what it needs to be imported."""
    source = inspect.getsource(getattr(every_hook, name))
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    lines = source.splitlines()
    start, end = function.body[0].lineno, function.body[0].end_lineno
    body = "\n".join([*lines[: start - 1], *lines[end:]]).replace("\n\n", "\n")
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    ours = sorted(used & set(prefect.plugins.__all__), key=lambda each: (each[0].islower(), each))
    modules = sorted(used & {"logging", "os"})
    imports = "".join(f"import {module}\n" for module in modules) + ("\n" if modules else "")
    return f"```python\n{imports}from prefect.plugins import {', '.join(ours)}\n\n{textwrap.dedent(body)}\n```"


def record_table(record: type[Any]) -> str:
    """A record's fields."""
    said = arguments(record)
    rows = []
    for field in dataclasses.fields(record):
        default = _default(field)
        rows.append((code(field.name), code(_plain(field.type)), code(default), said.get(field.name, "")))
    titled = [row for row in rows if row[3]]
    head = ("field", "type", "default", "meaning") if titled else ("field", "type", "default")
    return f"**`{record.__name__}`**: {description(record)}\n\n" + table(head, (row[: len(head)] for row in rows))


def _plain(annotation: object) -> str:
    return str(annotation).replace("'", '"')


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return repr(field.default).replace("'", '"')
    if field.default_factory is not dataclasses.MISSING:
        return f"{field.default_factory.__name__}()"
    return ""


def _who(name: str) -> str:
    found = askers(name)
    if found is None:
        return "Asked by the plugin host itself."
    asked = f"Asked by {', '.join(map(code, found))}." if found else "**No part of this version asks for it yet.**"
    family = FAMILY_OF.get(name)
    return f"{asked} In Python: `prefect.plugins.registries.{family}.get(name)`." if family else asked


def section(name: str, hook: Hook) -> str:
    """What there is to say of one hook."""
    parts = [
        f"## {name}",
        f"```text\n{signature(hook)}\n```",
        f"Mode: **{mode(hook)}**. {description(hook)}",
        f"{description(getattr(every_hook, name))} {_who(name)}",
        *map(record_table, records(hook)),
        example(name),
    ]
    return "\n\n".join(parts)


def render() -> str:
    """The page."""
    return INTRODUCTION + "\n" + "\n\n".join(section(name, hook) for name, hook in hooks().items()) + "\n"
