"""
The base of all models of the contract, and the field types that they share.

A model exists once and serves both sides: what a client sends is what an orchestrator validates. Answers ignore fields
that they do not know, so that an old client reads a new server; actions and filters refuse them, so that a typing error
is found where it is made.
"""

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import core_schema

from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from typing_extensions import Self

__all__ = [
    "ActionBaseModel",
    "Duration",
    "FilterBaseModel",
    "GivenName",
    "KeyValueLabels",
    "LabelsOrNone",
    "Moment",
    "ObjectBaseModel",
    "PrefectBaseModel",
    "TimeSeriesBaseModel",
    "WireType",
    "evolve",
    "new_name",
]

M = TypeVar("M", bound="PrefectBaseModel")


def evolve(model: M, **changes: Any) -> M:
    """
    A copy with some fields changed and nothing validated: `model_copy(update=...)` at a fraction of its cost.

    For the engine, which makes several for every task run. The copy shares all other values with the original.
    """
    twin: M = object.__new__(type(model))
    put = object.__setattr__
    put(twin, "__dict__", {**model.__dict__, **changes})
    put(twin, "__pydantic_fields_set__", model.__pydantic_fields_set__ | changes.keys())
    put(twin, "__pydantic_extra__", model.__pydantic_extra__)
    put(twin, "__pydantic_private__", model.__pydantic_private__)
    return twin


class PrefectBaseModel(BaseModel):
    """A value of the contract. Validators are built on first use, so importing a model costs next to nothing."""

    model_config = ConfigDict(extra="ignore", defer_build=True, ser_json_timedelta="float")

    _always_answered: ClassVar[tuple[str, ...]] = ()
    """Fields that answers always have, although they can be left out when the model is made."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        described = handler(schema)
        if handler.mode == "serialization" and cls._always_answered:
            fields = handler.resolve_ref_schema(described)
            fields["required"] = [*cls._always_answered, *fields.get("required", ())]
        return described

    @classmethod
    def model_validate_list(
        cls,
        obj: Any,
        *,
        strict: bool | None = None,
        from_attributes: bool | None = None,
        context: Any | None = None,
    ) -> "list[Self]":
        """
        Validate a list of this model.

        Args:
            obj: What to validate: a sequence of mappings or models.
            strict: Whether to refuse to convert types.
            from_attributes: Whether to read the fields from the attributes of the items.
            context: Handed on to the validators.

        Raises:
            pydantic.ValidationError: An item does not fit.
        """
        options = {"strict": strict, "from_attributes": from_attributes, "context": context}
        return [cls.model_validate(item, **options) for item in obj]  # type: ignore[arg-type]

    def reset_fields(self: M) -> M:
        """A copy in which the fields that identify one record (id, created, updated ...) have their defaults again."""
        fields = type(self).model_fields
        values = {
            name: fields[name].get_default(call_default_factory=True, validated_data={})
            for name in self._reset_fields()
            if name in fields
        }
        return self.model_copy(update=values)

    @classmethod
    def _reset_fields(cls) -> frozenset[str]:
        """Names of the fields that `reset_fields` resets."""
        return frozenset()


class ActionBaseModel(PrefectBaseModel):
    """What is asked for: a model that refuses fields which it does not know."""

    model_config = ConfigDict(extra="forbid", defer_build=True, ser_json_timedelta="float")


class FilterBaseModel(PrefectBaseModel):
    """What is looked for: a model that refuses fields which it does not know."""

    model_config = ConfigDict(extra="forbid", defer_build=True, ser_json_timedelta="float")


def _assume_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


class _MomentSchema:
    """Validates moments: aware ones at the validator's own speed, naive ones are taken to be UTC."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> core_schema.CoreSchema:
        aware = core_schema.datetime_schema(tz_constraint="aware")
        naive = core_schema.no_info_after_validator_function(_assume_utc, core_schema.datetime_schema())
        return core_schema.union_schema([aware, naive], mode="left_to_right")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


Moment = Annotated[datetime, _MomentSchema]
"""An aware moment. A naive one, and a string without an offset, is taken to be UTC."""


class WireType:
    """
    Says which type of JSON a field has, where the validator's own answer depends on its version.

    Args:
        name: The type: `string`.
        format: Which texts or numbers are meant: `uri`.
    """

    def __init__(self, name: str, format: str | None = None) -> None:
        self._schema = {"type": name} if format is None else {"type": name, "format": format}

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        return self._schema.copy()  # the caller adds to it


Duration = Annotated[timedelta, WireType("number")]
"""A duration: a number of seconds on the wire, and ISO 8601 is understood."""

KeyValueLabels = dict[str, bool | int | float | str]
"""Labels of a flow or run: small values by key."""


def _no_labels(none: None) -> KeyValueLabels:
    return {}


class _LabelsSchema:
    """Validates labels at the validator's own speed, and takes None for no labels."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> core_schema.CoreSchema:
        none = core_schema.no_info_after_validator_function(_no_labels, core_schema.none_schema())
        return core_schema.union_schema([handler(source), none], mode="left_to_right")


LabelsOrNone = Annotated[KeyValueLabels, _LabelsSchema]
"""Labels, where None means that there are none."""


def new_name() -> str:
    """A name for a run that is given none: two words, easily told apart by people."""
    from prefect.utilities.names import generate_slug

    return generate_slug(2)


def _named(name: Any) -> Any:
    return name or new_name()


GivenName = Annotated[str, BeforeValidator(_named)]
"""The name of a run, made up when it is None or empty."""


class ObjectBaseModel(PrefectBaseModel):
    """A record: something with an id. `created` and `updated` are None until an orchestrator stored it."""

    id: UUID = Field(default_factory=uuid7)
    created: Moment | None = None
    updated: Moment | None = None

    _always_answered: ClassVar[tuple[str, ...]] = ("id", "created", "updated")

    @classmethod
    def _reset_fields(cls) -> frozenset[str]:
        return super()._reset_fields() | {"id", "created", "updated"}


class TimeSeriesBaseModel(PrefectBaseModel):
    """A record that an orchestrator stamps with the times of its creation and last change."""

    created: Moment | None = None
    updated: Moment | None = None

    @classmethod
    def _reset_fields(cls) -> frozenset[str]:
        return super()._reset_fields() | {"created", "updated"}
