"""Templates that refer to what the orchestrator keeps: blocks and variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import block_documents, block_types, variables
from prefect.client.base import ask, through
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import get_logger
from prefect.utilities.annotations import NotSet
from prefect.utilities.collections import get_from_dict
from prefect.utilities.dual import adrive
from prefect.utilities.templating import (
    BLOCK_DOCUMENT_PLACEHOLDER_PREFIX,
    VARIABLE_PLACEHOLDER_PREFIX,
    Placeholder,
    PlaceholderType,
    find_placeholders,
)

if TYPE_CHECKING:
    from prefect._contract.blocks import BlockDocument
    from prefect.client.orchestration import PrefectClient
    from prefect.utilities.dual import Steps

__all__ = ["resolve_block_document_references", "resolve_variables"]

Transformer = Callable[[str, Any], Any]


async def resolve_block_document_references(
    template: Any, client: PrefectClient | None = None, value_transformer: Transformer | None = None
) -> Any:
    """
    Put the values of blocks where a template refers to them.

    `{{ prefect.blocks.TYPE.NAME }}` stands for all fields of a block, and for the value of a block that has nothing but
    that; `{{ prefect.blocks.TYPE.NAME.FIELD }}` for one field. A mapping `{"$ref": {"block_document_id": ID}}` stands for
    all fields of the block of that id.

    Args:
        template: Texts, mappings and lists.
        client: Asks the orchestrator; the one of the current settings is asked without.
        value_transformer: Called with the name of each placeholder and its value; what it returns takes the value's place.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such block.
        ValueError: A placeholder is not complete, or stands for several fields in the middle of a text.
    """
    steps = _filled(template, PlaceholderType.BLOCK_DOCUMENT, partial(_of_block, value_transformer))
    return await adrive(steps if client is None else through(client.transport, steps))


async def resolve_variables(template: Any, client: PrefectClient | None = None) -> Any:
    """
    Put the values of variables where a template refers to them: `{{ prefect.variables.NAME }}`.

    A variable that does not exist is an empty text, and is warned of.

    Args:
        template: Texts, mappings and lists.
        client: Asks the orchestrator; the one of the current settings is asked without.
    """
    steps = _filled(template, PlaceholderType.VARIABLE, partial(_of_variable, {}))
    return await adrive(steps if client is None else through(client.transport, steps))


ValueOf = Callable[[Placeholder], "Steps[Any]"]


def _filled(template: Any, kind: PlaceholderType, value_of: ValueOf) -> Steps[Any]:
    """A template with the values of its placeholders of a kind."""
    if isinstance(template, str):
        return (yield from _filled_text(template, kind, value_of))
    if isinstance(template, dict):
        reference = template.get("$ref")
        if kind is PlaceholderType.BLOCK_DOCUMENT and isinstance(reference, dict) and "block_document_id" in reference:
            block_id = UUID(str(reference["block_document_id"]))
            return _fields((yield from ask(block_documents.read_block_document(block_id))))
        made = {}
        for key, part in template.items():
            made[key] = yield from _filled(part, kind, value_of)
        return made
    if isinstance(template, list):
        parts = []
        for part in template:
            parts.append((yield from _filled(part, kind, value_of)))  # noqa: PERF401 - a comprehension cannot yield
        return parts
    return template


def _filled_text(text: str, kind: PlaceholderType, value_of: ValueOf) -> Steps[Any]:
    """A text that is nothing but a placeholder becomes the value, of whatever type."""
    for found in find_placeholders(text):
        if found.type is not kind:
            continue
        value = yield from value_of(found)
        if text.strip() == found.full_match:
            return value
        if isinstance(value, (dict, list)):
            raise ValueError(
                f"{found.full_match!r} stands for several values, which cannot be put into the middle of a text. Name one "
                "of them, as in {{ prefect.blocks.TYPE.NAME.FIELD }}."
            )
        text = text.replace(found.full_match, "" if value is None else str(value))
    return text


def _of_block(transform: Transformer | None, found: Placeholder) -> Steps[Any]:
    slug, _, rest = found.name.removeprefix(BLOCK_DOCUMENT_PLACEHOLDER_PREFIX).partition(".")
    name, _, path = rest.partition(".")
    if not (slug and name):
        raise ValueError(f"Invalid placeholder {found.full_match!r}. Write {{{{ prefect.blocks.TYPE.NAME }}}}.")
    try:
        document = yield from ask(block_types.read_block_document_by_name(name, slug))
    except ObjectNotFound as error:
        message = f"There is no block of type '{slug}' named '{name}', which {found.full_match!r} refers to."
        raise ObjectNotFound(error.http_exc, help_message=message) from error
    value = get_from_dict(dict(document.data), path, NotSet) if path else _fields(document)
    if value is NotSet:
        raise ValueError(f"The block '{slug}/{name}', which {found.full_match!r} refers to, has no {path!r}.")
    return value if transform is None else transform(found.name, value)


def _fields(document: BlockDocument) -> Any:
    """The fields of a block; the value of a block that has nothing but that."""
    data: dict[str, Any] = dict(document.data)
    return data["value"] if list(data) == ["value"] else data


def _of_variable(known: dict[str, Any], found: Placeholder) -> Steps[Any]:
    path = found.name.removeprefix(VARIABLE_PLACEHOLDER_PREFIX)
    name = re.split(r"[.\[]", path)[0]
    if name not in known:
        try:
            known[name] = (yield from ask(variables.read_variable_by_name(name))).value
        except ObjectNotFound:
            get_logger("templating").warning("There is no variable %r: it counts as an empty text.", name)
            known[name] = ""
    return get_from_dict(known, path, "")
