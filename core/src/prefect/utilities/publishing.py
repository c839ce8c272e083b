"""Classes that are defined in one module, and imported by users from another one."""

from __future__ import annotations

from typing import Any

__all__ = ["publish"]


def publish(namespace: dict[str, Any], home: str) -> None:
    """
    Have the public classes of a module say where users import them from. Pickles look for them there, too.

    Args:
        namespace: The `globals()` of the module that defines them.
        home: The module that users import them from.
    """
    for name in namespace["__all__"]:
        found = namespace[name]
        if isinstance(found, type) and found.__module__ == namespace["__name__"]:
            found.__module__ = home
