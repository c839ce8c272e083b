"""`prefect profile`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, paint, print_json, say

if TYPE_CHECKING:
    from prefect.settings.profiles import Profile, ProfilesCollection

app = noun("Choose and change profiles: named sets of settings.")

Name = Annotated[str, typer.Argument(help="The name of a profile.")]


def existing(name: str) -> Profile:
    """
    The profile of a name.

    Raises:
        CliError: There is none.
    """
    from prefect.settings.profiles import load_profiles

    return _of(load_profiles(), name)


def _of(profiles: ProfilesCollection, name: str) -> Profile:
    if name not in profiles:
        from prefect.utilities.text import fuzzy_match_string

        guess = fuzzy_match_string(name, profiles.names)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise CliError(f"Profile {name!r} not found. Profiles: {', '.join(sorted(profiles.names))}.{hint}")
    return profiles[name]


def _own(profiles: ProfilesCollection, name: str, doing: str) -> Profile:
    """A profile of the user's file."""
    from prefect.settings import DEFAULT_PROFILES_PATH

    profile = _of(profiles, name)
    if profile.source == DEFAULT_PROFILES_PATH:
        raise CliError(
            f"Profile {name!r} comes with the product and cannot be {doing}. "
            f"A copy can: prefect profile create NAME --from {name}"
        )
    return profile


def masked(profile: Profile) -> dict[str, str]:
    """The settings of a profile as text, secrets masked."""
    from prefect.settings.base import text_of

    return {s.name: MASK if s.is_secret else text_of(value) for s, value in profile.settings.items()}


MASK = "********"


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List the profiles; the active one is marked."""
    from prefect.cli.tables import print_table
    from prefect.settings.context import get_current_profile
    from prefect.settings.profiles import load_profiles

    active = get_current_profile().name
    profiles = load_profiles()
    if output:
        print_json([{"name": name, "active": name == active} for name in profiles])
        return
    rows = [("*" if name == active else "", name, len(profile.settings)) for name, profile in profiles.items()]
    print_table(["", "Profile", "Settings"], rows, "There are no profiles.")


@command(app, "create")
def create(
    name: Annotated[str, typer.Argument(help="The name of the new profile.")],
    from_name: Annotated[Optional[str], typer.Option("--from", metavar="NAME", help="Copy this profile.")] = None,
) -> None:
    """Create a profile."""
    from prefect.settings.profiles import Profile, load_profiles, save_profiles

    profiles = load_profiles()
    if name in profiles:
        raise CliError(
            f"Profile {name!r} already exists. Choose another name, or delete it: prefect profile delete {name}"
        )
    settings: Any = dict(_of(profiles, from_name).settings) if from_name is not None else {}
    profiles.add_profile(Profile(name=name, settings=settings))
    save_profiles(profiles)
    say(f"Created profile {name!r}" + (f" with the settings of {from_name!r}." if from_name else "."))
    say(f"Use it from now on:       prefect profile use {name}")
    say(f"Use it for one command:   prefect --profile {name} config view")


@command(app, "use")
def use(name: Name) -> None:
    """Make a profile the active one."""
    from prefect.settings import PREFECT_API_URL
    from prefect.settings.profiles import load_profiles, save_profiles

    profiles = load_profiles()
    profile = _of(profiles, name)
    profiles.set_active(name)
    save_profiles(profiles)
    url = profile.settings.get(PREFECT_API_URL)
    where = (
        f"the server at {url} orchestrates" if url else "runs are orchestrated in their own process (ephemeral mode)"
    )
    say(f"Profile {name!r} is active now: {where}.")
    overriding = os.environ.get("PREFECT_PROFILE")
    if overriding and overriding != name:
        say(f"But PREFECT_PROFILE is {overriding!r} here, and wins. Clear it: unset PREFECT_PROFILE")


@command(app, "delete")
def delete(context: typer.Context, name: Name) -> None:
    """Delete a profile."""
    from prefect.settings.profiles import load_profiles, save_profiles

    profiles = load_profiles()
    _own(profiles, name, "deleted")
    if name == profiles.active_name:
        raise CliError(f"Profile {name!r} is the active one. Use another one first: prefect profile use NAME")
    confirm(context, f"Delete profile {name!r}?")
    profiles.remove_profile(name)
    save_profiles(profiles)
    say(f"Deleted profile {name!r}.")


@command(app, "rename")
def rename(name: Name, new_name: Annotated[str, typer.Argument(help="Its new name.")]) -> None:
    """Rename a profile."""
    from prefect.settings.profiles import Profile, load_profiles, save_profiles

    profiles = load_profiles()
    profile = _own(profiles, name, "renamed")
    if new_name in profiles:
        raise CliError(f"Profile {new_name!r} already exists.")
    profiles.add_profile(Profile(name=new_name, settings=dict(profile.settings), source=profile.source))
    profiles.remove_profile(name)
    if profiles.active_name == name:
        profiles.set_active(new_name)
    save_profiles(profiles)
    say(f"Renamed profile {name!r} to {new_name!r}.")


@command(app, "inspect")
def inspect(
    name: Annotated[Optional[str], typer.Argument(help="The name of a profile; the active one without.")] = None,
    output: Output = None,
) -> None:
    """Show the settings of a profile. Secrets are masked."""
    from prefect.settings.context import get_current_profile

    profile = existing(name) if name is not None else get_current_profile()
    settings = masked(profile)
    if output:
        print_json(settings)
        return
    if name is None:
        say(paint(f"Profile {profile.name!r}", "bold"))
    for variable, value in settings.items():
        say(f"{variable}={value!r}")
    if not settings:
        say(f"Profile {profile.name!r} sets nothing.")


@command(app, "populate-defaults")
def populate_defaults(context: typer.Context) -> None:
    """Write the profiles that come with the product to the user's file, where there are none of their names."""
    from prefect.settings import DEFAULT_PROFILES_PATH, get_current_settings
    from prefect.settings.profiles import Profile, load_profiles, save_profiles

    path = get_current_settings().profiles_path
    profiles = load_profiles()
    missing = [profile for _, profile in profiles.items() if profile.source == DEFAULT_PROFILES_PATH]
    if not missing:
        say(f"Nothing to do: {path} has all profiles that come with the product.")
        return
    names = ", ".join(repr(profile.name) for profile in missing)
    confirm(context, f"Add {names} to {path}?")
    for profile in missing:
        profiles.remove_profile(profile.name)
        profiles.add_profile(Profile(name=profile.name, settings=dict(profile.settings), source=path))
    save_profiles(profiles)
    say(f"Added {names} to {path}.")
