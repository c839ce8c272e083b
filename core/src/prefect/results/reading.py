"""Read a result wherever its metadata says that it is."""

from __future__ import annotations

import posixpath
from typing import Any

from prefect.results.locations import lies_in
from prefect.results.records import ResultRecord, ResultRecordMetadata
from prefect.results.storage import default_storage_steps, resolve_steps
from prefect.results.store import ResultStore
from prefect.utilities.dual import Steps

__all__ = ["read_by_metadata"]


def read_by_metadata(metadata: ResultRecordMetadata) -> Steps[ResultRecord[Any]]:
    """
    Read the record that metadata describes: from the block that it names, from the default storage, or, if the record
    lies elsewhere, from there.

    Raises:
        ValueError: It is not there.
    """
    key = metadata.storage_key
    if key is None:
        raise ValueError("The result's metadata has no storage key, so the result cannot be found.")
    if metadata.storage_block_id is not None:
        storage = yield from resolve_steps(metadata.storage_block_id)
    else:
        storage = yield from default_storage_steps()
        if not lies_in(storage, key):
            storage = yield from resolve_steps(posixpath.dirname(key))
    store = ResultStore.model_construct(result_storage=storage, cache_result_in_memory=False)
    return (yield from store._read_steps(key, None))
