"""Settings as objects: `PREFECT_API_URL.value()` is `get_current_settings().api.url`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr

from prefect.exceptions import ConfigurationError
from prefect.settings.base import (
    PrefectBaseSettings,
    constrained,
    environment_variables,
    group_of,
    later_groups,
    settings_path,
)

if TYPE_CHECKING:
    from prefect.settings.models.root import Settings

__all__ = ["OF_INTEGRATIONS", "Setting", "find_setting", "known_settings", "settings_of"]

OF_INTEGRATIONS = "PREFECT_INTEGRATIONS_"
"""What the names of the variables begin with that belong to plugins. Their models are known to who asks the plugins."""


class Setting:
    """
    One setting, named by its environment variable.

    Args:
        name: The variable.
        default: Its value when no source has one.
        type_: The type of its value.
        accessor: Its path on the settings: `api.url`.

    Attributes:
        annotation: The type with limits and conversions, for validation.
    """

    def __init__(self, name: str, default: Any, type_: Any, accessor: str | None = None) -> None:
        self.annotation = type_
        self._name = name
        self._default = default
        self._type = type_
        self.accessor = accessor or _accessor_of(name)

    @property
    def name(self) -> str:
        """The environment variable."""
        return self._name

    @property
    def is_secret(self) -> bool:
        """Whether the value must not be shown."""
        return self._type is SecretStr or SecretStr in get_args(self._type)

    def default(self) -> Any:
        """The value when no source has one; None if it follows from other settings."""
        return self._default

    def value(self) -> Any:
        """The value that the current settings have; secrets in clear."""
        from prefect.settings.context import get_current_settings

        return self.value_from(get_current_settings())

    def value_from(self, settings: Settings) -> Any:
        """The value that some settings have; secrets in clear."""
        value: Any = settings
        for step in self.accessor.split("."):
            value = getattr(value, step)
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def __bool__(self) -> bool:
        return bool(self.value())

    def __str__(self) -> str:
        return str(self.value())

    def __repr__(self) -> str:
        return f"<{self.name}: {self._type!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and other.name == self.name

    def __hash__(self) -> int:
        return hash((Setting, self.name))


@cache
def known_settings() -> dict[str, Setting]:
    """All settings, by each of their variables; the canonical one of a setting comes first."""
    from prefect.settings.models.root import Settings

    return dict(settings_of(Settings))


@cache
def _settings_at_hand() -> dict[str, Setting]:
    """Those of the groups that are imported with the root."""
    from prefect.settings.models.root import Settings

    return dict(settings_of(Settings, at_hand=True))


def setting_named(variable: str) -> Setting | None:
    """The setting of an environment variable; None if there is none."""
    found = _settings_at_hand().get(variable)
    return known_settings().get(variable) if found is None else found  # the truth of a setting is that of its value


def settings_of(model: type[PrefectBaseSettings], at_hand: bool = False) -> Iterator[tuple[str, Setting]]:
    """
    The settings of a model, by each of their variables.

    Args:
        model: The model.
        at_hand: Whether groups whose module is imported when it is needed are left out.
    """
    path = settings_path(model)
    for name, field in model.model_fields.items():
        if at_hand and name in later_groups(model):
            continue
        group = group_of(field)
        if group is not None:
            yield from settings_of(group, at_hand)
            continue
        variables = environment_variables(model)[name]
        accessor = ".".join((*path, name))
        default = None if field.default_factory else field.get_default()
        for variable in variables:
            setting = Setting(variable, default, field.annotation, accessor)
            setting.annotation = constrained(field)
            yield variable, setting


def _accessor_of(name: str) -> str:
    return find_setting(name).accessor


def find_setting(key: Setting | str) -> Setting:
    """
    The setting of an environment variable or an accessor.

    Raises:
        ConfigurationError: There is none.
    """
    if isinstance(key, Setting):
        return key
    variable = "PREFECT_" + key.upper().replace(".", "_")
    found = setting_named(variable if "." in key else key)
    if found is None:
        found = setting_named(variable)
    if found is None:
        from prefect.utilities.text import fuzzy_match_string

        guess = fuzzy_match_string(
            key if key.startswith("PREFECT_") else f"PREFECT_{key.upper()}", known_settings(), cutoff=0.8
        )
        hint = f" Did you mean {guess!r}?" if guess else ""
        message = f"There is no setting {key!r}.{hint}"
        raise ConfigurationError(message)
    return found
