"""What tests of flows and tasks need: a home of their own, and comparisons."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._engine.recorder import recorder_of
from prefect._engine.sessions import forget_session
from prefect.client.base import current_transport
from prefect.settings import temporary_settings
from prefect.settings.context import reload_settings

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect.blocks.core import Block
    from prefect.client.orchestration import PrefectClient
    from prefect.filesystems import ReadableFileSystem
    from prefect.serializers import Serializer

__all__ = [
    "assert_blocks_equal",
    "assert_does_not_warn",
    "assert_uses_result_serializer",
    "assert_uses_result_storage",
    "exceptions_equal",
    "get_most_recent_flow_run",
    "kubernetes_environments_equal",
    "prefect_test_harness",
]


@contextmanager
def prefect_test_harness(server_startup_timeout: int | None = 30) -> Generator[None, None, None]:
    """
    Run flows and tasks against a home and database of their own, which are gone afterwards.

    Args:
        server_startup_timeout: Accepted for compatibility: there is no server to wait for.

    Example:
        >>> with prefect_test_harness():
        ...     assert my_flow() == 42
    """
    with tempfile.TemporaryDirectory(prefix="prefect-test-", ignore_cleanup_errors=True) as home:
        settings: dict[Any, Any] = {
            "PREFECT_HOME": home,
            "PREFECT_PROFILES_PATH": str(Path(home, "profiles.toml")),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite:///{Path(home, 'prefect.db')}",
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(Path(home, "storage")),
        }
        # Threads and processes that tests start themselves must find the same home: hence the environment.
        with _environment(settings, without=("PREFECT_API_URL",)), temporary_settings(settings):
            transport = current_transport()
            forget_session()
            try:
                yield
            finally:
                forget_session()
                recorder_of(transport).flush()
                if transport.barrier is not None:
                    transport.barrier(None)  # events that wait to be sent
                transport.close()


@contextmanager
def _environment(values: dict[str, str], without: tuple[str, ...]) -> Generator[None, None, None]:
    """Change the environment of this process, and have settings read again."""
    kept = {name: os.environ.get(name) for name in (*values, *without)}
    for name in without:
        os.environ.pop(name, None)
    os.environ.update(values)
    reload_settings()
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        reload_settings()


def exceptions_equal(a: BaseException, b: BaseException) -> bool:
    """Whether two exceptions have the same type and arguments."""
    if a is b:
        return True
    return type(a) is type(b) and getattr(a, "args", None) == getattr(b, "args", None)


def kubernetes_environments_equal(
    actual: list[dict[str, str]], expected: list[dict[str, str]] | dict[str, str]
) -> bool:
    """
    Whether two environments of a container are equal, whatever the order of their variables.

    Args:
        actual: A list of `{"name": ..., "value": ...}`, as manifests have them.
        expected: The same, or a mapping from names to values.
    """

    def ordered(environment: list[dict[str, str]] | dict[str, str]) -> list[tuple[str, str | None]]:
        if isinstance(environment, dict):
            return sorted(environment.items())
        return sorted((variable["name"], variable.get("value")) for variable in environment)

    return ordered(actual) == ordered(expected)


@contextmanager
def assert_does_not_warn(ignore_warnings: list[type[Warning]] | None = None) -> Generator[None, None, None]:
    """
    Fail if the code inside warns.

    Args:
        ignore_warnings: Categories that it may warn of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in ignore_warnings or []:
            warnings.simplefilter("ignore", category=category)
        try:
            yield
        except Warning as warning:
            raise AssertionError(f"Warning was raised. {warning!r}") from warning


async def get_most_recent_flow_run(client: PrefectClient | None = None, flow_name: str | None = None) -> FlowRun:
    """
    The flow run that began last.

    Args:
        client: The client to ask; one is made without.
        flow_name: Only runs of that flow.

    Raises:
        ValueError: There is none.
    """
    from prefect._contract.filters import FlowFilter, FlowFilterName
    from prefect._contract.sorting import FlowRunSort
    from prefect.client.orchestration import get_client

    flow_filter = FlowFilter(name=FlowFilterName(any_=[flow_name])) if flow_name else None
    if client is None:
        async with get_client() as made:
            runs = await made.read_flow_runs(
                flow_filter=flow_filter, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1
            )
    else:
        runs = await client.read_flow_runs(flow_filter=flow_filter, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    if not runs:
        raise ValueError("There are no flow runs" + (f" of flow {flow_name!r}." if flow_name else "."))
    return runs[0]


def assert_blocks_equal(found: Block, expected: Block, exclude_private: bool = True, **kwargs: Any) -> None:
    """
    Fail unless two blocks are of one type and have equal fields.

    Args:
        found: One block.
        expected: The other.
        exclude_private: Leave out what the product itself keeps on blocks.
        kwargs: Given to `model_dump`.
    """
    assert type(found) is type(expected), (
        f"Unexpected type {type(found).__name__!r}, expected {type(expected).__name__!r}"
    )
    left, right = found.model_dump(**kwargs), expected.model_dump(**kwargs)
    if exclude_private:
        left = {name: value for name, value in left.items() if not name.startswith("_")}
        right = {name: value for name, value in right.items() if not name.startswith("_")}
    assert left == right


async def assert_uses_result_serializer(
    state: State[Any], serializer: str | Serializer[Any], client: PrefectClient
) -> None:
    """Fail unless the result of a state was written by a serializer."""
    metadata = _metadata(state)
    expected = serializer if isinstance(serializer, str) else serializer.type
    assert metadata.serializer.type == expected, f"{metadata.serializer.type!r} is not {expected!r}"


async def assert_uses_result_storage(
    state: State[Any], storage: str | ReadableFileSystem, client: PrefectClient
) -> None:
    """Fail unless the result of a state is in a storage: a saved block, or `type-slug/name`."""
    metadata = _metadata(state)
    assert metadata.storage_block_id is not None, "The result is in a storage that is not a saved block."
    document = await client.read_block_document(metadata.storage_block_id)
    if isinstance(storage, str):
        assert document.block_type is not None
        assert storage == f"{document.block_type.slug}/{document.name}"
    else:
        assert document.id == storage._block_document_id


def _metadata(state: State[Any]) -> Any:
    from prefect.results import ResultRecord, ResultRecordMetadata

    data = state.data.metadata if isinstance(state.data, ResultRecord) else state.data
    assert isinstance(data, ResultRecordMetadata), f"The state has no result record: {state!r}"
    return data
