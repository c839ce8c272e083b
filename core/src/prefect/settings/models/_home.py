"""The home directory, for groups that are created on their own."""

from __future__ import annotations

from pathlib import Path

from prefect.settings.constants import DEFAULT_PREFECT_HOME
from prefect.settings.sources import Sources, current_sources

__all__ = ["in_home"]


def in_home(name: str) -> Path:
    """A path in the home directory that the sources name. The root then puts its own home in its place."""
    found = (current_sources() or Sources.read()).find((), "home", ("PREFECT_HOME",))
    home = DEFAULT_PREFECT_HOME if found is None else Path(str(found.value))
    return home.expanduser() / name
