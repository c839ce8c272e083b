"""Creating blocks from the command line: of types that are installed here, and of those that the orchestrator knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prefect.cli.errors import CliError, reasons

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._contract.blocks import BlockSchema
    from prefect.blocks.core import Block

__all__ = ["Creation", "creation_of", "schemas_of"]


@dataclass
class Creation:
    """
    A block that is about to be created.

    Args:
        slug: Its type.
        fields: The JSON schema of its fields: `properties`, `required`, `secret_fields`.
        save: Saves values under a name, and whether to replace a block of that name.
        values: The values that are known.
    """

    slug: str
    fields: Mapping[str, Any]
    save: Callable[[str, dict[str, Any], bool], UUID]
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the fields are, by their names."""
        return self.fields.get("properties") or {}

    @property
    def texts(self) -> set[str]:
        """The fields whose values are text."""
        return {name for name, each in self.properties.items() if each.get("type") == "string"}

    def is_secret(self, name: str) -> bool:
        """Whether a field's value is not to be seen."""
        return any(path == name or path.startswith(f"{name}.") for path in self.fields.get("secret_fields") or ())

    def take(self, values: Mapping[str, Any]) -> None:
        """
        Add values.

        Raises:
            CliError: The type has no such field.
        """
        for name in values:
            if name not in self.properties:
                has = ", ".join(map(repr, self.properties)) or "none"
                raise CliError(f"Blocks of type {self.slug!r} have no field {name!r}. They have: {has}.")
        self.values.update(values)

    def missing(self) -> list[str]:
        """The fields that still need a value."""
        return [name for name in self.fields.get("required") or () if name not in self.values]

    def require_all(self) -> None:
        """
        Make sure that no value is missing.

        Raises:
            CliError: One is.
        """
        missing = self.missing()
        if missing:
            example = " ".join(f"--set {name}=VALUE" for name in missing)
            raise CliError(f"A block of type {self.slug!r} needs {', '.join(missing)}: {example}", exit_code=2)


def creation_of(slug: str) -> Creation:
    """
    What it takes to create a block of a type.

    Raises:
        CliError: There is no such type.
    """
    from prefect.blocks.core import Block, UnknownBlockType

    try:
        installed = Block.get_block_class_from_key(slug)
    except UnknownBlockType:
        return _by_schema(slug)
    return Creation(slug, installed.model_json_schema(), _by_class(installed))


def _by_class(block: type[Block]) -> Callable[[str, dict[str, Any], bool], UUID]:
    def save(name: str, values: dict[str, Any], overwrite: bool) -> UUID:
        from pydantic import ValidationError

        try:
            return block(**values).save(name, overwrite=overwrite)
        except ValidationError as error:
            raise CliError(f"The block cannot be created: {reasons(error)}.") from None
        except (ValueError, KeyError) as error:
            raise CliError(f"The block cannot be created: {error.args[0]}") from None

    return save


def _by_schema(slug: str) -> Creation:
    """For types that are not installed here: the orchestrator knows their fields, too, if somebody has registered them."""
    from prefect._contract.endpoints.block_types import read_block_type_by_slug
    from prefect.cli.asking import ask

    missing = f"Block type {slug!r} not found! It is neither installed nor registered. See: prefect block type ls"
    found = ask(read_block_type_by_slug(slug), missing=missing)
    schemas = schemas_of(found.id)
    if not schemas:
        raise CliError(f"Nobody knows the fields of block type {slug!r}. Register it: prefect block register -m MODULE")
    schema = schemas[0]

    def save(name: str, values: dict[str, Any], overwrite: bool) -> UUID:
        from pydantic import ValidationError

        from prefect._contract.actions.blocks import BlockDocumentCreate, BlockDocumentUpdate
        from prefect._contract.endpoints.block_documents import create_block_document, update_block_document
        from prefect._contract.endpoints.block_types import read_block_document_by_name
        from prefect.exceptions import ObjectAlreadyExists

        try:
            wanted = BlockDocumentCreate(name=name, data=values, block_schema_id=schema.id, block_type_id=found.id)
        except ValidationError as error:
            raise CliError(f"The block cannot be created: {reasons(error)}.") from None
        try:
            return ask(create_block_document(wanted)).id
        except ObjectAlreadyExists:
            if not overwrite:
                raise CliError(f"There is a block '{slug}/{name}' already. Use --overwrite to replace it.") from None
        there = ask(read_block_document_by_name(name, slug, include_secrets=False))
        change = BlockDocumentUpdate(data=values, block_schema_id=schema.id, merge_existing_data=False)
        ask(update_block_document(there.id, change))
        return there.id

    return Creation(slug, schema.fields, save)


def schemas_of(block_type_id: UUID) -> list[BlockSchema]:
    """The schemas of a block type, the newest first."""
    from datetime import datetime

    from prefect._contract.endpoints.block_schemas import read_block_schemas
    from prefect._contract.filters.blocks import BlockSchemaFilter, BlockSchemaFilterBlockTypeId
    from prefect.cli.asking import pages
    from prefect.utilities.time import UTC

    chosen = BlockSchemaFilter(block_type_id=BlockSchemaFilterBlockTypeId(any_=[block_type_id]))
    found = pages(lambda limit, offset: read_block_schemas(chosen, limit=limit, offset=offset))
    beginning = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: each.created or beginning, reverse=True)
