"""What a published block type should say of itself, for people who choose and fill in blocks."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prefect.blocks.core import Block

__all__ = ["HAS_PIL", "BlockStandardTestSuite"]

HAS_PIL = find_spec("PIL") is not None
"""Whether Pillow is installed, by which logos are measured."""

_LOGO_WIDTHS = range(200, 1000)
_PATIENCE_SECONDS = 30.0


class BlockStandardTestSuite:
    """
    Subclass it, and give it the fixture `block`: the block type under test, a class.

    It is about what a block type says of itself; `prefect.testing.conformance.BlockContract` is about what its blocks do.
    """

    @pytest.fixture
    def block(self) -> type[Block]:
        """The block type under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'block', which returns a block class.")

    def test_has_a_description(self, block: type[Block]) -> None:
        """It says what it is for, in `_description` or its docstring."""
        assert block.get_description(), f"{block.__name__} has no description: give it a docstring."

    def test_has_a_documentation_url(self, block: type[Block]) -> None:
        """It names the page that explains it."""
        assert block._documentation_url, f"{block.__name__} has no _documentation_url."

    def test_all_fields_have_a_description(self, block: type[Block]) -> None:
        """Each field has a description, which is a sentence with its full stop."""
        for name, field in block.model_fields.items():
            assert field.description, f"The field '{name}' of {block.__name__} has no description."
            assert field.description.endswith("."), (
                f"The description of the field '{name}' of {block.__name__} does not end with a full stop: "
                f"{field.description!r}"
            )

    def test_has_a_valid_code_example(self, block: type[Block]) -> None:
        """Its example imports the class, and loads a block by the name BLOCK_NAME."""
        example = block.get_code_example()
        assert example is not None, f"{block.__name__} has no code example."
        kind = re.escape(block.__name__)
        for pattern in (rf"from .* import {kind}", rf'.* = {kind}\.load\("BLOCK_NAME"\)'):
            assert re.search(pattern, example), f"The code example of {block.__name__} has nothing like: {pattern}"

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """Its logo can be downloaded, is square, and from 200 to 999 pixels wide."""
        assert block._logo_url, f"{block.__name__} has no _logo_url."
        if not HAS_PIL:
            pytest.skip("Logos are measured by Pillow, which is not installed.")
        width, height = _size_of_image(str(block._logo_url))
        assert width == height, f"The logo of {block.__name__} is not square: {width}x{height} pixels."
        assert width in _LOGO_WIDTHS, (
            f"The logo of {block.__name__} is {width} pixels wide. It should be {_LOGO_WIDTHS[0]} to {_LOGO_WIDTHS[-1]}."
        )


def _size_of_image(url: str) -> tuple[int, int]:
    import httpx
    from PIL import Image

    answer = httpx.get(url, follow_redirects=True, timeout=_PATIENCE_SECONDS)
    answer.raise_for_status()
    with Image.open(io.BytesIO(answer.content)) as image:
        width, height = image.size
    return width, height
