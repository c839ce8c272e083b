"""
Blocks: typed configuration that is stored with the orchestrator and loaded by name.

    class Warehouse(Block):
        host: str
        password: SecretStr

    Warehouse(host="db", password="...").save("main")
    Warehouse.load("main")
"""

import inspect
import re
import sys
import types
from abc import ABC
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_serializer, model_validator
from pydantic.json_schema import GenerateJsonSchema

from prefect.blocks.annotations import classes_in, secret_paths
from prefect.blocks.docstrings import description_of, example_of
from prefect.utilities import dispatch
from prefect.utilities.dual import Dual, Steps, asynchronous, drive, dual
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual
from prefect.utilities.slugify import slugify

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler, SerializationInfo, SerializerFunctionWrapHandler
    from typing_extensions import Self

    from prefect._contract.blocks import BlockDocument, BlockSchema
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    Client = Union[PrefectClient, SyncPrefectClient]

__all__ = [
    "Block",
    "BlockNotSavedError",
    "InvalidBlockRegistration",
    "ResourceTuple",
    "UnionTypes",
    "UnknownBlockType",
    "block_schema_to_key",
    "load_steps",
    "schema_extra",
]

ResourceTuple = tuple[dict[str, Any], list[dict[str, Any]]]
"""An event's resource, and the resources that are related to it."""

UnionTypes = (Union, types.UnionType)
"""What `typing.get_origin` says of a union: `Union[A, B]`, `A | B`."""

_BOOKKEEPING = ("_block_document_id", "_block_document_name", "_is_anonymous")


class InvalidBlockRegistration(Exception):
    """What is to be registered is not a block type."""


class UnknownBlockType(Exception):
    """There is no class for a block type in this environment."""


class BlockNotSavedError(RuntimeError):
    """Something was asked of a block that only saved ones have."""


def block_schema_to_key(schema: "BlockSchema") -> str:
    """
    The name under which the class of a block schema is registered.

    Raises:
        ValueError: The schema does not say its block type.
    """
    if schema.block_type is None:
        raise ValueError("The block schema does not say its block type, so its class cannot be looked up.")
    return schema.block_type.slug


_being_described: ContextVar[tuple[type, ...]] = ContextVar("blocks_being_described", default=())


def schema_extra(schema: dict[str, Any], model: type["Block"]) -> None:
    """Add to the JSON schema of a block class what the orchestrator wants to know of it."""
    schema["block_type_slug"] = model.get_block_type_slug()
    description = model.get_description()
    if description is not None:
        schema["description"] = description
    schema["secret_fields"] = secret_paths(model)
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position
    references: dict[str, Any] = {}
    above = _being_described.get()
    token = _being_described.set((*above, model))
    try:
        for name, field in model.model_fields.items():
            held = [each for each in classes_in(field.annotation, Block) if each not in (*above, model)]
            described = [each._to_block_schema_reference() for each in held]  # type: ignore[attr-defined]
            if described:
                references[name] = described[0] if len(described) == 1 else described
    finally:
        _being_described.reset(token)
    schema["block_schema_references"] = references


