"""
Settings: what they are, where they come from, which are in force.

    get_current_settings().results.persist_by_default
    PREFECT_RESULTS_PERSIST_BY_DEFAULT.value()

Each setting is also an object of this module, named like its environment variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.settings.constants import DEFAULT_PROFILES_PATH
from prefect.settings.context import get_current_settings, temporary_settings
from prefect.settings.legacy import Setting, known_settings, setting_named
from prefect.settings.models.root import Settings, canonical_environment_prefix
from prefect.utilities.lazy import submodule

if TYPE_CHECKING:
    from prefect.settings.profiles import (
        Profile,
        ProfilesCollection,
        load_current_profile,
        load_profile,
        load_profiles,
        save_profiles,
        update_current_profile,
    )

    PREFECT_API_AUTH_STRING: Setting
    PREFECT_API_KEY: Setting
    PREFECT_API_URL: Setting
    PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: Setting
    PREFECT_DEFAULT_DOCKER_BUILD_NAMESPACE: Setting
    PREFECT_HOME: Setting
    PREFECT_UI_URL: Setting

__all__ = [
    "DEFAULT_PROFILES_PATH",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED",
    "PREFECT_DEFAULT_DOCKER_BUILD_NAMESPACE",
    "PREFECT_HOME",
    "PREFECT_UI_URL",
    "Profile",
    "ProfilesCollection",
    "Settings",
    "canonical_environment_prefix",
    "get_current_settings",
    "load_current_profile",
    "load_profile",
    "load_profiles",
    "save_profiles",
    "temporary_settings",
    "update_current_profile",
]

_IN_PROFILES = frozenset(__all__) & {
    "Profile",
    "ProfilesCollection",
    "load_current_profile",
    "load_profile",
    "load_profiles",
    "save_profiles",
    "update_current_profile",
}


def __getattr__(name: str) -> Any:
    if name in _IN_PROFILES:
        from prefect.settings import profiles

        return getattr(profiles, name)
    if name.startswith("PREFECT_"):
        setting = setting_named(name)
        if setting is not None:
            return setting
        message = f"{name} is not a Prefect setting."
    elif (module := submodule(__name__, name)) is not None:
        return module
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *known_settings()})
