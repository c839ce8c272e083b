"""`prefect.testing.standard_test_suites`: subclassed as a third-party package does, and run by pytest."""

from __future__ import annotations

import http.server
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import Field

from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite


def png(width: int, height: int) -> bytes:
    """A black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(width)) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Logos(http.server.BaseHTTPRequestHandler):
    """Answers `/300x300` with an image of that size, and `/text` with a text."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.send_response(404 if name == "none" else 200)
        self.end_headers()
        self.wfile.write(png(*map(int, name.split("x"))) if name[0].isdigit() else b"text")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def logos() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Logos)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class Good(Block):
    """
    Keeps books.

    Example:
        Load a shelf:
        ```python
        from shelves import Good

        shelf = Good.load("BLOCK_NAME")
        ```
    """

    _documentation_url = "https://shelves.example/docs"
    _logo_url = "https://shelves.example/logo.png"

    height: int = Field(default=1, description="In centimetres.")


class Silent(Block):
    height: int = 1


class NoFullStop(Good):
    """Keeps books."""

    height: int = Field(default=1, description="In centimetres")


class NoImport(Good):
    """Keeps books."""

    _code_example = 'shelf = NoImport.load("BLOCK_NAME")'


class OtherName(Good):
    """Keeps books."""

    _code_example = 'from shelves import OtherName\nshelf = OtherName.load("mine")'


SUITE = """
import pytest
from tests.unit.plugins.test_standard_suites import {block}
from prefect.testing.standard_test_suites import BlockStandardTestSuite

class TestShelf(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return {block}
"""


def failed(block: type[Block]) -> set[str]:
    """The tests that a block type does not pass; that of its logo is left out."""
    suite, found = BlockStandardTestSuite(), set()
    for name in vars(BlockStandardTestSuite):
        if name.startswith("test_") and name != "test_has_a_valid_image":
            try:
                getattr(suite, name)(block)
            except AssertionError as error:
                found.add(name if block.__name__ in str(error) else f"{name} does not name the block type: {error}")
    return found


@pytest.mark.parametrize(
    ("block", "flaws"),
    [
        (Good, set()),
        (Silent, {"test_has_a_description", "test_has_a_documentation_url", "test_all_fields_have_a_description"}),
        (NoFullStop, {"test_all_fields_have_a_description"}),
        (NoImport, {"test_has_a_valid_code_example"}),
        (OtherName, {"test_has_a_valid_code_example"}),
    ],
)
def test_what_a_block_type_does_not_say_is_found(block: type[Block], flaws: set[str]) -> None:
    assert failed(block) == flaws


def with_logo(url: str | None) -> type[Block]:
    return type("WithLogo", (Good,), {"_logo_url": url, "__module__": __name__})


def test_logos_of_the_right_size_pass(logos: str) -> None:
    for size in ("200x200", "999x999"):
        BlockStandardTestSuite().test_has_a_valid_image(with_logo(f"{logos}/{size}"))


@pytest.mark.parametrize(
    ("logo", "error", "message"),
    [
        ("300x200", AssertionError, "is not square: 300x200"),
        ("199x199", AssertionError, "is 199 pixels wide. It should be 200 to 999"),
        ("1000x1000", AssertionError, "is 1000 pixels wide"),
        ("text", OSError, "cannot identify image"),
        ("none", httpx.HTTPStatusError, "404"),
    ],
)
def test_other_logos_do_not(logos: str, logo: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        BlockStandardTestSuite().test_has_a_valid_image(with_logo(f"{logos}/{logo}"))


def test_a_logo_is_wanted() -> None:
    with pytest.raises(AssertionError, match="WithLogo has no _logo_url"):
        BlockStandardTestSuite().test_has_a_valid_image(with_logo(None))


@pytest.mark.parametrize(("block", "outcome"), [("Good", "4 passed"), ("Silent", "3 failed, 1 passed")])
def test_a_package_runs_the_suite_by_subclassing_it(tmp_path: Path, block: str, outcome: str) -> None:
    (tmp_path / "test_shelf.py").write_text(SUITE.format(block=block))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not image", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert outcome in done.stdout, done.stdout + done.stderr
