"""`prefect config`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, print_json, say
from prefect.cli.profile import MASK

if TYPE_CHECKING:
    from prefect.settings.legacy import Setting
    from prefect.settings.sources import Sources

app = noun("Show and change settings.")

_NOT_IN_PROFILES = {"PREFECT_HOME", "PREFECT_PROFILES_PATH"}
"""Settings that say where profiles are cannot be in one."""


@dataclass(frozen=True)
class _Shown:
    """A setting as it is shown."""

    name: str
    value: str
    source: str


@command(app, "view")
def view(
    show_defaults: Annotated[
        bool,
        typer.Option(
            "--show-defaults/--hide-defaults", help="Show settings that have their default, too.", show_default=False
        ),
    ] = False,
    show_sources: Annotated[
        bool, typer.Option("--show-sources/--hide-sources", help="Say where each value comes from.", show_default=False)
    ] = True,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets/--hide-secrets", help="Show secrets in clear.", show_default=False)
    ] = False,
    output: Output = None,
) -> None:
    """Show the settings that are in force, and where they come from. Secrets are masked."""
    from prefect.settings.context import get_current_profile

    profile = get_current_profile().name
    shown = [each for each in _settings(show_secrets) if show_defaults or each.source != "defaults"]
    if output:
        keys = ("name", "value", "source") if show_sources else ("name", "value")
        settings = [{key: getattr(each, key) for key in keys} for each in shown]
        print_json({"profile": profile, "settings": settings})
        return
    say(f"PREFECT_PROFILE={profile!r}")
    for each in shown:
        say(f"{each.name}={each.value!r}" + (f" (from {each.source})" if show_sources else ""))


def _settings(show_secrets: bool) -> Iterator[_Shown]:
    from prefect.settings.base import text_of
    from prefect.settings.context import get_current_settings
    from prefect.settings.sources import Sources

    sources = Sources.read()
    core = ((setting, variables, get_current_settings(), 0) for setting, variables in _canonical())
    for setting, variables, root, depth in (*core, *_of_plugins()):
        value, is_set = _looked_up(setting, root, depth)
        text = MASK if setting.is_secret and value is not None and not show_secrets else text_of(value)
        yield _Shown(setting.name, text, _source(setting, variables, sources) or ("code" if is_set else "defaults"))


def _of_plugins() -> Iterator[tuple[Setting, list[str], Any, int]]:
    """The settings of plugins, each with its variable, the model that it is in, and how deep that is below all settings."""
    from prefect.cli.plugin_settings import plugin_settings
    from prefect.settings.base import settings_path
    from prefect.settings.legacy import settings_of

    for model in plugin_settings(partial(say, to=sys.stderr)):
        root, depth = model(), len(settings_path(model))
        for variable, setting in sorted(settings_of(model), key=lambda pair: pair[0]):
            yield setting, [variable], root, depth


def _looked_up(setting: Setting, group: Any, depth: int) -> tuple[Any, bool]:
    """A setting's value, and whether it was given."""
    *path, field = setting.accessor.split(".")[depth:]
    for step in path:
        group = getattr(group, step)
    value = getattr(group, field)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value, field in group.model_fields_set


def _canonical() -> list[tuple[Setting, list[str]]]:
    """All settings, each with all of its variables."""
    from prefect.settings.legacy import find_setting, known_settings

    variables: dict[str, list[str]] = {}
    for name, setting in known_settings().items():
        variables.setdefault(find_setting(setting.accessor).name, []).append(name)
    return [(find_setting(name), variables[name]) for name in sorted(variables)]


def _source(setting: Setting, variables: list[str], sources: Sources) -> str | None:
    *path, field = setting.accessor.split(".")
    found = sources.find(tuple(path), field, variables)
    if found is None:
        return None
    place = found.place.partition(" in ")[2]
    if place == "the environment":
        return "env"
    return "profile" if place.startswith("profile ") else Path(place).name


