import pickle
import sys
import types
from typing import Generic, Literal, Optional, TypeVar, Union
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field, Secret as PydanticSecret, SecretBytes, SecretStr, ValidationError

from prefect._contract.blocks import BlockDocument, BlockSchema, BlockType
from prefect.blocks.abstract import (
    CredentialsBlock,
    DatabaseBlock,
    JobBlock,
    NotificationBlock,
    NotificationError,
    ObjectStorageBlock,
    SecretBlock,
)
from prefect.blocks.annotations import classes_in, secret_paths
from prefect.blocks.core import (
    Block,
    BlockNotSavedError,
    InvalidBlockRegistration,
    UnknownBlockType,
    block_schema_to_key,
)
from prefect.blocks.docstrings import description_of, example_of
from prefect.blocks.documents import from_document
from prefect.blocks.fields import SecretDict
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect.plugins.registries import blocks
from prefect.utilities.dispatch import get_registry_for_type

T = TypeVar("T")


class Inner(Block):
    """The inner block."""

    number: int = 1
    password: SecretStr = SecretStr("inner-secret")


class Part(BaseModel):
    token: SecretStr = SecretStr("part-secret")
    raw: SecretBytes = SecretBytes(b"raw-secret")


class Outer(Block):
    """
    The outer block.

    It has two lines.

    Attributes:
        inner: What is within.

    Example:
        ```python
        Outer.load("x")
        ```
    """

    _block_type_name = "The Outer Block!"
    _block_schema_capabilities = ["turn", "read-path"]

    inner: Inner
    maybe: Optional[Inner] = None
    either: Union[Inner, Secret, None] = None
    several: list[Inner] = []
    named: dict[str, Inner] = {}
    part: Part = Field(default_factory=Part)
    mapping: Optional[SecretDict] = None
    schema_: str = Field("public", alias="schema")


def test_names_and_descriptions_come_from_the_class():
    assert Outer.get_block_type_slug() == "the-outer-block"
    assert Outer.get_block_type_name() == "The Outer Block!"
    assert Outer.get_description() == "The outer block.\n\nIt has two lines."
    assert Outer.get_code_example() == '```python\nOuter.load("x")\n```'
    assert Outer.get_block_capabilities() == {"turn", "read-path"}
    assert Inner.get_block_type_slug() == "inner"
    assert 'inner_block = Inner.load("BLOCK_NAME")' in Inner.get_code_example()


def test_class_variables_say_it_otherwise():
    class Described(Block):
        """The docstring."""

        _block_type_slug = "odd-slug"
        _description = "a description"
        _code_example = "    indented"
        _block_schema_version = "7"

    assert Described.get_block_type_slug() == "odd-slug"
    assert Described.get_description() == "a description"
    assert Described.get_code_example() == "indented"
    assert Described.get_block_schema_version() == "7"


def test_the_schema_version_is_that_of_the_package(monkeypatch):
    package = types.ModuleType("package_for_tests")
    package.__version__ = "1.2.3.dev4+local"
    monkeypatch.setitem(sys.modules, "package_for_tests", package)
    kind = type(
        "Versioned", (Block,), {"__module__": "package_for_tests.blocks", "_block_type_slug": "versioned-for-tests"}
    )
    assert kind.get_block_schema_version() == "1.2.3"
    assert type("Main", (Block,), {"__module__": "__main__"}).get_block_schema_version() == "non-versioned"


def test_secrets_are_found_wherever_they_are():
    assert secret_paths(Outer) == [
        "inner.password",
        "maybe.password",
        "either.password",
        "either.value",
        "several.password",
        "named.*.password",
        "part.token",
        "part.raw",
        "mapping.*",
    ]

    class Recursive(BaseModel):
        token: PydanticSecret[int]
        inside: Optional["Recursive"] = None
        settings: PydanticSecret[dict] = None

    assert secret_paths(Recursive) == ["token", "settings.*"]


def test_block_classes_are_found_in_annotations():
    assert classes_in(Union[list[Inner], dict[str, Optional[Secret]]], Block) == [Inner, Secret]
    assert classes_in(Literal["a"], Block) == []
    assert Block.annotation_refers_to_block_class(Inner | None)
    assert not Block.annotation_refers_to_block_class(dict[str, int])
    assert Block.is_block_class(Inner)
    assert not Block.is_block_class(Inner())


def test_the_json_schema_says_what_the_orchestrator_wants_to_know():
    schema = Outer.model_json_schema()
    assert schema["block_type_slug"] == "the-outer-block"
    assert schema["secret_fields"] == secret_paths(Outer)
    inner = {"block_type_slug": "inner", "block_schema_checksum": Inner._calculate_schema_checksum()}
    secret = {"block_type_slug": "secret", "block_schema_checksum": Secret._calculate_schema_checksum()}
    assert schema["block_schema_references"] == {
        "inner": inner,
        "maybe": inner,
        "several": inner,
        "named": inner,
        "either": [inner, secret],
    }
    positions = {name: field["position"] for name, field in schema["properties"].items()}
    assert positions == {name: number for number, name in enumerate(positions)}
    assert "schema" in schema["properties"]
    assert schema["definitions"]["Inner"]["block_type_slug"] == "inner"
    assert schema["properties"]["inner"]["$ref"] == "#/definitions/Inner"
    assert schema["required"] == ["inner"]


