"""
Where bundles are: storage that whoever executes them reads, too.

A bundle is named after its content. `PREFECT__FLOW_BUNDLE` tells a process which one its flow is in: by the path of a file,
or as `type/name:key`, the block that stores it and what it is called there.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.bundles._zip_extractor import ZipExtractor
from prefect.bundles.dependencies import install_missing
from prefect.bundles.making import context_of_bundle, extract_flow_from_bundle
from prefect.results.calls import call_storage
from prefect.results.storage import default_storage_steps, resolve_steps
from prefect.utilities.dual import Run, Steps, drive

if TYPE_CHECKING:
    from prefect.bundles.making import BundleCreationResult, SerializedBundle
    from prefect.flows import Flow

__all__ = [
    "FLOW_BUNDLE",
    "bundled_flow",
    "is_on_this_machine",
    "keep_bundle",
    "reference_to",
    "shared_storage",
    "store_bundle",
]

FLOW_BUNDLE = "PREFECT__FLOW_BUNDLE"
"""The variable that says where the bundle of the flow is that a process executes."""


def shared_storage(chosen: Any) -> Steps[tuple[Any, str] | None]:
    """
    The storage that bundles go into, and how others name it: `type/name`, or the path of a folder of this machine.

    Args:
        chosen: The result storage of the flow or the work pool; the default one if None.

    Returns:
        None if others cannot name it, because it is a block that was not saved.
    """
    from prefect.filesystems import LocalFileSystem

    storage = yield from (default_storage_steps() if chosen is None else resolve_steps(chosen))
    if storage._block_document_name is not None:
        return storage, f"{storage.get_block_type_slug()}/{storage._block_document_name}"
    return (storage, storage._base()) if isinstance(storage, LocalFileSystem) else None


def reference_to(place: str, key: str) -> str:
    """How a bundle is named to the process that executes it."""
    return str(Path(place, key)) if is_on_this_machine(place) else f"{place}:{key}"


def is_on_this_machine(reference: str) -> bool:
    """Whether a place or a bundle is named by its path."""
    return Path(reference).is_absolute()


def store_bundle(storage: Any, made: BundleCreationResult) -> Steps[str]:
    """Store a bundle and the files that go with it, and return what it is called there."""
    if made["zip_path"] is not None:
        yield from call_storage(storage, "write_path", made["bundle"]["files_key"], made["zip_path"].read_bytes())
    content = json.dumps(made["bundle"]).encode()
    key = f"bundles/{hashlib.sha256(content).hexdigest()}.json"
    yield from call_storage(storage, "write_path", key, content)
    return key


def keep_bundle(bundle: SerializedBundle, folder: Path) -> Path:
    """Write a bundle, whose files are unpacked already, into a folder of this machine."""
    content = json.dumps({**bundle, "files_key": None}).encode()
    path = folder / f"{hashlib.sha256(content).hexdigest()}.json"
    path.write_bytes(content)
    return path


# -- in the process that executes the run ------------------------------------------------------------------------------


def bundled_flow() -> tuple[Flow[Any, Any], dict[str, Any]] | None:
    """
    The flow of the bundle that this process executes, and what it continues in; None if it executes none.

    The files that go with it are unpacked into the working directory, and packages that it needs are installed.

    Raises:
        ValueError: The bundle cannot be read, or is not what was stored.
        ImportError: It needs a package that cannot be installed here.
    """
    reference = os.environ.get(FLOW_BUNDLE)
    return _load(reference) if reference else None


@cache
def _load(reference: str) -> tuple[Flow[Any, Any], dict[str, Any]]:
    bundle = drive(_read(reference))
    install_missing(bundle["dependencies"])
    return extract_flow_from_bundle(bundle), context_of_bundle(bundle)


def _read(reference: str) -> Steps[SerializedBundle]:
    place, _, key = reference.rpartition(":")
    if is_on_this_machine(reference):
        folder, *rest = Path(reference).parents[1], *Path(reference).parts[-2:]
        place, key = str(folder), "/".join(rest)
    storage = yield from resolve_steps(place)
    try:
        content: bytes = yield from call_storage(storage, "read_path", key)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The bundle of the flow cannot be read from '{reference}': {error}. It must be in storage that is shared with "
            "the machine that executes the run."
        ) from error
    if hashlib.sha256(content).hexdigest() != Path(key).stem:
        raise ValueError(f"The bundle of the flow in '{reference}' is not what was stored: it has another hash.")
    bundle: SerializedBundle = json.loads(content)
    if files_key := bundle.get("files_key"):
        files: bytes = yield from call_storage(storage, "read_path", files_key)
        yield Run(lambda: _unpack(files))
    return bundle


def _unpack(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".zip") as target:
        target.write(content)
        target.flush()
        ZipExtractor(target.name).extract()