@command(app, "set")
def set_(
    settings: Annotated[list[str], typer.Argument(help="Settings as NAME=VALUE.")],
) -> None:
    """Change settings in the current profile."""
    from prefect.exceptions import ProfileSettingsValidationError
    from prefect.settings.profiles import update_current_profile

    changes = dict(_parsed(each) for each in settings)
    try:
        profile = update_current_profile({setting: changes[setting] for setting in changes})
    except ProfileSettingsValidationError as error:
        raise CliError("\n".join(_refused(setting, changes, reason) for setting, reason in error.errors)) from None
    for setting, value in changes.items():
        say(f"Set {setting.name!r} to {MASK if setting.is_secret else value!r}.")
        _warn_of_environment(setting)
    say(f"Updated profile {profile.name!r}.")


def _parsed(text: str) -> tuple[Setting, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CliError(f"{text!r} is not of the form NAME=VALUE, such as PREFECT_LOGGING_LEVEL=DEBUG.")
    return _changeable(name.strip()), value


def _changeable(name: str) -> Setting:
    from prefect.settings.legacy import OF_INTEGRATIONS, find_setting

    if name.startswith(OF_INTEGRATIONS):
        return _of_a_plugin(name)
    found = find_setting(name)
    setting = find_setting(found.accessor)  # its canonical name
    if setting.name in _NOT_IN_PROFILES:
        raise CliError(f"{setting.name} says where profiles are, so it cannot be in one. Set it in the environment.")
    return setting


def _of_a_plugin(name: str) -> Setting:
    import difflib

    known = {setting.name: setting for setting, *_ in _of_plugins()}
    if name not in known:
        similar = difflib.get_close_matches(name, known, n=1)
        guess = f"Did you mean {similar[0]!r}?" if similar else "Is the plugin installed that it belongs to?"
        raise CliError(f"There is no setting {name!r}. {guess}")
    return known[name]


def _refused(setting: Setting, changes: dict[Setting, str], reason: Any) -> str:
    if setting not in changes:
        remedy = f"prefect config unset {setting.name}"
        return f"{setting.name} in the profile is not valid: {first_reason(reason)}. Fix it, or: {remedy}"
    value = MASK if setting.is_secret else changes[setting]
    return f"{value!r} is not a valid value of {setting.name}: {first_reason(reason)}. Nothing was changed."


def _warn_of_environment(setting: Setting) -> None:
    variables = next((names for each, names in _canonical() if each == setting), [setting.name])
    for variable in variables:
        if variable in os.environ:
            say(f"But {variable} is set in the environment, and wins. Clear it: unset {variable}")


@command(app, "unset")
def unset(
    context: typer.Context,
    setting_names: Annotated[list[str], typer.Argument(help="Names of settings.")],
    yes: Annotated[bool, typer.Option("--yes/--no-yes", "-y", help="Do not ask.", show_default=False)] = False,
) -> None:
    """Remove settings from the current profile, so that they get their default again."""
    from prefect.settings.context import get_current_profile
    from prefect.settings.profiles import update_current_profile

    profile = get_current_profile()
    settings = [_changeable(name) for name in setting_names]
    for setting in settings:
        if setting not in profile.settings:
            raise CliError(f"{setting.name!r} is not set in profile {profile.name!r}.")
    if not yes:
        names = ", ".join(setting.name for setting in settings)
        confirm(context, f"Remove {names} from profile {profile.name!r}?")
    update_current_profile(dict.fromkeys(settings))
    for setting in settings:
        say(f"Unset {setting.name!r}.")
        _warn_of_environment(setting)
    say(f"Updated profile {profile.name!r}.")


@command(app, "validate")
def validate() -> None:
    """Check the settings that are in force, and those of all profiles."""
    from prefect.exceptions import ProfileSettingsValidationError
    from prefect.settings.models.root import Settings
    from prefect.settings.profiles import load_profiles

    Settings()
    plugins = {setting.name: setting for setting, *_ in _of_plugins()}
    wrong = []
    for name, profile in load_profiles().items():
        known = {plugins.get(setting.name, setting): value for setting, value in profile.settings.items()}
        try:
            profile.model_copy(update={"settings": known}).validate_settings()
        except ProfileSettingsValidationError as error:
            wrong += [f"{s.name} in profile {name!r} is not valid: {first_reason(e)}." for s, e in error.errors]
    if wrong:
        raise CliError("\n".join(wrong))
    say("Configuration valid!")
