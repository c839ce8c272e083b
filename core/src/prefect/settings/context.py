"""Which settings are in force here: those of the surrounding `temporary_settings`, else those of the process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional, Union

from prefect.settings.legacy import OF_INTEGRATIONS, find_setting
from prefect.settings.models.root import SettingKey, Settings
from prefect.settings.sources import overlaid

if TYPE_CHECKING:
    from prefect.settings.profiles import Profile

__all__ = [
    "get_current_profile",
    "get_current_settings",
    "process_settings",
    "reload_settings",
    "settings_from_environment",
    "temporary_settings",
    "use_in_this_thread",
    "use_profile",
]

_override: ContextVar[Settings | None] = ContextVar("settings_override", default=None)
_profile: ContextVar[Profile | None] = ContextVar("profile_override", default=None)


@lru_cache(maxsize=1)
def process_settings() -> Settings:
    """The settings of this process, whatever is overridden here."""
    return Settings()


def get_current_settings() -> Settings:
    """The settings in force here. The sources are read once per process; `reload_settings` reads them again."""
    return _override.get() or process_settings()


def reload_settings() -> Settings:
    """Read the sources again: the environment or a file was changed."""
    process_settings.cache_clear()
    return get_current_settings()


def get_current_profile() -> Profile:
    """The profile in force here."""
    from prefect.settings.profiles import load_active_profile

    return _profile.get() or load_active_profile()


@contextmanager
def _using(settings: Settings) -> Iterator[Settings]:
    token = _override.set(settings)
    try:
        yield settings
    finally:
        _override.reset(token)


def use_in_this_thread(settings: Settings) -> None:
    """Let settings be in force for all that this thread does from now on: new threads know nothing of those around."""
    _override.set(settings)


@contextmanager
def temporary_settings(
    updates: Optional[Mapping[SettingKey, Any]] = None,
    set_defaults: Optional[Mapping[SettingKey, Any]] = None,
    restore_defaults: Optional[Iterable[SettingKey]] = None,
) -> Iterator[Settings]:
    """
    Let other settings be in force inside of the `with` statement.

    Args:
        updates: New values.
        set_defaults: Values for those that have none but their default.
        restore_defaults: Those to get their default back.

    Yields:
        The settings.

    Raises:
        ConfigurationError: There is no such setting, or it does not accept its value.
    """
    own, of_plugins = _apart(updates or {})
    changed = get_current_settings().copy_with_update(own, set_defaults, restore_defaults)
    with _using(changed), overlaid("temporary settings", of_plugins):
        yield changed


def _apart(updates: Mapping[SettingKey, Any]) -> tuple[dict[SettingKey, Any], dict[str, Any]]:
    """The settings of the product; and those of plugins, which are read from variables whenever they are needed."""
    own: dict[SettingKey, Any] = {}
    of_plugins: dict[str, Any] = {}
    for key, value in updates.items():
        name = key if isinstance(key, str) else key.name
        if name.startswith(OF_INTEGRATIONS):
            of_plugins[name] = value
        else:
            own[key] = value
    return own, of_plugins


@contextmanager
def settings_from_environment(variables: Mapping[str, str]) -> Iterator[Settings]:
    """
    Let the settings that `to_environment_variables` packed be in force inside of the `with` statement.

    Args:
        variables: Environment variables with values. Those of settings that are not known here (of another version) are
            left out.
    """
    from prefect.settings.legacy import setting_named

    known = {setting_named(name): value for name, value in variables.items()}
    updates: dict[SettingKey, Any] = {setting: value for setting, value in known.items() if setting is not None}
    with temporary_settings(updates) as settings:
        yield settings


@contextmanager
def use_profile(
    profile: Union[Profile, str],
    override_environment_variables: bool = False,
    include_current_context: bool = True,
) -> Iterator[Settings]:
    """
    Let a profile be in force inside of the `with` statement.

    Args:
        profile: The profile, or its name.
        override_environment_variables: Whether it wins over variables that are set in the environment.
        include_current_context: Whether settings that the profile says nothing about stay as they are here; else they
            are read from the sources.

    Yields:
        The settings.

    Raises:
        ValueError: There is no profile of that name.
    """
    from prefect.settings.profiles import load_profile

    chosen = load_profile(profile) if isinstance(profile, str) else profile
    own, of_plugins = _apart(chosen.settings)  # type: ignore[arg-type]  # a key is one of either
    in_environment = set() if override_environment_variables else {name.upper() for name in os.environ}
    updates: dict[SettingKey, Any] = {
        setting: value
        for setting, value in own.items()
        if not in_environment.intersection(_names(find_setting(setting).accessor))
    }
    base = get_current_settings() if include_current_context else Settings()
    token = _profile.set(chosen)
    try:
        with (
            _using(base.copy_with_update(updates)) as settings,
            overlaid(
                f"profile {chosen.name!r}",
                of_plugins,
                wins=override_environment_variables,
                hides_profile=not include_current_context,
            ),
        ):
            yield settings
    finally:
        _profile.reset(token)


def _names(accessor: str) -> list[str]:
    from prefect.settings.legacy import known_settings

    return [name for name, setting in known_settings().items() if setting.accessor == accessor]