class Block(BaseModel, ABC):
    """
    Base of the block types. Subclasses declare fields as pydantic models do, and may override `block_initialization`.

    Class variables of a subclass describe its type: `_block_type_name`, `_block_type_slug`, `_logo_url`,
    `_documentation_url`, `_description`, `_code_example`, `_block_schema_capabilities`, `_block_schema_version`.
    """

    model_config = ConfigDict(
        extra="ignore",
        defer_build=True,
        json_schema_extra=schema_extra,
        ignored_types=(Dual, ClassDual),
        hide_input_in_errors=True,  # what does not fit may be a secret
    )

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _logo_url: ClassVar[Any] = None
    _documentation_url: ClassVar[Any] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[list[str] | None] = None
    _block_schema_version: ClassVar[str | None] = None
    _block_type_id: ClassVar[UUID | None] = None
    _block_schema_id: ClassVar[UUID | None] = None

    _block_document_id: UUID | None = PrivateAttr(None)
    _block_document_name: str | None = PrivateAttr(None)
    _is_anonymous: bool | None = PrivateAttr(None)

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> "Block":
            """Make an instance of the subclass that `block_type_slug` names."""
            return super().__new__(cls._class_for(kwargs) or cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("block_type_slug", None)
        super().__init__(*args, **kwargs)
        self.block_initialization()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the class under its slug."""
        super().__pydantic_init_subclass__(**kwargs)
        if inspect.isabstract(cls) or ABC in cls.__bases__ or cls.__pydantic_generic_metadata__["origin"]:
            return
        dispatch.register_type(cls)

    def block_initialization(self) -> None:
        """Called after a block is made or loaded. Override it to prepare what is not a field."""

    def __str__(self) -> str:
        """The class with the fields, secrets masked."""
        return repr(self)

    # What the type is called

    @classmethod
    def __dispatch_key__(cls) -> str | None:
        """The slug; None for `Block` itself."""
        return None if cls is Block else cls.get_block_type_slug()

    @classmethod
    def get_block_type_name(cls) -> str:
        """The block type's name for people."""
        return cls._block_type_name or cls.__name__.partition("[")[0]

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The block type's name in URLs and references."""
        return cls._block_type_slug or slugify(cls.get_block_type_name())

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """What blocks of this type can do, such as `read-path`; with what the base classes can do."""
        return frozenset(
            capability
            for base in cls.__mro__
            for capability in getattr(base, "__dict__", {}).get("_block_schema_capabilities") or ()
        )

    @classmethod
    def get_block_schema_version(cls) -> str:
        """The version of the package that defines the class."""
        if cls._block_schema_version:
            return cls._block_schema_version
        package = sys.modules.get(cls.__module__.partition(".")[0])
        version = re.match(r"\d+(\.\d+)*", str(getattr(package, "__version__", "")))
        return version[0] if version and cls.__module__ != "__main__" else "non-versioned"

    @classmethod
    def get_description(cls) -> str | None:
        """What blocks of this type are for: from the docstring, unless `_description` says it."""
        return cls._description or description_of(cls.__doc__)

    @classmethod
    def get_code_example(cls) -> str | None:
        """Code that uses such a block: from the docstring, unless `_code_example` says it."""
        example = cls._code_example or example_of(cls.__doc__)
        if example is not None:
            return inspect.cleandoc(example)
        name = cls.__name__.partition("[")[0]
        variable = cls.get_block_type_slug().replace("-", "_")
        return f'```python\nfrom {cls.__module__} import {name}\n\n{variable}_block = {name}.load("BLOCK_NAME")\n```'

    # Finding classes

    @classmethod
    def get_block_class_from_key(cls, key: str) -> type["Self"]:
        """
        The class of a block type.

        Raises:
            UnknownBlockType: There is none in this environment. The message says what to install, if that is known.
        """
        found = _types.get(key)
        if found is not None:
            return found  # type: ignore[return-value]
        from prefect.plugins.errors import UnknownNameError
        from prefect.plugins.registries import blocks

        try:
            return blocks.get(key)  # type: ignore[return-value]
        except UnknownNameError as error:
            raise UnknownBlockType(str(error)) from error

    @classmethod
    def get_block_class_from_schema(cls, schema: "BlockSchema") -> type["Self"]:
        """
        The class of a block schema.

        Raises:
            UnknownBlockType: There is none in this environment.
        """
        return cls.get_block_class_from_key(block_schema_to_key(schema))

    @classmethod
    def _class_for(cls, data: Any) -> type["Block"] | None:
        """
        The subclass that data asks for by its slug; None if it asks for none, or for this class.

        Raises:
            ValueError: It asks for a class that is not a subclass of this one.
        """
        slug = data.get("block_type_slug") if isinstance(data, Mapping) else None
        if slug is None or (cls is not Block and slug == cls.get_block_type_slug()):
            return None
        found = Block.get_block_class_from_key(slug)
        if not issubclass(found, cls):
            raise ValueError(
                f"A block of type '{slug}' was given where one of type '{cls.get_block_type_slug()}' is due."
            )
        return found

    @staticmethod
    def is_block_class(block: Any) -> bool:
        """Whether this is a block class."""
        return inspect.isclass(block) and issubclass(block, Block)

    @staticmethod
    def annotation_refers_to_block_class(annotation: Any) -> bool:
        """Whether an annotation names a block class, by itself or within others."""
        return bool(classes_in(annotation, Block))

    # Validation and serialization

    @model_validator(mode="wrap")
    @classmethod
    def _choose_class(cls, value: Any, handler: "ModelWrapValidatorHandler[Self]") -> Any:
        """Take data of a subclass, and references to saved blocks, where a block is due."""
        if isinstance(value, Mapping):
            if "$ref" in value:
                return drive(cls._load_from_ref_steps(value["$ref"]))
            subclass = cls._class_for(value)
            if subclass is not None:
                return subclass.model_validate(value)
        return handler(value)

    @model_serializer(mode="wrap")
    def _serialize(self, handler: "SerializerFunctionWrapHandler", info: "SerializationInfo") -> Any:
        rendered = handler(self)
        if info.mode == "json" and (info.context or {}).get("include_secrets", False):
            from prefect.blocks.secret_values import revealed

            rendered = revealed(self, rendered)
        rendered["block_type_slug"] = self.get_block_type_slug()
        if self._block_document_id is not None:
            rendered.update({name: getattr(self, name) for name in _BOOKKEEPING})
        return rendered

    @classmethod
    def model_json_schema(  # type: ignore[override]
        cls,
        by_alias: bool = True,
        ref_template: str = "#/definitions/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Literal["validation", "serialization"] = "validation",
    ) -> dict[str, Any]:
        """
        The JSON schema of the class, with what the orchestrator wants to know of it.

        Args:
            by_alias: Whether fields are called by their aliases.
            ref_template: The form of references within the schema.
            schema_generator: Makes the schema.
            mode: Whether the schema is for what is read or for what is written.
        """
        schema = super().model_json_schema(by_alias, ref_template, schema_generator, mode)
        if "$defs" in schema:
            schema["definitions"] = schema.pop("$defs")
        return schema

    @classmethod
    def _calculate_schema_checksum(cls, block_schema_fields: dict[str, Any] | None = None) -> str:
        """The checksum by which the orchestrator knows the fields of this class again."""
        from prefect._contract.block_checksums import block_schema_checksum

        return block_schema_checksum(cls.model_json_schema() if block_schema_fields is None else block_schema_fields)

    @classmethod
    def _to_block_schema_reference(cls) -> dict[str, str]:
        return {
            "block_type_slug": cls.get_block_type_slug(),
            "block_schema_checksum": cls._calculate_schema_checksum(),
        }

    # Storing

    def get_block_placeholder(self) -> str:
        """
        What stands for this block in templates: `prefect.blocks.<type>.<name>`.

        Raises:
            BlockNotSavedError: The block is not saved.
        """
        if self._block_document_name is None:
            raise BlockNotSavedError(
                "Only saved blocks have a placeholder; save this one first: block.save('my-name')."
            )
        return f"prefect.blocks.{self.get_block_type_slug()}.{self._block_document_name}"

    @classmethod
    def _from_block_document(cls, block_document: "BlockDocument", validate: bool = True) -> "Self":
        from prefect.blocks.documents import from_document

        return from_document(cls, block_document, validate)

    @classmethod
    def _load_steps(cls, name: str, validate: bool = True, client: "Client | None" = None) -> Steps["Self"]:
        """
        Load a saved block.

        Args:
            name: Its name; for `Block.load` with its type, as `type/name`.
            validate: Whether a block whose values no longer fit the class is an error; else missing values are None.
            client: The client to ask with; one for the current settings by default.

        Raises:
            ValueError: There is no such block.
            RuntimeError: Its values do not fit the class.
        """
        from prefect.blocks import documents

        return (yield from documents.over(client, documents.load(cls, name, validate)))

    @classmethod
    def _load_from_ref_steps(
        cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: "Client | None" = None
    ) -> Steps["Self"]:
        """
        Load the saved block that a reference names.

        Args:
            ref: Its id; or `{"block_document_id": id}`, or `{"block_document_slug": "type/name"}`.
            validate: Whether a block whose values no longer fit the class is an error.
            client: The client to ask with; one for the current settings by default.

        Raises:
            ValueError: There is no such block, or this is no reference.
            RuntimeError: Its values do not fit the class.
        """
        from prefect.blocks import documents

        return (yield from documents.over(client, documents.load_from_ref(cls, ref, validate)))

    @classmethod
    def _register_steps(cls, client: "Client | None" = None) -> Steps[None]:
        """
        Tell the orchestrator of this block type, and of those of the blocks that it holds.

        Args:
            client: The client to ask with; one for the current settings by default.

        Raises:
            InvalidBlockRegistration: This is `Block` itself.
        """
        from prefect.blocks import documents

        yield from documents.over(client, documents.register(cls))

    @classmethod
    def _delete_steps(cls, name: str, client: "Client | None" = None) -> Steps[None]:
        """
        Delete a saved block.

        Args:
            name: Its name; for `Block.delete` with its type, as `type/name`.
            client: The client to ask with; one for the current settings by default.

        Raises:
            ValueError: There is no such block.
        """
        from prefect.blocks import documents

        yield from documents.over(client, documents.delete(cls, name))

    def _save_steps(
        self, name: str | None = None, overwrite: bool = False, client: "Client | None" = None
    ) -> Steps[UUID]:
        """
        Save this block.

        Args:
            name: Its name: lower-case letters, digits and dashes; by default the one that it was saved under.
            overwrite: Whether to replace a block of this type and name.
            client: The client to ask with; one for the current settings by default.

        Returns:
            The id of the stored document.

        Raises:
            ValueError: There is no name, or a block of this type has that name already.
        """
        from prefect.blocks import documents

        return (yield from documents.over(client, documents.save(self, name, overwrite)))

    if TYPE_CHECKING:

        @classmethod
        def load(cls, name: str, validate: bool = True, client: Client | None = None) -> Self: ...
        @classmethod
        async def aload(cls, name: str, validate: bool = True, client: Client | None = None) -> Self: ...
        @classmethod
        def load_from_ref(
            cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: Client | None = None
        ) -> Self: ...
        @classmethod
        async def aload_from_ref(
            cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: Client | None = None
        ) -> Self: ...
        @classmethod
        def register_type_and_schema(cls, client: Client | None = None) -> None: ...
        @classmethod
        async def aregister_type_and_schema(cls, client: Client | None = None) -> None: ...
        @classmethod
        def delete(cls, name: str, client: Client | None = None) -> None: ...
        @classmethod
        async def adelete(cls, name: str, client: Client | None = None) -> None: ...
        def save(self, name: str | None = None, overwrite: bool = False, client: Client | None = None) -> UUID: ...
        async def asave(
            self, name: str | None = None, overwrite: bool = False, client: Client | None = None
        ) -> UUID: ...

    else:
        load = class_dual(_load_steps.__func__)
        aload = class_asynchronous(load)
        load_from_ref = class_dual(_load_from_ref_steps.__func__)
        aload_from_ref = class_asynchronous(load_from_ref)
        register_type_and_schema = class_dual(_register_steps.__func__)
        aregister_type_and_schema = class_asynchronous(register_type_and_schema)
        delete = class_dual(_delete_steps.__func__)
        adelete = class_asynchronous(delete)
        save = dual(_save_steps)
        asave = asynchronous(save)


# Not `register_base_type`: it registers subclasses before it is known whether they are abstract.
_types: dict[str, type[Block]] = dispatch._registries.setdefault(Block, {})


def load_steps(reference: str | UUID) -> Steps[Any]:
    """Load a saved block of any type by its id or its `type/name`, inside a step function."""
    if isinstance(reference, UUID):
        return (yield from Block._load_from_ref_steps(reference))
    return (yield from Block._load_steps(reference))
