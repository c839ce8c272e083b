"""Handing bundles to the upload step of a work pool."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.bundles.commands import convert_step_to_command
from prefect.utilities.dual import Run, Steps, asynchronous, dual

if TYPE_CHECKING:
    from prefect.bundles.making import SerializedBundle

__all__ = ["aupload_bundle_to_storage", "upload_bundle_to_storage"]


@dual
def upload_bundle_to_storage(
    bundle: SerializedBundle,
    key: str,
    upload_command: list[str],
    zip_path: Path | None = None,
    upload_step: dict[str, Any] | None = None,
) -> Steps[None]:
    """
    Store a bundle by a command, and the files that go with it by the same step.

    The command is run in a folder of its own with the name of the bundle's file, which is its key, as last argument.

    Args:
        bundle: The bundle.
        key: What it is called in storage.
        upload_command: The command in its parts, as `convert_step_to_command` makes it.
        zip_path: The files that go with it, if there are any.
        upload_step: The step whose command stores these.

    Raises:
        RuntimeError: A command failed.
        ValueError: There are files and no step to store them by.
    """
    files_key = bundle.get("files_key")
    with tempfile.TemporaryDirectory(prefix="prefect-bundle-") as folder:
        if zip_path is not None and files_key:
            if upload_step is None:
                raise ValueError("Files go with the bundle, and there is no upload_step to store them by.")
            name = Path(files_key).name
            yield Run(partial(shutil.copyfile, zip_path, Path(folder, name)))
            yield Run(partial(_upload, [*convert_step_to_command(upload_step, files_key, quiet=True), name], folder))
        name = Path(key).name
        Path(folder, name).write_text(json.dumps(bundle), encoding="utf-8")
        yield Run(partial(_upload, [*upload_command, name], folder))


aupload_bundle_to_storage = asynchronous(upload_bundle_to_storage)


def _upload(command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - a list
    except OSError as error:
        raise RuntimeError(
            f"The bundle could not be uploaded: {command[0]!r} could not be started ({error}). Install it, or give the flow "
            "a launcher."
        ) from error
    if done.returncode != 0:
        raise RuntimeError(
            f"The bundle could not be uploaded: {command} failed:\n{(done.stderr or done.stdout).strip()}"
        )
