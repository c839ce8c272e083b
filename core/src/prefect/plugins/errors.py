"""What goes wrong with plugins."""

from __future__ import annotations

from prefect.exceptions import PrefectException

__all__ = ["PluginConflictError", "PluginLoadError", "UnknownNameError"]


class UnknownNameError(PrefectException, ValueError):
    """Nothing of that kind is registered under that name."""


class PluginLoadError(PrefectException, ImportError):
    """A plugin, or what it provides, could not be loaded."""


class PluginConflictError(PrefectException, ValueError):
    """Two plugins claim the same name."""
