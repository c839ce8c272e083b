from __future__ import annotations

import datetime as dt
import enum
import hashlib
import os
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from prefect.exceptions import HashError
from prefect.utilities.hashing import file_hash, hash_objects, stable_hash


class Kind(enum.Enum):
    A = 1
    B = 2


@dataclass
class Point:
    x: int


@dataclass
class Other:
    x: int


class Model(BaseModel):
    x: int


def test_texts_and_bytes():
    assert stable_hash("ab") == stable_hash(b"ab") == stable_hash("a", b"b") == hashlib.md5(b"ab").hexdigest()
    assert stable_hash("ab", hash_algo=hashlib.sha256) == hashlib.sha256(b"ab").hexdigest()


def test_files(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert file_hash(str(path)) == hashlib.md5(b"x" * 3_000_000).hexdigest()


DIFFERENT = [
    *(1, 1.5, "1", True, None, [1], {"a": 1}, {1, 2}, {1}, b"1", bytearray(b"1")),
    *(Path("1"), Kind.A, Kind.B, Point(1), Point(2), Other(1), Model(x=1), Model(x=2), Decimal(1), uuid.UUID(int=1)),
    *(dt.date(2026, 1, 1), dt.datetime(2026, 1, 1), dt.time(1), dt.timedelta(1)),
    *([Point(1)], [{"x": 1}], {"a": {"b": {3}}}),
]


def test_values_that_differ_have_different_hashes():
    hashes = [hash_objects(value) for value in DIFFERENT]
    assert None not in hashes
    assert len(set(hashes)) == len(DIFFERENT)
    assert hash_objects(1, 2) != hash_objects([1, 2]) != hash_objects(1, b=2)


def test_equal_values_have_equal_hashes():
    assert hash_objects({"a": 1, "b": 2}) == hash_objects({"b": 2, "a": 1})
    assert hash_objects({"x", "y", "z"}) == hash_objects({"z", "y", "x"})
    assert hash_objects(Point(1), m=Model(x=1)) == hash_objects(Point(1), m=Model(x=1))


def test_hashes_are_the_same_in_every_process():
    code = (
        "from prefect.utilities.hashing import hash_objects; from pathlib import Path;"
        "print(hash_objects({'x', 'y', 'z'}, Path('a'), k=[1, 2.5, {'q': frozenset('abc')}]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{hash_objects({'x', 'y', 'z'}, Path('a'), k=[1, 2.5, {'q': frozenset('abc')}])}\n"}


def test_what_is_no_json_is_pickled():
    assert hash_objects(lambda: 1) is not None
    assert hash_objects({1: "a", "b": 2}) is not None


def test_what_cannot_be_hashed():
    assert hash_objects(threading.Lock()) is None
    with pytest.raises(HashError, match="JSON error: .*lock.*\n.*Pickle error: .*lock"):
        hash_objects(threading.Lock(), raise_on_failure=True)


def test_another_algorithm():
    assert len(hash_objects(1, hash_algo=hashlib.sha256)) == 64
