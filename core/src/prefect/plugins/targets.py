"""Import strings: `"package.module:attribute"`."""

from __future__ import annotations

import importlib
import re
from typing import Any

__all__ = ["import_target", "is_target"]

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_target(target: object) -> bool:
    """Whether this is a well-formed import string. Nothing is imported."""
    return isinstance(target, str) and _TARGET.fullmatch(target) is not None


def import_target(target: str) -> Any:
    """
    Import what an import string names.

    Raises:
        ValueError: It is not of the form `package.module:attribute`.
        ImportError: The module cannot be imported, or has no such attribute.
    """
    if not is_target(target):
        raise ValueError(f"{target!r} is not an import string of the form 'package.module:attribute'.")
    module_name, _, attributes = target.partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise ImportError(f"Module '{module_name}' has no attribute '{attributes}'.", name=module_name) from None
    return found
