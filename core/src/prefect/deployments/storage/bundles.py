"""The code of a project as one file, named after its content, in storage that workers share with who deploys."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from prefect.results.calls import call_storage
from prefect.results.storage import resolve_steps
from prefect.utilities.dual import Run, Steps, adrive
from prefect.utilities.filesystem import DEFAULT_IGNORE_FILE, filter_files

__all__ = ["LARGEST_BUNDLE", "CodeBundle", "bundle_project", "pack", "unpack"]

LARGEST_BUNDLE = 50 * 1024 * 1024
"""How many bytes the files of a project may have together."""

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""When all files in a bundle were changed: the same files make the same bundle."""


@dataclass
class CodeBundle:
    """
    A project that was packed and stored.

    Args:
        block: The `type/name` of the block that it is stored with.
        sha256: The hash of its content.
    """

    block: str
    sha256: str

    def __post_init__(self) -> None:
        """Begin in the working directory."""
        self._base = Path.cwd()

    @property
    def key(self) -> str:
        """The path that it is stored under."""
        return f"code/{self.sha256}.zip"

    def set_base_path(self, path: Path) -> None:
        """Say in which folder of this machine it is unpacked."""
        self._base = path

    @property
    def pull_interval(self) -> None:
        """None: it does not change."""

    @property
    def destination(self) -> Path:
        """The folder that it is in, once it was pulled."""
        return self._base / f"code-{self.sha256[:16]}"

    async def pull_code(self) -> None:
        """
        Unpack it, unless it is there already.

        Raises:
            ValueError: What is stored is something else, or would be written outside of the folder.
        """
        await adrive(self._pull())

    def _pull(self) -> Steps[None]:
        if self.destination.is_dir():
            return
        storage = yield from resolve_steps(self.block)
        content = yield from call_storage(storage, "read_path", self.key)
        yield Run(lambda: unpack(content, self.sha256, self.destination))

    def to_pull_step(self) -> dict[str, Any]:
        """The step that unpacks it elsewhere."""
        return {"prefect.deployments.steps.pull_code_bundle": {"block": self.block, "sha256": self.sha256}}


def bundle_project(folder: Path, block: str) -> Steps[CodeBundle]:
    """
    Pack a project and store it.

    Args:
        folder: The project.
        block: The `type/name` of the block to store it with.

    Raises:
        ValueError: The project is too large, or the block stores on this machine alone.
    """
    from prefect.filesystems import LocalFileSystem

    storage = yield from resolve_steps(block)
    if isinstance(storage, LocalFileSystem):
        raise ValueError(
            f"The block '{block}' stores on this machine, where workers elsewhere could not get at the code. Let "
            "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK name storage that is shared."
        )
    content = yield Run(lambda: pack(folder))
    bundle = CodeBundle(block, hashlib.sha256(content).hexdigest())
    yield from call_storage(storage, "write_path", bundle.key, content)
    return bundle


def pack(folder: Path) -> bytes:
    """
    The files of a project as a ZIP file, without those that its `.prefectignore` leaves out.

    Raises:
        ValueError: They are too large together, or one of them is a link to something outside of the project.
    """
    ignore_file = folder / ".prefectignore"
    rules = ignore_file.read_text(encoding="utf-8") if ignore_file.exists() else DEFAULT_IGNORE_FILE
    names = sorted(filter_files(str(folder), rules.splitlines(), include_dirs=False, as_posix=True))
    files = {name: folder / name for name in names if (folder / name).is_file()}
    for name, path in files.items():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"'{name}' is a link to something outside of '{folder}'. Leave it out by .prefectignore.")
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if sum(sizes.values()) > LARGEST_BUNDLE:
        largest = ", ".join(sorted(sizes, key=lambda name: -sizes[name])[:3])
        raise ValueError(
            f"The files of '{folder}' have {sum(sizes.values()):,} bytes, more than the {LARGEST_BUNDLE:,} that are packed. "
            f"Leave out by .prefectignore what is not code; the largest are: {largest}."
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack(content: bytes, sha256: str, folder: Path) -> None:
    """
    Unpack a bundle into a new folder; all of it or nothing.

    Raises:
        ValueError: The content has another hash, is too large, or holds a name that leads out of the folder or a link.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"The stored code is not what was deployed: its hash is {found}, and should be {sha256}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".code-", dir=folder.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                _check(entry)
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BUNDLE:
                raise ValueError(f"The stored code is larger than {LARGEST_BUNDLE:,} bytes.")
            archive.extractall(aside / "code")
        if not folder.is_dir():  # another process may have been quicker
            (aside / "code").rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
    if leads_out or stat.S_ISLNK(entry.external_attr >> 16):
        raise ValueError(f"The stored code holds {entry.filename!r}, which leads out of its folder.")