def test_the_checksum_follows_the_fields():
    before = Inner._calculate_schema_checksum()
    assert before.startswith("sha256:")

    class Changed(Inner):
        _block_type_slug = "inner-changed-for-tests"
        more: int = 1

    assert Changed._calculate_schema_checksum() != before == Inner._calculate_schema_checksum()


def test_a_block_that_holds_its_own_kind_has_a_schema():
    class Chain(Block):
        next: Optional["Chain"] = None
        secret: SecretStr = SecretStr("x")

    schema = Chain.model_json_schema()
    definition = schema.get("definitions", {}).get("Chain", schema)
    assert definition["secret_fields"] == ["secret"]


def test_secrets_are_masked_unless_they_are_asked_for():
    block = Outer(
        inner=Inner(),
        either=Secret(value={"a": "deep-secret"}),
        several=[Inner()],
        named={"a": Inner()},
        mapping={"k": "map-secret"},
    )
    for text in (repr(block), str(block), block.model_dump_json(), str(block.model_dump())):
        assert "-secret" not in text
    shown = block.model_dump(mode="json", by_alias=True, context={"include_secrets": True})
    assert shown["inner"]["password"] == "inner-secret"
    assert shown["several"][0]["password"] == "inner-secret"
    assert shown["named"]["a"]["password"] == "inner-secret"
    assert shown["either"]["value"] == {"a": "deep-secret"}
    assert shown["part"] == {"token": "part-secret", "raw": "raw-secret"}
    assert shown["mapping"] == {"k": "map-secret"}
    assert shown["schema"] == "public"
    assert shown["block_type_slug"] == "the-outer-block"


def test_a_slug_chooses_the_class():
    assert type(Block(block_type_slug="inner", number=5)) is Inner
    assert Block(block_type_slug="inner", number=5).number == 5
    assert type(Block.model_validate({"block_type_slug": "inner"})) is Inner
    outer = Outer.model_validate({"inner": {"number": 2}, "either": {"block_type_slug": "secret", "value": "x"}})
    assert type(outer.either) is Secret
    with pytest.raises(ValidationError, match="'secret' was given where one of type 'inner' is due"):
        Outer.model_validate({"inner": {"block_type_slug": "secret", "value": "x"}})

    class Holder(BaseModel):
        storage: WritableFileSystem

    assert Holder(storage={"block_type_slug": "local-file-system"}).storage == LocalFileSystem()


def test_initialization_runs_however_a_block_is_made():
    class Prepared(Block):
        base: int
        _double: int = 0

        def block_initialization(self):
            self._double = self.base * 2

    assert Prepared(base=2)._double == 4
    assert Prepared.model_validate({"base": 3})._double == 6


def test_classes_are_registered_under_their_slug():
    assert blocks.get("inner") is Inner
    assert get_registry_for_type(Block)["inner"] is Inner
    assert Block.get_block_class_from_key("secret") is Secret
    with pytest.raises(UnknownBlockType, match="No block type 'gcs-bucket' is registered.*pip install prefect-gcp"):
        Block.get_block_class_from_key("gcs-bucket")


def test_abstract_classes_are_not_registered():
    registered = get_registry_for_type(Block).values()
    for kind in (
        CredentialsBlock,
        DatabaseBlock,
        JobBlock,
        NotificationBlock,
        ObjectStorageBlock,
        SecretBlock,
        WritableFileSystem,
    ):
        assert kind not in registered
        with pytest.raises(TypeError, match="abstract"):
            kind()


def test_taking_over_a_slug_is_a_warning():
    class First(Block):
        _block_type_slug = "contested-for-tests"

    with pytest.warns(UserWarning, match="contested-for-tests"):

        class Second(Block):
            _block_type_slug = "contested-for-tests"

    assert blocks.get("contested-for-tests") is Second


def test_generic_blocks_keep_one_slug():
    class Boxed(Block, Generic[T]):
        content: T

    assert Boxed[int].get_block_type_slug() == "boxed"
    assert blocks.get("boxed") is Boxed
    assert Boxed[int](content="5").content == 5


def test_schemas_lead_to_classes():
    block_type = BlockType(name="Inner", slug="inner")
    schema = BlockSchema(checksum="x", block_type_id=block_type.id, block_type=block_type)
    assert block_schema_to_key(schema) == "inner"
    assert Block.get_block_class_from_schema(schema) is Inner
    with pytest.raises(ValueError, match="does not say its block type"):
        block_schema_to_key(BlockSchema(checksum="x", block_type_id=uuid4()))


