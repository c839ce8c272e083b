"""Which storage is meant by a path, a URL, a block's name or a setting."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from uuid import UUID

from prefect.utilities.dual import Run, Steps, adrive, asynchronous, dual

if TYPE_CHECKING:
    from prefect.filesystems import WritableFileSystem
    from prefect.settings import Settings

__all__ = [
    "ResultStorage",
    "aget_default_result_storage",
    "aresolve_result_storage",
    "default_storage_steps",
    "get_default_result_storage",
    "get_or_create_default_task_scheduling_storage",
    "is_storage",
    "resolve_builtin_storage",
    "resolve_result_storage",
    "result_storage_discriminator",
    "task_scheduling_storage_steps",
]

ResultStorage = Union["WritableFileSystem", str, Path]
"""A storage block; or a local path, a URL, or the `type/name` of a saved block."""


def is_storage(candidate: Any) -> bool:
    """Whether an object can be written to and read from."""
    kind = type(candidate)
    return callable(getattr(kind, "read_path", None)) and callable(getattr(kind, "write_path", None))


def resolve_steps(reference: Any) -> Steps[Any]:
    """The steps behind `resolve_result_storage`."""
    if is_storage(reference):
        return reference
    if isinstance(reference, UUID):
        from prefect.blocks.core import load_steps

        return (yield from load_steps(reference))
    if isinstance(reference, Path):
        return resolve_builtin_storage(reference)
    if isinstance(reference, str):
        return (yield from _resolve_text(reference))
    raise TypeError(
        "Result storage must be a storage block, its id, a path, a URL, or the 'type/name' of a saved block; this is "
        f"{reference!r} of type '{type(reference).__name__}'."
    )


def _resolve_text(reference: str) -> Steps[Any]:
    if "://" not in reference and not _is_local_path(reference):
        from prefect.blocks.core import load_steps

        slug, separator, name = reference.partition("/")
        if separator and slug and name and "/" not in name:
            return (yield from load_steps(f"{slug}/{name}"))
    storage = yield Run(lambda: _ask_plugins(reference))
    if storage is None:
        raise ValueError(
            f"No result storage is known for '{reference}'. Give a path ('/data/results'), a URL "
            "('s3://bucket/folder'), or the type and name of a saved block ('local-file-system/my-results')."
        )
    return storage


def _ask_plugins(reference: str) -> Any:
    from prefect.plugins.loading import current_host

    return current_host().call_first("prefect_resolve_result_storage", reference=reference)


def _is_local_path(reference: str) -> bool:
    return reference.startswith(("/", "~", "./", "../", "\\")) or reference[1:3] in {":\\", ":/"}


def resolve_builtin_storage(reference: Any) -> Any:
    """
    What the core answers to the hook `prefect_resolve_result_storage`: storage for paths and URLs, None for the rest.

    Raises:
        prefect.plugins.errors.UnknownNameError: Nothing that is installed knows the URL's scheme.
    """
    from prefect.filesystems import LocalFileSystem, fsspec_storage, knows_scheme

    if isinstance(reference, Path):
        return LocalFileSystem(basepath=str(reference))
    if not isinstance(reference, str):
        return None
    if _is_local_path(reference):
        return LocalFileSystem(basepath=reference)
    scheme, separator, _ = reference.partition("://")
    if not separator:
        return None
    from prefect.plugins.errors import UnknownNameError
    from prefect.plugins.registries import result_storages

    try:
        return result_storages.get(scheme)(reference)
    except UnknownNameError:
        if knows_scheme(scheme):
            return fsspec_storage(reference)
        raise


@dual
def resolve_result_storage(result_storage: ResultStorage | UUID | Path) -> Steps[WritableFileSystem]:
    """
    The storage that is meant.

    Args:
        result_storage: A storage block, or its id; a local path; a URL of a scheme that a plugin or fsspec knows; or
            the `type/name` of a saved block.

    Raises:
        ValueError: There is no such block, or nothing knows how to store there.
        TypeError: It is something else.
    """
    storage: WritableFileSystem = yield from resolve_steps(result_storage)
    return storage


aresolve_result_storage = asynchronous(resolve_result_storage)


@lru_cache(maxsize=16)
def _local_storage_at(path: str) -> WritableFileSystem:
    from prefect.filesystems import LocalFileSystem

    return LocalFileSystem(basepath=path)


def local_default_storage() -> WritableFileSystem:
    """The folder of this machine that holds results: PREFECT_RESULTS_LOCAL_STORAGE_PATH."""
    from prefect.settings import get_current_settings

    return _local_storage_at(str(get_current_settings().results.local_storage_path))


_FRESH_SECONDS = 30.0


class _ServerDefault:
    """What the orchestrator of some settings said last, and when. It changes rarely and is asked about by every run."""

    settings: Any = None
    asked: float = 0.0
    block_id: UUID | None = None


def _server_default_steps(settings: Settings) -> Steps[UUID | None]:
    """The block that the orchestrator names as the default for all who use it."""
    latest = _ServerDefault
    if latest.settings is settings and time.monotonic() - latest.asked < _FRESH_SECONDS:
        return latest.block_id
    from prefect._contract.endpoints.administration import read_server_default_result_storage
    from prefect.client.base import ask
    from prefect.exceptions import ObjectNotFound

    try:
        block_id = (yield from ask(read_server_default_result_storage())).default_result_storage_block_id
    except ObjectNotFound:  # an older server, which knows of no such thing
        block_id = None
    latest.settings, latest.asked, latest.block_id = settings, time.monotonic(), block_id
    return block_id


def default_storage_steps() -> Steps[WritableFileSystem]:
    """The steps behind `get_default_result_storage`."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    reference: Any = settings.results.default_storage_block
    if reference is None:
        reference = yield from _server_default_steps(settings)
    if reference is None:
        return local_default_storage()
    storage: WritableFileSystem = yield from resolve_steps(reference)
    return storage


@dual
def get_default_result_storage() -> Steps[WritableFileSystem]:
    """
    The storage for results that nobody places elsewhere.

    It is the block that PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK names, else the one that the orchestrator names, else a
    folder of this machine.
    """
    return (yield from default_storage_steps())


aget_default_result_storage = asynchronous(get_default_result_storage)


def task_scheduling_storage_steps() -> Steps[WritableFileSystem]:
    """The steps behind `get_or_create_default_task_scheduling_storage`."""
    from prefect.settings import get_current_settings

    reference = get_current_settings().tasks.scheduling.default_storage_block
    if reference is None:
        return (yield from default_storage_steps())
    storage: WritableFileSystem = yield from resolve_steps(reference)
    return storage


async def get_or_create_default_task_scheduling_storage() -> WritableFileSystem:
    """The storage for parameters of background tasks: a setting's block, else where results go."""
    return await adrive(task_scheduling_storage_steps())


def result_storage_discriminator(x: Any) -> str | None:
    """
    Tell which kind of storage a value describes.

    Returns:
        `"WritableFileSystem"` for blocks and what describes one, `"NullFileSystem"` for that, None for the rest.
    """
    if isinstance(x, dict):
        return "WritableFileSystem" if "block_type_slug" in x else "NullFileSystem"
    from prefect.filesystems import NullFileSystem, WritableFileSystem

    if isinstance(x, WritableFileSystem):
        return "WritableFileSystem"
    return "NullFileSystem" if isinstance(x, NullFileSystem) else None
