"""The types that the product's models share, as annotations that pydantic validates: imported when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.types.kinds import (
        BANNED_CHARACTERS as BANNED_CHARACTERS,
        MAX_VARIABLE_NAME_LENGTH as MAX_VARIABLE_NAME_LENGTH,
        MAX_VARIABLE_VALUE_LENGTH as MAX_VARIABLE_VALUE_LENGTH,
        WITHOUT_BANNED_CHARACTERS as WITHOUT_BANNED_CHARACTERS,
        ClientRetryExtraCodes as ClientRetryExtraCodes,
        Date as Date,
        DateTime as DateTime,
        JsonStringOrDict as JsonStringOrDict,
        KeyValueLabels as KeyValueLabels,
        KeyValueLabelsField as KeyValueLabelsField,
        ListOfNonEmptyStrings as ListOfNonEmptyStrings,
        LogLevel as LogLevel,
        Name as Name,
        NameOrEmpty as NameOrEmpty,
        NonEmptyishName as NonEmptyishName,
        NonNegativeFloat as NonNegativeFloat,
        NonNegativeInteger as NonNegativeInteger,
        NonNegativeTimeDelta as NonNegativeTimeDelta,
        PositiveInteger as PositiveInteger,
        SecondsTimeDelta as SecondsTimeDelta,
        SecretDict as SecretDict,
        StatusCode as StatusCode,
        StrictVariableValue as StrictVariableValue,
        TaskRetryDelaySeconds as TaskRetryDelaySeconds,
        URILike as URILike,
        ValidAssetKey as ValidAssetKey,
        cast_none_to_empty_dict as cast_none_to_empty_dict,
        check_variable_value as check_variable_value,
        convert_none_to_empty_dict as convert_none_to_empty_dict,
        parse_retry_delay_input as parse_retry_delay_input,
        validate_set_T_from_delim_string as validate_set_T_from_delim_string,
    )

__all__ = [
    "BANNED_CHARACTERS",
    "MAX_VARIABLE_NAME_LENGTH",
    "MAX_VARIABLE_VALUE_LENGTH",
    "WITHOUT_BANNED_CHARACTERS",
    "ClientRetryExtraCodes",
    "Date",
    "DateTime",
    "JsonStringOrDict",
    "KeyValueLabels",
    "KeyValueLabelsField",
    "ListOfNonEmptyStrings",
    "LogLevel",
    "Name",
    "NameOrEmpty",
    "NonEmptyishName",
    "NonNegativeFloat",
    "NonNegativeInteger",
    "NonNegativeTimeDelta",
    "PositiveInteger",
    "SecondsTimeDelta",
    "SecretDict",
    "StatusCode",
    "StrictVariableValue",
    "TaskRetryDelaySeconds",
    "URILike",
    "ValidAssetKey",
    "cast_none_to_empty_dict",
    "check_variable_value",
    "convert_none_to_empty_dict",
    "parse_retry_delay_input",
    "validate_set_T_from_delim_string",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from prefect.types import kinds

        return getattr(kinds, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
