"""Blocks on their way to the orchestrator and back: step functions on block classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from pydantic import ValidationError

from prefect._contract.actions.blocks import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from prefect._contract.endpoints import block_documents, block_schemas, block_types
from prefect.blocks.annotations import classes_in
from prefect.blocks.core import Block, InvalidBlockRegistration
from prefect.client.base import ask, through
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    from prefect._contract.blocks import BlockDocument, BlockType
    from prefect.utilities.dual import Steps

__all__ = ["delete", "from_document", "load", "load_from_ref", "over", "register", "save"]

B = TypeVar("B", bound=Block)
R = TypeVar("R")


def over(client: Any, steps: Steps[R]) -> Steps[R]:
    """The same steps, asking with a client if there is one."""
    return steps if client is None else through(client.transport, steps)


# Reading


def _read_by_name(cls: type[Block], name: str) -> Steps[BlockDocument]:
    slug = cls.get_block_type_slug()
    if cls is Block:
        slug, separator, name = name.partition("/")
        if not (slug and separator and name):
            raise ValueError(
                f"'{slug or name}' does not say the block type: Block.load('type/name'), or load with the class."
            )
    try:
        return (yield from ask(block_types.read_block_document_by_name(name, slug)))
    except ObjectNotFound as error:
        raise ValueError(
            f"There is no block of type '{slug}' named '{name}'. `prefect block ls` lists all.{_origin(slug)}"
        ) from error


def _origin(slug: str) -> str:
    """What to install for a block type that is not, if that is known."""
    from prefect.plugins import registries
    from prefect.plugins.known import distribution_for

    package = distribution_for(registries.blocks.family.key, slug)
    if package is None or slug in registries.blocks.names():
        return ""
    return f" Blocks of this type are part of {package}, which is not installed: pip install {package}"


def load(cls: type[B], name: str, validate: bool = True) -> Steps[B]:
    """The steps behind `Block.load`."""
    return _loaded(cls, (yield from _read_by_name(cls, name)), validate)


def load_from_ref(cls: type[B], ref: str | UUID | dict[str, Any], validate: bool = True) -> Steps[B]:
    """The steps behind `Block.load_from_ref`."""
    if isinstance(ref, dict):
        if "block_document_slug" in ref:
            document = yield from _read_by_name(Block, ref["block_document_slug"])
            return _loaded(cls, document, validate)
        if "block_document_id" not in ref:
            raise ValueError(
                f"{ref!r} is no reference to a block. Give its id, {{'block_document_id': id}} or "
                "{'block_document_slug': 'type/name'}."
            )
        ref = ref["block_document_id"]
    try:
        block_id = ref if isinstance(ref, UUID) else UUID(str(ref))
    except ValueError as error:
        raise ValueError(f"'{ref}' is not the id of a block document: a UUID is due.") from error
    try:
        document = yield from ask(block_documents.read_block_document(block_id))
    except ObjectNotFound as error:
        raise ValueError(f"There is no block document with the id '{block_id}'.") from error
    return _loaded(cls, document, validate)


def _loaded(cls: type[B], document: BlockDocument, validate: bool) -> B:
    """The block of a document, and an event that it was loaded here."""
    from prefect.events.utilities import emit_event

    block = from_document(cls, document, validate)
    slug, resource = block.get_block_type_slug(), {"prefect.resource.id": f"prefect.block-document.{document.id}"}
    if document.name is not None:
        resource["prefect.resource.name"] = document.name
    block_type = {"prefect.resource.id": f"prefect.block-type.{slug}", "prefect.resource.role": "block-type"}
    emit_event(f"prefect.block.{slug}.loaded", resource=resource, related=[block_type])
    return block


def from_document(cls: type[B], document: BlockDocument, validate: bool = True) -> B:
    """
    The block of a document.

    Raises:
        RuntimeError: The document's values do not fit the class.
    """
    slug = document.block_type.slug if document.block_type else None
    if slug is None and document.block_schema is not None:
        slug = document.block_schema.fields.get("block_type_slug")
    is_of_class = cls is not Block and slug in (None, cls.get_block_type_slug())
    kind: type[B] = cls if is_of_class else _subclass(cls, slug, document)
    data = _with_slugs(document.data, document.block_document_references)
    block: Any
    try:
        block = kind.model_validate(data)
    except ValidationError as error:
        if validate:
            raise RuntimeError(
                f"The block '{document.name}' does not fit the class of its type '{slug}', which may have changed. "
                f"Load it with validate=False to repair and save it. {error}"
            ) from error
        values: dict[str, Any] = {**dict.fromkeys(kind.model_fields), **data}
        block = kind.model_construct(**values)
    _mark(block, document.id, document.name, document.is_anonymous, document.block_document_references)
    return cast("B", block)


def _subclass(cls: type[B], slug: str | None, document: BlockDocument) -> type[B]:
    if slug is None:
        raise ValueError(f"The block document '{document.name}' does not say its type, so it cannot be loaded.")
    found = Block.get_block_class_from_key(slug)
    if not issubclass(found, cls):
        raise RuntimeError(f"The block '{document.name}' is of type '{slug}', not '{cls.get_block_type_slug()}'.")
    return found


def _with_slugs(data: dict[str, Any], references: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The values, those of referenced documents with the block type that they are to become."""
    data = dict(data)
    for name, reference in references.items():
        inner = reference["block_document"]
        if isinstance(data.get(name), dict):
            data[name] = _with_slugs(data[name], inner.get("block_document_references") or {})
            data[name]["block_type_slug"] = inner["block_type"]["slug"]
    return data


