"""The settings of plugins: what the hook `prefect_settings` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.plugins import registries
from prefect.plugins.errors import PluginLoadError
from prefect.settings.base import PrefectBaseSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["plugin_settings"]


def plugin_settings(failed: Callable[[str], None]) -> Iterator[type[PrefectBaseSettings]]:
    """
    The models of the settings of all plugins. They are imported.

    Args:
        failed: Told what is the matter with a plugin whose settings are left out.
    """
    for namespace in registries.settings.names():
        try:
            model = registries.settings.get(namespace)
        except PluginLoadError as error:
            failed(str(error))
            continue
        if isinstance(model, type) and issubclass(model, PrefectBaseSettings):
            yield model
        else:
            failed(
                f"The settings of {namespace!r} are no subclass of prefect.settings.base.PrefectBaseSettings: {model!r}."
            )
