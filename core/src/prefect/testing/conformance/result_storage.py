"""What every result storage must be able to do."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from prefect.results import ResultRecord, ResultStore
from prefect.results.calls import call_storage
from prefect.utilities.dual import adrive, drive
from prefect.utilities.time import now

__all__ = ["ResultStorageContract"]


class ResultStorageContract:
    """
    Subclass it, and give it the fixture `storage`.

    Attributes:
        large: The size in bytes of the largest object that is tried.
        refuses_outside: Whether paths that lead out of the storage's folder are refused.
    """

    large: ClassVar[int] = 50 * 1024 * 1024
    refuses_outside: ClassVar[bool] = True

    @pytest.fixture
    def storage(self) -> Any:
        """The storage under test: empty, or at least with nothing under fresh keys."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'storage'.")

    @pytest.fixture
    def key(self) -> str:
        """A key that nobody else has."""
        return f"key-{uuid4().hex}"

    @pytest.fixture
    def store(self, storage: Any) -> ResultStore:
        """A store on the storage that remembers nothing itself."""
        return ResultStore(result_storage=storage, cache_result_in_memory=False)

    def write(self, storage: Any, path: str, content: bytes) -> Any:
        """Write from sync code."""
        return drive(call_storage(storage, "write_path", path, content))

    def read(self, storage: Any, path: str) -> bytes:
        """Read from sync code."""
        content: bytes = drive(call_storage(storage, "read_path", path))
        return content

    def test_what_is_written_is_read(self, storage: Any, key: str) -> None:
        """Bytes of all kinds, and what was there before is replaced."""
        for content in (b"first", b"", bytes(range(256)), b"last"):
            self.write(storage, key, content)
            assert self.read(storage, key) == content

    def test_what_is_missing_is_an_error(self, storage: Any, key: str) -> None:
        """Nothing is not the same as empty."""
        with pytest.raises(Exception):  # noqa: B017, PT011 - in the words of the storage
            self.read(storage, key)

    @pytest.mark.parametrize("odd", ["a/b/c", "a b", "ü ✓", "x.y", "%2F", "quote'\"", "x" * 120])
    def test_odd_paths(self, storage: Any, key: str, odd: str) -> None:
        """Each is a place of its own."""
        self.write(storage, f"{key}/{odd}", odd.encode())
        self.write(storage, f"{key}/other", b"other")
        assert self.read(storage, f"{key}/{odd}") == odd.encode()

    @pytest.mark.parametrize("outside", ["../{}", "a/../../{}", "../../../../../../tmp/{}"])
    def test_paths_that_lead_out_are_refused(self, storage: Any, key: str, outside: str) -> None:
        """Neither read nor written."""
        if not self.refuses_outside:
            pytest.skip("this storage has no folder of its own")
        path = outside.format(key)
        with pytest.raises(ValueError, match="outside"):
            self.write(storage, path, b"x")
        with pytest.raises(ValueError, match="outside"):
            self.read(storage, path)

    def test_large_objects(self, storage: Any, key: str) -> None:
        """They come back whole."""
        content = os.urandom(1024) * (self.large // 1024)
        self.write(storage, key, content)
        assert self.read(storage, key) == content

    def test_both_colours_agree(self, storage: Any, key: str) -> None:
        """What async code writes, sync code reads, and the reverse."""

        async def run() -> bytes:
            await adrive(call_storage(storage, "write_path", f"{key}-async", b"async"))
            content: bytes = await adrive(call_storage(storage, "read_path", f"{key}-sync"))
            return content

        self.write(storage, f"{key}-sync", b"sync")
        assert asyncio.run(run()) == b"sync"
        assert self.read(storage, f"{key}-async") == b"async"

    def test_readers_never_see_half_of_what_is_written(self, storage: Any, key: str) -> None:
        """Several write and read one key at the same time."""
        contents = [bytes([number]) * 200_000 for number in range(4)]
        self.write(storage, key, contents[0])

        def work(number: int) -> None:
            for _ in range(5):
                self.write(storage, key, contents[number])
                assert self.read(storage, key) in contents

        with ThreadPoolExecutor(len(contents)) as pool:
            list(pool.map(work, range(len(contents))))

    def test_a_result_is_found_by_its_key_and_by_its_metadata(self, store: ResultStore, storage: Any, key: str) -> None:
        """Prefixes are joined exactly once."""
        store.write({"a": [1, 2]}, key=key)
        assert store.exists(key)
        record = store.read(key)
        assert record.result == {"a": [1, 2]}
        location = record.metadata.storage_key
        assert location is not None
        again = ResultStore(result_storage=storage, cache_result_in_memory=False)
        assert again.read(location).result == {"a": [1, 2]}
        again.persist_result_record(ResultRecord(record.metadata, {"a": []}))
        assert store.read(key).result == {"a": []}

    def test_a_missing_result_does_not_exist(self, store: ResultStore, key: str) -> None:
        """Which is no error, unless it is read."""
        assert not store.exists(key)
        with pytest.raises(Exception):  # noqa: B017, PT011
            store.read(key)

    def test_results_expire(self, store: ResultStore, key: str) -> None:
        """An expired one counts as missing."""
        store.write(1, key=f"{key}-old", expiration=now() - timedelta(seconds=1))
        store.write(1, key=f"{key}-new", expiration=now() + timedelta(hours=1))
        assert not store.exists(f"{key}-old")
        assert store.exists(f"{key}-new")

    def test_results_in_async_code(self, store: ResultStore, key: str) -> None:
        """The same in the other colour."""

        async def run() -> Any:
            await store.awrite({1, 2}, key=key)
            assert await store.aexists(key)
            return (await store.aread(key)).result

        assert asyncio.run(run()) == {1, 2}

    def test_another_store_reads_it(self, store: ResultStore, storage: Any, key: str) -> None:
        """What is stored says how it is read."""
        store.write(object, key=key)  # no JSON for it
        record = ResultStore(result_storage=storage, serializer="json", cache_result_in_memory=False).read(key)
        assert record.result is object
        assert record.metadata.serializer.type == "pickle"
