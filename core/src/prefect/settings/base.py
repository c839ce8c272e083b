"""
The base of all groups of settings: a pydantic model whose fields are also looked up in the sources.

    class ResultsSettings(PrefectBaseSettings):
        model_config = build_settings_config(("results",))

        persist_by_default: bool = Field(default=False)      # PREFECT_RESULTS_PERSIST_BY_DEFAULT

A group is one such class, and one field of the group that it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from prefect.exceptions import ConfigurationError
from prefect.settings.sources import Found, Sources, current_sources, reading
from prefect.utilities.names import obfuscate

__all__ = ["PrefectBaseSettings", "PrefectSettingsConfigDict", "build_settings_config", "environment_variables"]


class PrefectSettingsConfigDict(ConfigDict, total=False):
    """The configuration of a settings model."""

    settings_path: tuple[str, ...]
    """The path of the group: it makes the names of TOML tables."""

    env_prefix: str
    """What the names of the group's environment variables begin with."""


def build_settings_config(path: tuple[str, ...] = (), frozen: bool = False) -> PrefectSettingsConfigDict:
    """
    The configuration for a group of settings.

    Args:
        path: Where the group is: `("server", "api")` for variables `PREFECT_SERVER_API_…` and tables `[server.api]`.
        frozen: Whether its fields cannot be assigned to.
    """
    return PrefectSettingsConfigDict(
        settings_path=path,
        env_prefix="_".join(("PREFECT", *path, "")).upper(),
        frozen=frozen,
        extra="ignore",
        populate_by_name=True,
        defer_build=True,  # validators are built when the first instance is
        hide_input_in_errors=True,  # values may be secret
    )


@cache
def environment_variables(model: type[PrefectBaseSettings]) -> dict[str, tuple[str, ...]]:
    """For each field of a model that is no group its environment variables: the canonical one, then others."""
    prefix = model.model_config.get("env_prefix", "PREFECT_")
    variables = {}
    for name, field in model.model_fields.items():
        if group_of(field) is None:
            canonical = f"{prefix}{name.upper()}"
            variables[name] = (canonical, *(alias for alias in _aliases(field) if alias != canonical))
    return variables


def settings_path(model: type[PrefectBaseSettings]) -> tuple[str, ...]:
    """The path of a group, empty for the root."""
    return model.model_config.get("settings_path", ())


def _aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    names = [choice.upper() for choice in choices if isinstance(choice, str)]
    return [name for name in names if name.startswith("PREFECT_")]


def group_of(field: FieldInfo) -> type[PrefectBaseSettings] | None:
    """The model of a field that is a group, None for other fields."""
    annotation = field.annotation
    # On Python 3.10, `dict[str, str]` is an instance of `type`, but no class.
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, PrefectBaseSettings):
        return annotation
    return None


def _decoded(field: FieldInfo, value: Any) -> Any:
    """Variables are texts: those for lists and mappings may hold JSON."""
    if isinstance(value, str) and value[:1] in {"[", "{"} and _has_parts(field.annotation):
        try:
            return json.loads(value)
        except ValueError:
            return value  # its type will say what is wrong with it
    return value


def _has_parts(annotation: Any) -> bool:
    if get_origin(annotation) in {list, dict, set, tuple, frozenset} or annotation in {list, dict, set, tuple}:
        return True
    return any(_has_parts(argument) for argument in get_args(annotation))


@cache
def _is_plain(model: type[PrefectBaseSettings]) -> bool:
    """Whether the fields of a model can be validated one by one: they are all that there is to validate."""
    validators = model.__pydantic_decorators__
    return not (
        model.__private_attributes__
        or validators.field_validators
        or validators.model_validators
        or validators.root_validators
        or validators.validators
    )


def constrained(field: FieldInfo) -> Any:
    """The type of a field with its limits and conversions."""
    if not field.metadata:
        return field.annotation
    parts: Any = (field.annotation, *field.metadata)
    return Annotated[parts]


def _default(field: FieldInfo, content: dict[str, Any]) -> Any:
    if isinstance(field.default_factory, type):
        return field.default_factory()  # a group
    return field.get_default(call_default_factory=True, validated_data=content)


