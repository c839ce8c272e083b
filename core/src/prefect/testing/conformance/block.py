"""What every block type must be able to do."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import re
from typing import Any
from uuid import uuid4

import pytest
from pydantic import Secret as PydanticSecret, SecretBytes, SecretStr

from prefect.blocks.core import Block
from prefect.plugins.registries import blocks
from prefect.testing.utilities import prefect_test_harness

__all__ = ["BlockContract"]

CODE = re.compile(r"```(?:python)?\n(.*?)```", re.DOTALL)


def _secrets_of(value: Any) -> list[str]:
    """The texts that a block must not show."""
    if isinstance(value, (SecretStr, SecretBytes, PydanticSecret)):
        secret = value.get_secret_value()
        return _texts_of(secret)
    if isinstance(value, Block):
        return [text for name in type(value).model_fields for text in _secrets_of(getattr(value, name))]
    return []


def _texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts_of(item)]
    if isinstance(value, bytes):
        return [value.decode(errors="ignore")]
    return [value] if isinstance(value, str) and len(value) > 3 else []


class BlockContract:
    """
    Subclass it, and give it the fixture `block`: an instance with values in all fields.

    Attributes:
        slug: The block type's slug. It is in every stored document, so it must stay the same.
    """

    slug: str

    @pytest.fixture
    def block(self) -> Block:
        """An instance of the block type under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'block'.")

    @pytest.fixture
    def name(self) -> str:
        """A name that no other block has."""
        return f"block-{uuid4().hex[:8]}"

    def test_it_says_what_it_is_for(self, block: Block) -> None:
        """A description of the type and of every field."""
        kind = type(block)
        assert kind.get_description()
        for name, field in kind.model_fields.items():
            assert field.description, f"the field '{name}' of {kind.__name__} has no description"

    def test_its_code_example_is_code_that_names_it(self, block: Block) -> None:
        """Somebody can copy it."""
        example = type(block).get_code_example()
        assert example is not None
        snippets = CODE.findall(example)
        assert snippets, "the example has no fenced code"
        for snippet in snippets:
            compile(inspect.cleandoc(snippet), "example", "exec")
        assert type(block).__name__ in example

    def test_it_is_registered_under_its_slug(self, block: Block) -> None:
        """Documents are loaded by slug."""
        assert type(block).get_block_type_slug() == self.slug
        assert blocks.get(self.slug) is type(block)

    def test_its_schema_is_stable(self, block: Block) -> None:
        """The same in every process, and complete."""
        kind = type(block)
        schema = kind.model_json_schema()
        assert schema["block_type_slug"] == self.slug
        assert set(schema.get("properties", {})) == {field.alias or name for name, field in kind.model_fields.items()}
        assert kind._calculate_schema_checksum() == kind._calculate_schema_checksum()

    def test_it_comes_back_as_it_was_saved(self, block: Block, name: str) -> None:
        """In sync code, over the same orchestrator code that a server runs."""
        with prefect_test_harness():
            block.save(name)
            loaded = type(block).load(name)
            assert _visible(loaded) == _visible(block)
            assert type(block.load(name)) is type(block)
            assert _visible(Block.load(f"{self.slug}/{name}")) == _visible(block)
            type(block).delete(name)
            with pytest.raises(ValueError, match=name):
                type(block).load(name)

    def test_both_colours_agree(self, block: Block, name: str) -> None:
        """The methods with and without `a`."""

        async def run() -> tuple[Any, Any]:
            await block.asave(name, overwrite=True)
            answer: Any = type(block).load(name)
            return await answer, await type(block).aload(name)

        with prefect_test_harness():
            plain, twin = asyncio.run(run())
            assert _visible(plain) == _visible(twin) == _visible(block)

    def test_saving_twice_needs_overwrite(self, block: Block, name: str) -> None:
        """Nobody loses values by accident."""
        with prefect_test_harness():
            first = block.save(name)
            twin = type(block).load(name)
            with pytest.raises(ValueError, match="overwrite"):
                twin.save(name)
            assert twin.save(name, overwrite=True) == first

    def test_secrets_are_not_shown(self, block: Block, name: str) -> None:
        """Neither printed nor by the API, unless it is asked for them."""
        secrets = [text for field in type(block).model_fields for text in _secrets_of(getattr(block, field))]
        shown = [repr(block), str(block), block.model_dump_json()]
        with prefect_test_harness():
            from prefect.client.orchestration import get_client

            block.save(name)
            client = get_client(sync_client=True)
            document = client.read_block_document_by_name(name, self.slug, include_secrets=False)
            shown.append(document.model_dump_json())
        for text in shown:
            assert not [secret for secret in secrets if secret in text]

    def test_it_can_be_sent_to_another_process(self, block: Block) -> None:
        """It can be pickled."""
        assert _visible(pickle.loads(pickle.dumps(block))) == _visible(block)  # noqa: S301

    def test_stored_values_that_no_longer_fit_name_the_field(self, block: Block) -> None:
        """After a change of the class, people must see what to repair."""
        required = [name for name, field in type(block).model_fields.items() if field.is_required()]
        if not required:
            pytest.skip("no field is required")
        with pytest.raises(ValueError, match=required[0]):
            type(block).model_validate({})


def _visible(block: Block) -> dict[str, Any]:
    """The values of the fields, secrets in clear."""
    shown = block.model_dump(mode="json", context={"include_secrets": True})
    return {name: value for name, value in shown.items() if not name.startswith("_")}
