"""What docstrings say of block types: a description, and an example."""

from __future__ import annotations

import inspect
import re

__all__ = ["description_of", "example_of"]

_SECTION = re.compile(
    r"^(Args|Arguments|Attributes|Example|Examples|Methods|Note|Notes|Raises|References|Returns|See Also|Yields):\s*$",
    re.MULTILINE,
)


def description_of(docstring: str | None) -> str | None:
    """The text before the first section, None if there is none."""
    if docstring is None:
        return None
    text = inspect.cleandoc(docstring)
    section = _SECTION.search(text)
    return (text[: section.start()] if section else text).strip() or None


def example_of(docstring: str | None) -> str | None:
    """The text of the section `Example:` or `Examples:`, None if there is none."""
    if docstring is None:
        return None
    text = inspect.cleandoc(docstring)
    sections = list(_SECTION.finditer(text))
    ends = [section.start() for section in sections[1:]]
    for section, end in zip(sections, [*ends, len(text)], strict=False):
        if section[1].startswith("Example"):
            body = text[section.end() : end]
            return inspect.cleandoc(body.strip("\n")).strip() or None
    return None
