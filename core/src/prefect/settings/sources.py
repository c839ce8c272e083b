"""
Where values of settings come from, in order: the environment, `.env`, `prefect.toml`, `pyproject.toml`, the profile.

A `Sources` value is what all of them say at one moment; each settings model looks up its fields in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect.settings.constants import DEFAULT_PREFECT_HOME, DEFAULT_PROFILES_PATH
from prefect.settings.files import read_dotenv, read_toml

__all__ = [
    "DEFAULT_PREFECT_TOML_PATH",
    "DEFAULT_PROFILE",
    "Found",
    "Sources",
    "active_profile_name",
    "current_sources",
    "overlaid",
    "profiles_path_of",
    "reading",
]

DEFAULT_PREFECT_TOML_PATH = Path("prefect.toml")

DEFAULT_PROFILE = "ephemeral"
"""The profile that is active when nothing says otherwise. It sets nothing, so that it need not be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, with what to call the place that it was found in."""

    value: Any
    place: str


@dataclass(frozen=True, slots=True)
class _Variables:
    """A flat source: environment-like names."""

    description: str
    values: Mapping[str, Any]

    def find(self, path: tuple[str, ...], name: str, variables: Iterable[str]) -> Found | None:
        for variable in variables:
            if variable in self.values:
                return Found(self.values[variable], f"{variable} in {self.description}")
        return None

    def mention(self, path: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
        return any(name.startswith(prefixes) for name in self.values)


@dataclass(frozen=True, slots=True)
class _Tables:
    """A nested source: a table for each group of settings."""

    description: str
    values: Mapping[str, Any]

    def find(self, path: tuple[str, ...], name: str, variables: Iterable[str]) -> Found | None:
        table: Any = self.values
        for step in path:
            table = table.get(step) if isinstance(table, Mapping) else None
        # A table is a group, which looks its own fields up.
        if not isinstance(table, Mapping) or name not in table:
            return None
        return Found(table[name], f"{'.'.join((*path, name))} in {self.description}")

    def mention(self, path: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
        table: Any = self.values
        for step in path:
            table = table.get(step) if isinstance(table, Mapping) else None
        return table is not None


@dataclass(frozen=True, slots=True)
class Sources:
    """What all sources say, from the one that wins to the one that gives way."""

    layers: tuple[_Variables | _Tables, ...] = ()
    profile: str | None = field(default=None)

    def find(self, path: tuple[str, ...], name: str, variables: Iterable[str]) -> Found | None:
        """
        Look up a setting.

        Args:
            path: Its group: `("server", "api")`.
            name: Its field: `port`.
            variables: Its environment variables, the one that wins first.
        """
        for layer in self.layers:
            found = layer.find(path, name, variables)
            if found is not None:
                return found
        return None

    def mention(self, path: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
        """
        Whether there may be a value for a group or for those below it.

        Args:
            path: The group: `("server", "api")`.
            prefixes: What the names of its environment variables begin with.
        """
        return any(layer.mention(path, prefixes) for layer in self.layers)

    def with_overlays(self) -> Sources:
        """The same, with what the surrounding `overlaid` put over it: for the settings of plugins, which are read each time."""
        layers = list(self.layers)
        for overlay in _overlays.get():
            if overlay.hides_profile:
                layers = [layer for layer in layers if layer.description != f"profile {self.profile!r}"]
            at = 0 if overlay.wins else 1
            layers.insert(at, _Variables(overlay.description, overlay.values))
        return Sources(tuple(layers), self.profile)

    @classmethod
    def read(cls) -> Sources:
        """Read them all, as they are now. The environment comes first."""
        layers: list[_Variables | _Tables] = [_Variables("the environment", _prefect_variables(os.environ))]
        dotenv = _prefect_variables(read_dotenv(Path(".env")))
        if dotenv:
            layers.append(_Variables(f"{Path('.env').absolute()}", dotenv))
        for file, header in ((DEFAULT_PREFECT_TOML_PATH, ()), (Path("pyproject.toml"), ("tool", "prefect"))):
            tables = _table(read_toml(file, must_contain=".".join(header)), header)
            if tables:
                layers.append(_Tables(f"{file.absolute()}", tables))
        beneath = cls(tuple(layers))
        path = profiles_path_of(beneath)
        name = active_profile_name(path)
        values = _profile_values(path, name)
        if values:
            layers.append(_Variables(f"profile {name!r}", values))
        return cls(tuple(layers), name)


def _prefect_variables(variables: Mapping[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in variables.items() if name[:8].upper() == "PREFECT_"}


def _table(content: Mapping[str, Any], header: tuple[str, ...]) -> Mapping[str, Any]:
    for step in header:
        inner = content.get(step)
        content = inner if isinstance(inner, Mapping) else {}
    return content


def profiles_path_of(sources: Sources) -> Path:
    """The file of the user's profiles."""
    found = sources.find((), "profiles_path", ("PREFECT_PROFILES_PATH",))
    if found is not None:
        return Path(str(found.value)).expanduser()
    found = sources.find((), "home", ("PREFECT_HOME",))
    home = DEFAULT_PREFECT_HOME if found is None else Path(str(found.value))
    return home.expanduser() / "profiles.toml"


def active_profile_name(path: Path) -> str:
    """The profile in force: of PREFECT_PROFILE, of the user's profiles, or the default one."""
    name = os.environ.get("PREFECT_PROFILE")
    asked_by = "PREFECT_PROFILE"
    if not name:
        name = read_toml(path).get("active")
        asked_by = str(path)
    if not name or name == DEFAULT_PROFILE:
        return DEFAULT_PROFILE
    known = {*read_toml(path).get("profiles", {}), *read_toml(DEFAULT_PROFILES_PATH)["profiles"]}
    if name not in known:
        import warnings

        warnings.warn(
            f"There is no profile {name!r}, which {asked_by} asks for; {DEFAULT_PROFILE!r} is used. "
            f"Profiles: {', '.join(sorted(known))}.",
            stacklevel=2,
        )
        return DEFAULT_PROFILE
    return str(name)


def _profile_values(path: Path, name: str) -> Mapping[str, Any]:
    own = read_toml(path).get("profiles", {})
    if name in own or name == DEFAULT_PROFILE:
        return _prefect_variables(own.get(name, {}))
    return _prefect_variables(read_toml(DEFAULT_PROFILES_PATH)["profiles"][name])


@dataclass(frozen=True, slots=True)
class _Overlay:
    description: str
    values: Mapping[str, Any]
    wins: bool
    hides_profile: bool


_overlays: ContextVar[tuple[_Overlay, ...]] = ContextVar("settings_overlays", default=())


@contextmanager
def overlaid(
    description: str, values: Mapping[str, Any], *, wins: bool = True, hides_profile: bool = False
) -> Iterator[None]:
    """
    Put values of plugins' settings over the sources, inside of the `with` statement.

    Args:
        description: Where they come from.
        values: By their environment variables.
        wins: Whether they win over the environment, too.
        hides_profile: Whether the profile of the process says nothing any more.
    """
    token = _overlays.set((*_overlays.get(), _Overlay(description, values, wins, hides_profile)))
    try:
        yield
    finally:
        _overlays.reset(token)


_reading: ContextVar[Sources | None] = ContextVar("settings_sources", default=None)


@contextmanager
def reading(sources: Sources) -> Iterator[Sources]:
    """Make all settings models that are created inside of the `with` statement take their values from `sources`."""
    token = _reading.set(sources)
    try:
        yield sources
    finally:
        _reading.reset(token)


def current_sources() -> Sources | None:
    """The sources of the surrounding `reading`, if there is one."""
    return _reading.get()
