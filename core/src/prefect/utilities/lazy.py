"""
Lazy exports: a package offers names whose modules are imported when the names are first used (PEP 562).

    if TYPE_CHECKING:
        from prefect.flows import Flow, flow

    __all__ = lazy.install(globals(), {"Flow": "prefect.flows", "flow": "prefect.flows"})

The dict repeats the `TYPE_CHECKING` block; `declared_exports` reads that block, for a test that both are the same.

A package that is made so also answers with its submodules: `prefect.concurrency` is there after `import prefect` alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["declared_exports", "install", "submodule"]


def install(namespace: dict[str, Any], exports: Mapping[str, str]) -> list[str]:
    """
    Give a module `__getattr__` and `__dir__` for names that live elsewhere; a package also answers with its submodules.

    Args:
        namespace: The module's `globals()`.
        exports: For each name the module that defines it. `"module:name"` renames; a name whose module is its own path
            (`{"runtime": "prefect.runtime"}` in `prefect`) stands for that module.

    Returns:
        The names in order, for `__all__`.
    """
    module_name = namespace["__name__"]

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name that Python looks for
        target = exports.get(name)
        if target is None:
            if "__path__" in namespace and (found := submodule(module_name, name)) is not None:
                return found
            message = f"module {module_name!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules.get(module_name))
        value = _resolve(module_name, name, target)
        namespace[name] = value  # from now on it is found without this function
        return value

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*namespace, *exports})

    namespace["__getattr__"] = __getattr__
    namespace["__dir__"] = __dir__
    return list(exports)


def submodule(package: str, name: str) -> ModuleType | None:
    """
    A public module of a package, imported; None if there is none of that name.

    Args:
        package: The package's full name.
        name: The module's name in it.

    Raises:
        ImportError: There is one, but something that it imports is not installed.
    """
    import importlib

    if name.startswith("_"):
        return None
    path = f"{package}.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None


def _resolve(module_name: str, name: str, target: str) -> Any:
    import importlib

    source, _, attribute = target.partition(":")
    if source == f"{module_name}.{name}":
        return importlib.import_module(source)
    return getattr(importlib.import_module(source), attribute or name)


def declared_exports(path: Path) -> dict[str, str]:
    """The names that the `if TYPE_CHECKING:` blocks of a file import, each with the module that it comes from."""
    import ast

    exports: dict[str, str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            continue
        for statement in node.body:
            if isinstance(statement, ast.ImportFrom) and statement.module:
                for alias in statement.names:
                    exports[alias.asname or alias.name] = _source(statement.module, alias)
    return exports


def _source(module: str, alias: Any) -> str:
    return module if alias.asname in {None, alias.name} else f"{module}:{alias.name}"
