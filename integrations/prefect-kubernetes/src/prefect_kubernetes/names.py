"""Names and labels as a cluster allows them."""

from __future__ import annotations

import re

from prefect.utilities.slugify import slugify

__all__ = ["label_key", "label_value", "resource_name"]

_LONGEST_NAME = 57
"""63, without the letters that make a Job's name unique: it becomes a label of its pods."""


def resource_name(text: str) -> str:
    """The beginning of a resource's name: `My Flow!` is `my-flow`."""
    return slugify(text, max_length=_LONGEST_NAME).strip("-") or "flow-run"


def label_key(text: str) -> str:
    """The key of a label: a name, perhaps with a domain before it, such as `prefect.io/flow-run-id`."""
    domain, slash, name = text.rpartition("/")
    name = _trimmed(name) or "label"
    return f"{_trimmed(domain.lower(), 253)}/{name}" if slash and domain else name


def label_value(text: str) -> str:
    """The value of a label: at most 63 letters, digits, `-`, `_` and `.`, at its ends none of the latter three."""
    return _trimmed(text)


def _trimmed(text: str, longest: int = 63) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:longest].strip("-_.")
