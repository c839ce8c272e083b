"""How a flow's entrypoint is written."""

from __future__ import annotations

from enum import Enum

__all__ = ["EntrypointType"]


class EntrypointType(Enum):
    """What the part of an entrypoint before the function names."""

    FILE_PATH = "file_path"
    """A file: `flows/etl.py:run`."""

    MODULE_PATH = "module_path"
    """A module: `flows.etl.run`."""