@cache
def _adapter(model: type[PrefectBaseSettings], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(constrained(model.model_fields[name]))


def _validated(model: type[PrefectBaseSettings], values: dict[str, Any]) -> dict[str, Any]:
    """
    The values, validated one by one.

    Raises:
        ValidationError: Some are not valid.
    """
    valid = {}
    errors: list[InitErrorDetails] = []
    for name, value in values.items():
        group = group_of(model.model_fields[name])
        if group is not None:
            valid[name] = value if isinstance(value, group) else group(**value)
            continue
        try:
            valid[name] = _adapter(model, name).validate_python(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                message = PydanticCustomError(detail["type"], detail["msg"].replace("{", "{{").replace("}", "}}"))
                errors.append(InitErrorDetails(type=message, loc=(name, *detail["loc"]), input=value))
    if errors:
        raise ValidationError.from_exception_data(model.__name__, errors, hide_input=True)
    return valid


class PrefectBaseSettings(BaseModel):
    """
    A group of settings. What is not given when it is created is looked up in the sources.

    Raises:
        ConfigurationError: A value is not of the type that its setting needs.
    """

    model_config = build_settings_config()

    def __init__(self, **values: Any) -> None:
        sources = current_sources()
        if sources is None:
            with reading(Sources.read()) as fresh:
                self._fill(fresh, values)
        else:
            self._fill(sources, values)

    def _fill(self, sources: Sources, values: dict[str, Any]) -> None:
        model = type(self)
        path = settings_path(model)
        found: dict[str, Found] = {}
        if sources.layers:
            for name, variables in environment_variables(model).items():
                if name not in values:
                    hit = sources.find(path, name, variables)
                    if hit is not None:
                        found[name] = hit
        fields = model.model_fields
        given = {name: _decoded(fields[name], hit.value) for name, hit in found.items()} | values
        try:
            if not given or (_is_plain(model) and given.keys() <= fields.keys()):
                self._assume(_validated(model, given))
            else:
                super().__init__(**given)
        except ValidationError as error:
            raise _configuration_error(model, error, found, values) from error

    def _assume(self, values: dict[str, Any]) -> None:
        """
        Take values that are valid, and defaults for the others.

        Validators are costly to build, and most processes have no or few values that are not defaults.
        """
        content: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            content[name] = values[name] if name in values else _default(field, content)
        object.__setattr__(self, "__dict__", content)
        object.__setattr__(self, "__pydantic_fields_set__", set(values))
        object.__setattr__(self, "__pydantic_extra__", None)
        object.__setattr__(self, "__pydantic_private__", None)
        self.model_post_init(None)

    def to_environment_variables(
        self, exclude_unset: bool = False, include_secrets: bool = True, include_aliases: bool = False
    ) -> dict[str, str]:
        """
        The settings as environment variables that give the same settings when they are read.

        Args:
            exclude_unset: Whether to leave out what has its default.
            include_secrets: Whether to include secrets, in clear.
            include_aliases: Whether to include the other names of a variable too.
        """
        return dict(self._variables(exclude_unset, include_secrets, include_aliases))

    def _variables(self, exclude_unset: bool, secrets: bool, aliases: bool) -> Iterator[tuple[str, str]]:
        variables = environment_variables(type(self))
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, PrefectBaseSettings):
                yield from value._variables(exclude_unset, secrets, aliases)
            elif value is not None and (name in self.model_fields_set or not exclude_unset):
                if isinstance(value, SecretStr) and not secrets:
                    continue
                for variable in variables[name] if aliases else variables[name][:1]:
                    yield variable, text_of(value)


def text_of(value: Any) -> str:
    """A setting's value as the text of an environment variable."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, (list, tuple, set, frozenset)):
        return json.dumps(sorted(value) if isinstance(value, (set, frozenset)) else list(value))
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value)


def _configuration_error(
    model: type[PrefectBaseSettings], error: ValidationError, found: dict[str, Found], given: dict[str, Any]
) -> ConfigurationError:
    """Say for each wrong value which setting it is for, what it is, where it comes from and what is needed."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False):
        if detail["type"] == "default_factory_not_called":
            continue  # a consequence of the others
        name = str(detail["loc"][0]) if detail["loc"] else ""
        field = model.model_fields.get(name)
        value = found[name].value if name in found else given.get(name)
        place = found[name].place if name in found else "given in code"
        secret = field is not None and "Secret" in str(field.annotation)
        shown = obfuscate(value) if secret else repr(value)
        variable = environment_variables(model).get(name, (name or model.__name__,))[0]
        lines.append(f"{variable} is {shown} ({place}): {detail['msg']}")
    return ConfigurationError("Settings are not valid:\n - " + "\n - ".join(lines))


def expanded(value: Any) -> Any:
    """A path with `~` replaced by the user's home directory."""
    return Path(value).expanduser() if isinstance(value, (str, Path)) else value
