"""
The base of all groups of settings: a pydantic model whose fields are also looked up in the sources.

    class ResultsSettings(PrefectBaseSettings):
        model_config = build_settings_config(("results",))

        persist_by_default: bool = Field(default=False)      # PREFECT_RESULTS_PERSIST_BY_DEFAULT

A group is one such class, and one field of the group that it belongs to. Most processes need few groups, and a class of
pydantic is costly to make: the groups that only servers and workers read are `later` ones, whose module is imported when
they are first read, or when a source says something about them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from prefect.exceptions import ConfigurationError
from prefect.settings.sources import Found, Sources, current_sources, reading
from prefect.utilities.names import obfuscate

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "PrefectBaseSettings",
    "PrefectSettingsConfigDict",
    "build_settings_config",
    "environment_variables",
    "later",
    "later_field",
]


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
        if not is_group(field):
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


@dataclass(frozen=True, slots=True)
class Later:
    """
    Marks a field that is a group whose module is not imported yet.

    Attributes:
        target: The group's model: `module:class`.
        prefixes: What the names of all environment variables of the group and of those below it begin with.
    """

    target: str
    prefixes: tuple[str, ...]

    def load(self) -> type[PrefectBaseSettings]:
        """Import the group's model."""
        module, _, name = self.target.partition(":")
        return cast("type[PrefectBaseSettings]", getattr(import_module(module), name))


def later(target: str, *prefixes: str) -> Any:
    """
    The type of a field that is a group, for the time in which nobody needs the group.

    Args:
        target: The group's model: `module:class`.
        prefixes: What the names of all environment variables of the group and of those below it begin with.
    """
    return Annotated[PrefectBaseSettings, Later(target, prefixes)]


def later_field(description: str) -> Any:
    """A field of such a type."""
    return Field(default=None, description=description)


def _later(field: FieldInfo) -> Later | None:
    return next((item for item in field.metadata if isinstance(item, Later)), None)


@cache
def later_groups(model: type[PrefectBaseSettings]) -> dict[str, Later]:
    """The fields of a model that are groups whose module is imported when it is needed."""
    found = {name: _later(field) for name, field in model.model_fields.items()}
    return {name: group for name, group in found.items() if group is not None}


def _loaded(field: FieldInfo, group: Later) -> type[PrefectBaseSettings]:
    """Import a group's model, and make it the type of its field."""
    field.annotation = field.default_factory = model = group.load()
    return model


def is_group(field: FieldInfo) -> bool:
    """Whether a field is a group."""
    return _later(field) is not None or group_of(field) is not None


def group_of(field: FieldInfo) -> type[PrefectBaseSettings] | None:
    """The model of a field that is a group, None for other fields."""
    group = _later(field)
    if group is not None:
        return _loaded(field, group)
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

    __slots__ = ("_when_loaded",)
    _when_loaded: ClassVar[dict[str, list[Callable[[], None]]]]  # of each instance; a class variable for pydantic only

    if not TYPE_CHECKING:  # checkers of types are to see attributes that are misspelled

        def __getattr__(self, name: str) -> Any:
            group = later_groups(type(self)).get(name)
            return super().__getattr__(name) if group is None else self._load(name, group)

    def __init__(self, **values: Any) -> None:
        sources = current_sources()
        if sources is None:
            found = Sources.read()
            is_of_plugin = settings_path(type(self))[:1] == ("integrations",)
            with reading(found.with_overlays() if is_of_plugin else found) as fresh:
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
        sources = current_sources() or Sources()
        for name, field in type(self).model_fields.items():
            group = _later(field)
            if name in values:
                content[name] = values[name]
            elif group is None:
                content[name] = _default(field, content)
            elif sources.mention((*settings_path(type(self)), name), group.prefixes):
                content[name] = _loaded(field, group)()
        object.__setattr__(self, "__dict__", content)
        object.__setattr__(self, "__pydantic_fields_set__", set(values))
        object.__setattr__(self, "__pydantic_extra__", None)
        object.__setattr__(self, "__pydantic_private__", None)
        self.model_post_init(None)

    def _load(self, name: str, group: Later) -> PrefectBaseSettings:
        """Make a group that was not needed so far. No source says anything about it."""
        with reading(Sources()):
            model = _loaded(type(self).model_fields[name], group)
            value: PrefectBaseSettings = self.__dict__.setdefault(name, model())
        for follow in self._followers().pop(name, ()):
            follow()
        return value

    def when_loaded(self, name: str, follow: Callable[[], None]) -> None:
        """
        Have a function called as soon as a group is there: it gives values that follow from other settings.

        Args:
            name: The field of the group.
            follow: The function.
        """
        if name in self.__dict__:
            follow()
        else:
            self._followers().setdefault(name, []).append(follow)

    def _followers(self) -> dict[str, list[Callable[[], None]]]:
        try:
            return self._when_loaded
        except AttributeError:
            object.__setattr__(self, "_when_loaded", {})
            return self._when_loaded

    def load_groups(self) -> None:
        """Make all groups that were not needed so far."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, PrefectBaseSettings):
                value.load_groups()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        for name, group in later_groups(cls).items():
            _loaded(cls.model_fields[name], group)
        return handler(source)

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override] # as in pydantic
        self.load_groups()
        for name in type(self).model_fields:
            yield name, self.__dict__[name]

    def __eq__(self, other: object) -> bool:
        self.load_groups()
        if isinstance(other, PrefectBaseSettings):
            other.load_groups()
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment] # values can be assigned to

    def __repr_args__(self) -> Any:
        self.load_groups()
        return super().__repr_args__()

    def __getstate__(self) -> dict[Any, Any]:
        self.load_groups()
        return super().__getstate__()

    def __copy__(self) -> Self:
        self.load_groups()
        return super().__copy__()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        self.load_groups()
        return super().__deepcopy__(memo)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """The settings as a dictionary, with pydantic's options."""
        self.load_groups()
        return super().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        """The settings as JSON, with pydantic's options."""
        self.load_groups()
        return super().model_dump_json(**options)

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
        groups = later_groups(type(self))
        for name in type(self).model_fields:
            if exclude_unset and name in groups and name not in self.__dict__:
                continue
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
        return json.dumps(value, default=timedelta.total_seconds)
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
