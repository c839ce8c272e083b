"""The files that go with a bundle."""

from __future__ import annotations

import hashlib
import inspect
import os
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.utilities.filesystem import DEFAULT_IGNORE_FILE, filter_files

__all__ = ["IncludedFiles", "pack_files"]

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""When all files were changed: the same files make the same archive."""


@dataclass(frozen=True, slots=True)
class IncludedFiles:
    """
    Files that were packed.

    Args:
        path: The ZIP file.
        key: What it is called in storage.
    """

    path: Path
    key: str


def pack_files(flow: Any) -> IncludedFiles | None:
    """
    Pack the files that a flow says go with it; None if it says none.

    Its `include_files` names files, folders and patterns, from `include_files_base_dir` on; by default that is the folder
    of the flow's file. What the `.prefectignore` there leaves out is left out.

    Raises:
        ValueError: There is nothing of such a name, it is outside of the base folder, or that is not known.
    """
    patterns = getattr(flow, "include_files", None)
    if not patterns:
        return None
    base = _base_of(flow)
    files = sorted(_found(base, patterns))
    handle, name_of_archive = tempfile.mkstemp(prefix="prefect-files-", suffix=".zip")
    with os.fdopen(handle, "wb") as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), (base / name).read_bytes(), zipfile.ZIP_DEFLATED)
    path = Path(name_of_archive)
    return IncludedFiles(path, f"files/{hashlib.sha256(path.read_bytes()).hexdigest()}.zip")


def _base_of(flow: Any) -> Path:
    given = getattr(flow, "include_files_base_dir", None)
    if given is not None:
        base = Path(given).expanduser().resolve()
    else:
        try:
            base = Path(inspect.getfile(flow.fn)).resolve().parent
        except (TypeError, OSError):
            raise ValueError(
                f"Flow {flow.name!r} was not defined in a file: say by include_files_base_dir where its files are."
            ) from None
    if not base.is_dir():
        raise ValueError(f"The files of flow {flow.name!r} should be in '{base}', which is no directory.")
    return base


def _found(base: Path, patterns: Iterable[str]) -> set[str]:
    ignore_file = base / ".prefectignore"
    rules = ignore_file.read_text(encoding="utf-8") if ignore_file.exists() else DEFAULT_IGNORE_FILE
    kept = {Path(name) for name in filter_files(str(base), rules.splitlines(), include_dirs=False)}
    wanted: set[str] = set()
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise ValueError(f"include_files: {pattern!r} leads out of '{base}'. Give another include_files_base_dir.")
        places = [base / pattern] if (base / pattern).exists() else sorted(base.glob(pattern))
        if not places:
            raise ValueError(f"include_files: there is nothing named {pattern!r} in '{base}'.")
        for place in places:
            files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
            wanted |= {each.relative_to(base).as_posix() for each in files if each.relative_to(base) in kept}
    return wanted
