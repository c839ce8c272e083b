"""Profiles: named sets of settings in a TOML file, one of which is active."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo, field_validator

from prefect.exceptions import ConfigurationError, ProfileSettingsValidationError
from prefect.settings.base import text_of
from prefect.settings.constants import DEFAULT_PROFILES_PATH
from prefect.settings.files import read_toml
from prefect.settings.legacy import OF_INTEGRATIONS, Setting, find_setting
from prefect.settings.sources import active_profile_name

__all__ = [
    "Profile",
    "ProfilesCollection",
    "load_active_profile",
    "load_current_profile",
    "load_profile",
    "load_profiles",
    "save_profiles",
    "update_current_profile",
]


def _canonical(key: Setting | str) -> Setting:
    """The setting of a variable, under its canonical name. Those of integrations are taken as they are."""
    if isinstance(key, str) and key.startswith(OF_INTEGRATIONS):
        return Setting(key, None, Any, key.removeprefix("PREFECT_").lower())
    found = find_setting(key)
    return found if found.name.startswith(OF_INTEGRATIONS) else find_setting(found.accessor)


class Profile(BaseModel):
    """
    A named set of settings.

    Raises:
        pydantic.ValidationError: It is not made of a name and settings.
    """

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)

    name: str
    settings: dict[Setting, Any] = Field(default_factory=dict)
    source: Optional[Path] = None

    @field_validator("settings", mode="before")
    @classmethod
    def _known(cls, value: Any, info: ValidationInfo) -> Any:
        """Replace names by settings. Those that are not known (of another version) are left out, with a warning."""
        settings = {}
        for key, setting_value in dict(value or {}).items():
            try:
                # One setting may have several names: here it has one.
                settings[_canonical(key)] = setting_value
            except ConfigurationError as error:
                warnings.warn(
                    f"A setting in profile {info.data.get('name')!r} is not recognized. {error}", stacklevel=2
                )
        return settings

    def to_environment_variables(self) -> dict[str, str]:
        """The settings as environment variables; those without a value are left out."""
        return {setting.name: text_of(value) for setting, value in self.settings.items() if value is not None}

    def validate_settings(self) -> None:
        """
        Check that each setting accepts its value.

        Raises:
            ProfileSettingsValidationError: Some do not; its `errors` say which and why.
        """
        errors: list[tuple[Any, ValidationError]] = []
        for setting, value in self.settings.items():
            try:
                TypeAdapter(setting.annotation).validate_python(value)
            except ValidationError as error:
                errors.append((setting, error))
        if errors:
            raise ProfileSettingsValidationError(errors)


class ProfilesCollection:
    """
    Profiles by name, and which of them is active.

    Args:
        profiles: The profiles.
        active: The name of the active one.
    """

    def __init__(self, profiles: Iterable[Profile], active: str | None = None) -> None:
        self.profiles_by_name = {profile.name: profile for profile in profiles}
        self.active_name = active

    @property
    def names(self) -> set[str]:
        """The names of the profiles."""
        return set(self.profiles_by_name)

    @property
    def active_profile(self) -> Profile | None:
        """The active profile."""
        return None if self.active_name is None else self.profiles_by_name[self.active_name]

    def set_active(self, name: str | None, check: bool = True) -> None:
        """
        Make a profile the active one.

        Args:
            name: Its name; None for none.
            check: Whether it must be there.

        Raises:
            ValueError: It is not there.
        """
        if check and name is not None and name not in self.profiles_by_name:
            message = f"Unknown profile name {name!r}. {self._known()}"
            raise ValueError(message)
        self.active_name = name

    def update_profile(self, name: str, settings: dict[Setting, Any], source: Path | None = None) -> Profile:
        """
        Add settings to a profile, which is created if it is not there. Settings whose value is None are removed.

        Args:
            name: The profile.
            settings: The settings.
            source: The file that it is from; the one that it is from already if None.
        """
        present = self.profiles_by_name.get(name)
        changes = Profile(name=name, settings=settings).settings
        kept = (
            {setting: value for setting, value in present.settings.items() if setting not in changes} if present else {}
        )
        merged = kept | changes  # under the keys of the changes, which know the types of integrations' settings
        profile = Profile(
            name=name,
            settings={setting: value for setting, value in merged.items() if value is not None},
            source=source or (present.source if present else None),
        )
        self.profiles_by_name[name] = profile
        return profile

    def add_profile(self, profile: Profile) -> None:
        """
        Add a profile.

        Raises:
            ValueError: There is one of its name.
        """
        if profile.name in self.profiles_by_name:
            message = f"Profile name {profile.name!r} already exists in collection."
            raise ValueError(message)
        self.profiles_by_name[profile.name] = profile

    def remove_profile(self, name: str) -> None:
        """
        Remove a profile.

        Raises:
            KeyError: There is none of that name.
        """
        self.profiles_by_name.pop(name)

    def without_profile_source(self, path: Path | None) -> ProfilesCollection:
        """The profiles that are not from a file."""
        return ProfilesCollection(
            [profile for profile in self.profiles_by_name.values() if profile.source != path], active=self.active_name
        )

    def to_dict(self) -> dict[str, Any]:
        """The content of a file of these profiles."""
        return {
            "active": self.active_name,
            "profiles": {
                name: {setting.name: value for setting, value in profile.settings.items()}
                for name, profile in self.profiles_by_name.items()
            },
        }

    def items(self) -> list[tuple[str, Profile]]:
        """The names and profiles."""
        return list(self.profiles_by_name.items())

    def _known(self) -> str:
        return f"Profiles: {', '.join(sorted(self.names)) or 'none'}."

    def __getitem__(self, name: str) -> Profile:
        return self.profiles_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.profiles_by_name)

    def __contains__(self, name: object) -> bool:
        return name in self.profiles_by_name

    def __len__(self) -> int:
        return len(self.profiles_by_name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProfilesCollection):
            return NotImplemented
        return self.profiles_by_name == other.profiles_by_name and self.active_name == other.active_name

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ProfilesCollection(profiles={list(self.profiles_by_name.values())!r}, active={self.active_name!r})"


def _read(path: Path) -> ProfilesCollection:
    content = read_toml(path)
    tables = content.get("profiles", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        message = f"{path} must have a table for each profile, such as [profiles.local]."
        raise ConfigurationError(message)
    profiles = [Profile(name=name, settings=table, source=path) for name, table in tables.items()]
    return ProfilesCollection(profiles, active=content.get("active"))


def _users_path() -> Path:
    from prefect.settings.context import get_current_settings

    return get_current_settings().profiles_path


def load_profiles(include_defaults: bool = True) -> ProfilesCollection:
    """
    The profiles of the user's file.

    Args:
        include_defaults: Whether to include those that come with the product, unless there is one of the same name.

    Raises:
        ConfigurationError: The file is not one of profiles.
    """
    users = _read(_users_path())
    if not include_defaults:
        return users
    defaults = _read(DEFAULT_PROFILES_PATH)
    merged = {**defaults.profiles_by_name, **users.profiles_by_name}
    active = users.active_name if users.active_name in merged else defaults.active_name
    return ProfilesCollection(merged.values(), active=active)


def load_active_profile() -> Profile:
    """The profile that PREFECT_PROFILE or the user's file makes the active one."""
    return load_profiles()[active_profile_name(_users_path())]


