"""Unpacking the files that go with a bundle, where it is executed."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

__all__ = ["ZipExtractor"]


class ZipExtractor:
    """
    Unpacks a ZIP file, all of it or nothing.

    Args:
        zip_path: The file.
    """

    def __init__(self, zip_path: Path | str) -> None:
        self.zip_path = Path(zip_path)

    def extract(self, target_dir: Path | None = None) -> list[Path]:
        """
        Unpack the files into a folder. Files of the same names are replaced.

        Args:
            target_dir: The folder; the working directory without.

        Returns:
            The files.

        Raises:
            FileNotFoundError: There is no such ZIP file.
            ValueError: A name in it leads out of the folder, is a link, or is that of a folder there.
        """
        folder = Path.cwd() if target_dir is None else Path(target_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.zip_path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            for entry in entries:
                _check(entry, folder)
            return [Path(archive.extract(entry, folder)) for entry in entries]

    def cleanup(self) -> None:
        """Remove the ZIP file."""
        self.zip_path.unlink(missing_ok=True)


def _check(entry: zipfile.ZipInfo, folder: Path) -> None:
    target = (folder / entry.filename).resolve()
    if stat.S_ISLNK(entry.external_attr >> 16) or not target.is_relative_to(folder.resolve()):
        raise ValueError(f"The archive holds {entry.filename!r}, which leads out of the folder it is unpacked into.")
    if target.is_dir():
        raise ValueError(f"The archive holds the file {entry.filename!r}, and '{folder}' has a folder of that name.")
