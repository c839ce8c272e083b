"""
The same script on our product and on Prefect 3.8.8, each with its own server and with the other's: the records agree.

The tests with the original need `ORIGINAL_PYTHON`, an interpreter that has it; `nox -s compat` makes one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.compat.products.running import Product, Server, assert_same

ORIGINAL = os.environ.get("ORIGINAL_PYTHON")
needs_original = pytest.mark.skipif(
    ORIGINAL is None, reason="needs Prefect 3.8.8 in a venv of its own: run `nox -s compat`"
)

ANSWERS = {
    "main": {"total": 12, "nested": 5, "submitted": 4},
    "async": 2,
    "retried": "well",
    "failing": "FAILED",
    "named": "Splendid",
    "read back": [True, "Completed", {"numbers": [1, 2, 3]}],
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Product:
    return Product(sys.executable, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Product:
    assert ORIGINAL is not None
    return Product(ORIGINAL, tmp_path_factory.mktemp("theirs"), seconds_to_start=120)


@pytest.fixture(scope="module")
def our_server(ours: Product) -> Iterator[Server]:
    server = ours.start_server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def their_server(theirs: Product) -> Iterator[Server]:
    server = theirs.start_server()
    yield server
    server.stop()


def run(product: Product, mark: str, api: str | None) -> None:
    answers = product.run_script(mark, api)
    answers["main"].pop("id")
    assert answers == ANSWERS


@pytest.fixture(scope="module")
def expected(theirs: Product, their_server: Server) -> dict[str, Any]:
    """What the original records of itself."""
    run(theirs, "themselves", their_server.api)
    return their_server.records("themselves")


@pytest.mark.slow
def test_a_script_leaves_the_same_records_with_a_server_and_without(
    ours: Product, our_server: Server, tmp_path: Path
) -> None:
    run(ours, "served", our_server.api)
    served = our_server.records("served")
    alone = Product(sys.executable, tmp_path / "alone")
    run(alone, "alone", None)
    server = alone.start_server()  # on what was recorded without one
    try:
        assert_same(server.records("alone"), served)
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_original
def test_our_client_with_the_server_of_the_original(
    ours: Product, their_server: Server, expected: dict[str, Any]
) -> None:
    run(ours, "visitor", their_server.api)
    assert_same(their_server.records("visitor"), expected)


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_original
def test_our_client_with_our_server(ours: Product, our_server: Server, expected: dict[str, Any]) -> None:
    run(ours, "home", our_server.api)
    assert_same(our_server.records("home"), expected)


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_original
def test_the_client_of_the_original_with_our_server(
    theirs: Product, our_server: Server, expected: dict[str, Any]
) -> None:
    run(theirs, "guest", our_server.api)
    assert_same(our_server.records("guest"), expected)