def load_current_profile() -> Profile:
    """The profile in force: that of the surrounding `use_profile`, else the active one."""
    from prefect.settings.context import get_current_profile

    return get_current_profile()


def load_profile(name: str) -> Profile:
    """
    The profile of a name.

    Raises:
        ValueError: There is none.
    """
    profiles = load_profiles()
    if name not in profiles:
        message = f"Profile {name!r} not found. {profiles._known()}"
        raise ValueError(message)
    return profiles[name]


def save_profiles(profiles: ProfilesCollection) -> None:
    """
    Write profiles to the user's file, all or nothing. Comments and settings of other versions in it are kept.

    Profiles that come with the product are not written, unless they were changed.
    """
    path = _users_path()
    own = profiles.without_profile_source(DEFAULT_PROFILES_PATH)
    _write(path, _merged(path, own.to_dict()))


def _merged(path: Path, content: dict[str, Any]) -> str:
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    if content["active"] is None:
        document.pop("active", None)
    else:
        document["active"] = content["active"]
    if "profiles" not in document:
        document["profiles"] = tomlkit.table(is_super_table=True)
    tables: Any = document["profiles"]
    for name in set(tables) - set(content["profiles"]):
        del tables[name]
    for name, settings in content["profiles"].items():
        table = tables.get(name)
        if table is None:
            table = tomlkit.table()
            tables[name] = table
        _merge_settings(table, settings)
    return tomlkit.dumps(document)


def _merge_settings(table: Any, settings: dict[str, Any]) -> None:
    for variable in list(table):
        try:
            canonical = _canonical(variable).name
        except ConfigurationError:
            continue
        if canonical not in settings or canonical != variable:
            del table[variable]
    for variable, value in settings.items():
        if variable not in table or table[variable] != value:
            table[variable] = value if isinstance(value, (bool, int, float, list, dict)) else text_of(value)


def _write(path: Path, text: str) -> None:
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of its own beside it, then renamed: a reader sees the old file or the new one, never half of one.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def update_current_profile(settings: dict[Union[str, Setting], Any]) -> Profile:
    """
    Change settings of the current profile, in the user's file and for this process.

    Args:
        settings: New values; None removes a setting.

    Returns:
        The profile as it is now.

    Raises:
        ConfigurationError: There is no such setting.
        ProfileSettingsValidationError: A setting does not accept its value.
    """
    from prefect.settings.context import reload_settings

    current = load_current_profile()
    profiles = load_profiles()
    changes = {_canonical(key): value for key, value in settings.items()}
    # As it is no longer one that comes with the product, it is written.
    updated = profiles.update_profile(current.name, changes, source=_users_path())
    updated.validate_settings()
    save_profiles(profiles)
    reload_settings()
    return updated
