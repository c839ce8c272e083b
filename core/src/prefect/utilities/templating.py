"""Templates: values with placeholders such as `{{ name }}` in their texts."""

from __future__ import annotations

import enum
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, TypeVar, Union, cast

from prefect.utilities import lazy
from prefect.utilities.annotations import NotSet
from prefect.utilities.collections import get_from_dict

if TYPE_CHECKING:
    from prefect.client.references import resolve_block_document_references, resolve_variables  # noqa: TC004 - imported when used

__all__ = [
    "BLOCK_DOCUMENT_PLACEHOLDER_PREFIX",
    "ENV_VAR_PLACEHOLDER_PREFIX",
    "PLACEHOLDER_CAPTURE_REGEX",
    "VARIABLE_PLACEHOLDER_PREFIX",
    "Placeholder",
    "PlaceholderType",
    "apply_values",
    "determine_placeholder_type",
    "find_placeholders",
    "resolve_block_document_references",
    "resolve_variables",
]

lazy.install(
    globals(),
    dict.fromkeys(("resolve_block_document_references", "resolve_variables"), "prefect.client.references"),
)

T = TypeVar("T", str, int, float, bool, dict[Any, Any], list[Any], None)

PLACEHOLDER_CAPTURE_REGEX = re.compile(r"({{\s*([\w\.\-\[\]$]+)\s*}})")
BLOCK_DOCUMENT_PLACEHOLDER_PREFIX = "prefect.blocks."
VARIABLE_PLACEHOLDER_PREFIX = "prefect.variables."
ENV_VAR_PLACEHOLDER_PREFIX = "$"


class PlaceholderType(enum.Enum):
    """What a placeholder stands for."""

    STANDARD = "standard"
    BLOCK_DOCUMENT = "block_document"
    VARIABLE = "variable"
    ENV_VAR = "env_var"


class Placeholder(NamedTuple):
    """
    A placeholder.

    Args:
        full_match: Its text: `{{ name }}`.
        name: Its name.
        type: What it stands for.
    """

    full_match: str
    name: str
    type: PlaceholderType


def determine_placeholder_type(name: str) -> PlaceholderType:
    """What the placeholder of a name stands for."""
    if name.startswith(BLOCK_DOCUMENT_PLACEHOLDER_PREFIX):
        return PlaceholderType.BLOCK_DOCUMENT
    if name.startswith(VARIABLE_PLACEHOLDER_PREFIX):
        return PlaceholderType.VARIABLE
    if name.startswith(ENV_VAR_PLACEHOLDER_PREFIX):
        return PlaceholderType.ENV_VAR
    return PlaceholderType.STANDARD


def _in_text(text: str) -> list[Placeholder]:
    return [
        Placeholder(full_match, name, determine_placeholder_type(name))
        for full_match, name in PLACEHOLDER_CAPTURE_REGEX.findall(text)
    ]


def find_placeholders(template: T) -> set[Placeholder]:
    """The placeholders in the texts of a template, at any depth."""
    if isinstance(template, str):
        return set(_in_text(template))
    parts: Any = ()
    if isinstance(template, dict):
        parts = template.values()
    elif isinstance(template, (list, tuple, set)):
        parts = template
    return {placeholder for part in parts for placeholder in find_placeholders(part)}


def apply_values(
    template: T,
    values: dict[str, Any],
    remove_notset: bool = True,
    warn_on_notset: bool = False,
    skip_prefixes: Optional[list[str]] = None,
) -> Union[T, type[NotSet]]:
    """
    Put values in the place of a template's placeholders.

    A text that is nothing but a placeholder becomes the value itself, of whatever type. Environment variables are
    looked up; blocks and variables of the product are left alone, as they are not `values`.

    Args:
        template: The template.
        values: Values by name; names may be paths into them: `a.b[0]`.
        remove_notset: Whether items of dicts and lists that are nothing but a placeholder without a value are removed.
        warn_on_notset: Whether placeholders without a value are logged.
        skip_prefixes: Beginnings of the names of further placeholders to leave alone.

    Returns:
        The result; `NotSet` for a template that is nothing but a placeholder without a value.

    Raises:
        ValueError: The template has parts that are neither texts, numbers, dicts nor lists.
    """
    filling = _Filling(values, remove_notset, warn_on_notset, tuple(skip_prefixes or ()))
    return cast("Any", filling.apply(template))  # type: ignore[no-any-return]


class _Filling:
    """One application of values."""

    def __init__(self, values: dict[str, Any], remove: bool, warn: bool, skipped: tuple[str, ...]) -> None:
        self.values = values
        self.remove = remove
        self.warn = warn
        self.skipped = skipped

    def apply(self, template: Any) -> Any:
        if template is None or template is NotSet or isinstance(template, (int, float, bool)):
            return template
        if isinstance(template, str):
            return self._text(template)
        if isinstance(template, dict):
            pairs = {key: self._part(value) for key, value in template.items()}
            return {key: value for key, value in pairs.items() if value is not NotSet}
        if isinstance(template, (list, tuple)):
            parts = [self._part(part) for part in template]
            return type(template)(part for part in parts if part is not NotSet)
        message = f"Unexpected template type {type(template).__name__!r}: templates are made of texts, dicts and lists."
        raise ValueError(message)

    def _part(self, part: Any) -> Any:
        applied = self.apply(part)
        return part if applied is NotSet and not self.remove else applied

    def _text(self, text: str) -> Any:
        for placeholder in _in_text(text):
            if placeholder.type in {PlaceholderType.BLOCK_DOCUMENT, PlaceholderType.VARIABLE}:
                continue
            if self.skipped and placeholder.name.startswith(self.skipped):
                continue
            value = self._value(placeholder)
            if text == placeholder.full_match:
                return value
            text = text.replace(placeholder.full_match, "" if value is NotSet else str(value))
        return text

    def _value(self, placeholder: Placeholder) -> Any:
        if placeholder.type is PlaceholderType.ENV_VAR:
            return os.environ.get(placeholder.name.removeprefix(ENV_VAR_PLACEHOLDER_PREFIX), "")
        value = self.values.get(placeholder.name, NotSet)
        if value is NotSet:
            value = get_from_dict(self.values, placeholder.name, NotSet)
        if value is NotSet and self.warn:
            import logging

            logging.getLogger("prefect.utilities.templating").warning(
                "Value for placeholder %r not found in provided values. Please ensure that the placeholder is spelled "
                "correctly and that the corresponding value is provided.",
                placeholder.name,
            )
        return value
