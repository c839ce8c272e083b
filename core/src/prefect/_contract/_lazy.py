"""Names whose modules are imported when one of their names is first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def export(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """
    Make the `__getattr__` of a package.

    Args:
        package: Its `__name__`.
        names: For each of its modules, the names that the package exports from there.
    """
    homes = {name: module for module, exported in names.items() for name in exported}

    def __getattr__(name: str) -> Any:  # noqa: N807
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {exporter!r} has no attribute {name!r}")
        value = getattr(import_module(home if "." in home else f"{exporter}.{home}"), name)
        setattr(sys.modules[exporter], name, value)
        return value

    return __getattr__