def _mark(
    block: Any, block_id: Any, name: str | None, is_anonymous: bool, references: dict[str, dict[str, Any]]
) -> None:
    """Note where a block is stored, and the blocks that it holds."""
    block._block_document_id = UUID(str(block_id))
    block._block_document_name = name
    block._is_anonymous = is_anonymous
    for field, reference in references.items():
        inner = reference["block_document"]
        if isinstance(held := getattr(block, field, None), Block):
            nested = inner.get("block_document_references") or {}
            _mark(held, inner["id"], inner.get("name"), bool(inner.get("is_anonymous")), nested)


# Writing


def _register_type(cls: type[Block]) -> Steps[BlockType]:
    known = {
        "logo_url": cls._logo_url,
        "documentation_url": cls._documentation_url,
        "description": cls.get_description(),
        "code_example": cls.get_code_example(),
    }
    wanted = BlockTypeCreate(name=cls.get_block_type_name(), slug=cls.get_block_type_slug(), **known)
    try:
        stored = yield from ask(block_types.read_block_type_by_slug(wanted.slug))
    except ObjectNotFound:
        try:
            return (yield from ask(block_types.create_block_type(wanted)))
        except ObjectAlreadyExists:  # by another process, just now
            stored = yield from ask(block_types.read_block_type_by_slug(wanted.slug))
    if not stored.is_protected and any(getattr(stored, name) != getattr(wanted, name) for name in known):
        update = BlockTypeUpdate(**{name: getattr(wanted, name) for name in known})
        yield from ask(block_types.update_block_type(stored.id, update))
    return stored


def register(cls: type[Block], within: tuple[type[Block], ...] = ()) -> Steps[None]:
    """The steps behind `Block.register_type_and_schema`."""
    if cls is Block:
        raise InvalidBlockRegistration(
            "`Block` itself is no block type. Call `register_type_and_schema` on a subclass of it."
        )
    for field in cls.model_fields.values():
        for held in classes_in(field.annotation, Block):
            if held not in (*within, cls, Block):
                yield from register(held, (*within, cls))
    block_type = yield from _register_type(cls)
    schema = BlockSchemaCreate(
        fields=cls.model_json_schema(),
        block_type_id=block_type.id,
        capabilities=sorted(cls.get_block_capabilities()),
        version=cls.get_block_schema_version(),
    )
    stored = yield from ask(block_schemas.create_block_schema(schema))
    cls._block_type_id = block_type.id
    cls._block_schema_id = stored.id


def _data_of(block: Block) -> dict[str, Any]:
    """The values of the fields, secrets in clear, saved blocks as references."""
    rendered = block.model_dump(mode="json", by_alias=True, context={"include_secrets": True})
    data: dict[str, Any] = {}
    for name, field in type(block).model_fields.items():
        shown = field.serialization_alias or field.alias or name
        value = getattr(block, name)
        if isinstance(value, Block) and value._block_document_id is not None:
            data[shown] = {"$ref": {"block_document_id": str(value._block_document_id)}}
        elif shown in rendered:
            data[shown] = rendered[shown]
    return data


def save(block: Block, name: str | None = None, overwrite: bool = False) -> Steps[UUID]:
    """The steps behind `Block.save`."""
    name = name or block._block_document_name
    if name is None:
        raise ValueError("This block has no name yet. Save it with one: block.save('my-name').")
    cls = type(block)
    yield from register(cls)
    assert cls._block_type_id is not None
    assert cls._block_schema_id is not None
    data = _data_of(block)
    wanted = BlockDocumentCreate(
        name=name, data=data, block_schema_id=cls._block_schema_id, block_type_id=cls._block_type_id
    )
    try:
        block_id = (yield from ask(block_documents.create_block_document(wanted))).id
    except ObjectAlreadyExists as error:
        if not overwrite:
            raise ValueError(
                f"There is a block of type '{cls.get_block_type_slug()}' named '{name}' already. Save with "
                "overwrite=True to replace its values, or under another name."
            ) from error
        block_id = (yield from _read_by_name(cls, name)).id
        update = BlockDocumentUpdate(block_schema_id=cls._block_schema_id, data=data, merge_existing_data=False)
        yield from ask(block_documents.update_block_document(block_id, update))
    _mark(block, block_id, name, False, {})
    return block_id


def delete(cls: type[Block], name: str) -> Steps[None]:
    """The steps behind `Block.delete`."""
    document = yield from _read_by_name(cls, name)
    yield from ask(block_documents.delete_block_document(document.id))
