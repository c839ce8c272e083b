"""Lock managers."""

import os
import tempfile
from pathlib import Path

from prefect.locking.filesystem import FileSystemLockManager


class {{ cookiecutter.__class }}Locks(FileSystemLockManager):
    """
    Locks between the processes of this machine. Replace it by what locks on {{ cookiecutter.name }}.

    Args:
        folder: Where the locks are; by default a folder of the current user among the temporary ones.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder or Path(tempfile.gettempdir(), f"{{ cookiecutter.slug }}-{os.getuid()}"))
