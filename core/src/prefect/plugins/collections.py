"""Legacy collections (the group `prefect.collections`): packages whose import defines blocks, workers, serializers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect.plugins.loading import current_host

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

__all__ = ["load_prefect_collections", "safe_load_entrypoints"]

logger = logging.getLogger("prefect.plugins")


def safe_load_entrypoints(entrypoints: EntryPoints) -> dict[str, Exception | Any]:
    """
    Load each entry point on its own.

    Returns:
        By name, what was loaded or the error that prevented it.
    """
    loaded: dict[str, Exception | Any] = {}
    for entrypoint in entrypoints:
        try:
            loaded[entrypoint.name] = entrypoint.load()
        except Exception as error:
            loaded[entrypoint.name] = error
        except SystemExit as error:
            loaded[entrypoint.name] = ImportError(f"'{entrypoint.value}' ended the process when imported: {error}")
    return loaded


def load_prefect_collections(reload: bool = False) -> dict[str, Any | Exception]:
    """
    Import all installed collections. Looking up a name does not need this: it imports them one at a time.

    Args:
        reload: Import again those that failed before.

    Returns:
        By name of the entry point, the module or the error that prevented its import.
    """
    from prefect.plugins.errors import PluginLoadError

    host = current_host()
    loaded: dict[str, Any | Exception] = {}
    for entry in host.collections():
        module = host.collection(entry, again=reload)
        failed = [f for f in host.failures if (f.plugin, f.distribution) == (entry.name, entry.distribution)]
        loaded[entry.name] = module if module is not None else PluginLoadError(str(failed[-1]))
    return loaded