def test_only_saved_blocks_have_a_placeholder():
    block = Inner()
    with pytest.raises(BlockNotSavedError, match="save"):
        block.get_block_placeholder()
    block._block_document_name = "main"
    assert block.get_block_placeholder() == "prefect.blocks.inner.main"


def test_block_itself_cannot_be_registered():
    for use in (Block.register_type_and_schema, lambda: Block().save("x")):
        with pytest.raises(InvalidBlockRegistration, match="subclass"):
            use()


def test_a_block_without_name_cannot_be_saved():
    with pytest.raises(ValueError, match="no name yet"):
        Inner().save()


def test_blocks_can_be_sent_to_another_process():
    block = Inner(number=7, password="mine")
    block._block_document_name = "main"
    again = pickle.loads(pickle.dumps(block))
    assert again == block
    assert again._block_document_name == "main"


def document(data, slug="inner", references=None):
    block_type = BlockType(name=slug, slug=slug)
    return BlockDocument(
        name="doc",
        data=data,
        block_schema_id=uuid4(),
        block_type_id=block_type.id,
        block_type=block_type,
        block_document_references=references or {},
    )


def test_documents_become_blocks_of_their_type():
    block = from_document(Block, document({"number": 4, "password": "p"}))
    assert (type(block), block.number, block.password.get_secret_value()) == (Inner, 4, "p")
    assert block._block_document_name == "doc"
    with pytest.raises(RuntimeError, match="is of type 'inner', not 'secret'"):
        from_document(Secret, document({}))


def test_referenced_documents_become_blocks_that_know_where_they_are_stored():
    nested = {
        "block_document": {
            "id": str(uuid4()),
            "name": "nested",
            "block_type": {"slug": "inner"},
            "is_anonymous": False,
            "block_document_references": {},
        }
    }
    data = {"inner": {"number": 2}, "either": {"number": 3}}
    block = from_document(Outer, document(data, "the-outer-block", {"inner": nested, "either": nested}))
    assert block.inner._block_document_name == "nested"
    assert type(block.either) is Inner
    assert block._block_document_name == "doc"


def test_documents_that_no_longer_fit_can_be_loaded_for_repair():
    broken = document({"number": "many", "left_over": 1})
    with pytest.raises(RuntimeError, match="(?s)'doc' does not fit.*validate=False.*number"):
        from_document(Inner, broken)
    block = from_document(Inner, broken, validate=False)
    assert (block.number, block.password) == ("many", None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("123", 123),
        ("true", True),
        ('{"a": 1}', {"a": 1}),
        ("2020-01-01", "2020-01-01"),
        ("007", "007"),
        ({"a": [1]}, {"a": [1]}),
        ([1], [1]),
        (5, 5),
        (None, None),
        (SecretStr("x"), "x"),
    ],
)
def test_a_secret_is_text_or_json(value, expected):
    secret = Secret(value=value)
    assert secret.get() == expected
    if value is not None:
        assert "*****" in repr(secret)


def test_a_secret_is_nothing_else():
    with pytest.raises(ValidationError):
        Secret(value=object())
    with pytest.raises(ValidationError):
        Secret()
    assert Secret[int](value=3).get() == 3


def test_docstrings_are_read():
    assert description_of(None) is None
    assert description_of("One line.") == "One line."
    assert description_of("Args:\n    x: y") is None
    assert example_of("No example.") is None
    assert example_of(None) is None
    assert example_of("D.\n\nExamples:\n    one\n\n    two\n\nArgs:\n    x: y") == "one\n\ntwo"
    assert example_of("D.\n\nArgs:\n    x: y\n\nExample:\n    last") == "last"


class Notifier(NotificationBlock):
    async def notify(self, body, subject=None):
        if self._raise_on_failure:
            raise NotificationError("it failed")


def test_notifications_raise_only_where_that_is_asked_for():
    import asyncio

    notifier = Notifier()
    assert Notifier.get_block_capabilities() == {"notify"}
    asyncio.run(notifier.notify("x"))
    with notifier.raise_on_failure():
        with pytest.raises(NotificationError) as caught:
            asyncio.run(notifier.notify("x"))
    assert caught.value.log == "it failed"
    asyncio.run(notifier.notify("x"))
    assert notifier.logger.name.endswith("Notifier")


def test_a_database_block_that_does_not_connect_says_so():
    class Database(DatabaseBlock):
        async def fetch_one(self, *args, **kwargs): ...
        async def fetch_many(self, *args, **kwargs): ...
        async def fetch_all(self, *args, **kwargs): ...
        async def execute(self, *args, **kwargs): ...
        async def execute_many(self, *args, **kwargs): ...

    with pytest.raises(NotImplementedError, match="Database cannot be used with `with`"):
        with Database():
            pass
