"""The types that the product's models share, as annotations that pydantic validates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, BeforeValidator, Field, Secret, StrictBool, StrictFloat, StrictInt, StrictStr

from prefect.types._parsing import (
    MAX_VARIABLE_VALUE_LENGTH,
    KeyValueLabels,
    cast_none_to_empty_dict,
    check_variable_value,
    convert_none_to_empty_dict,
    dict_from_json,
    parse_retry_delay_input,
    require_non_negative,
    timedelta_from_seconds,
    upper,
    validate_set_T_from_delim_string,
    without_blanks,
)
from prefect.types.names import (
    BANNED_CHARACTERS,
    MAX_VARIABLE_NAME_LENGTH,
    WITHOUT_BANNED_CHARACTERS,
    Name,
    NameOrEmpty,
    NonEmptyishName,
    URILike,
    ValidAssetKey,
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

DateTime = datetime
"""A moment. The product makes UTC-aware ones only (`prefect.utilities.time.now`)."""

Date = date

NonNegativeInteger = Annotated[int, Field(ge=0)]
PositiveInteger = Annotated[int, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0.0)]
StatusCode = Annotated[int, Field(ge=100, le=599)]

NonNegativeTimeDelta = Annotated[timedelta, AfterValidator(require_non_negative)]

SecondsTimeDelta = Annotated[timedelta, BeforeValidator(timedelta_from_seconds)]
"""A duration that may be written as a number of seconds or in ISO 8601."""

StrictVariableValue = Annotated[
    Union[StrictStr, StrictInt, StrictBool, StrictFloat, dict[str, Any], list[Any], None],
    BeforeValidator(check_variable_value),
]

KeyValueLabelsField = Annotated[
    dict[str, Union[StrictBool, StrictInt, StrictFloat, str]],
    BeforeValidator(cast_none_to_empty_dict),
    Field(default_factory=dict, description="Labels: any number of names with a text, number or boolean each"),
]

ListOfNonEmptyStrings = Annotated[list[str], BeforeValidator(without_blanks)]


class SecretDict(Secret[dict[str, Any]]):
    """A mapping that is not shown when printed; `get_secret_value` returns it."""


ClientRetryExtraCodes = Annotated[
    Union[str, StatusCode, set[StatusCode], None],
    BeforeValidator(partial(validate_set_T_from_delim_string, type_=StatusCode)),
]
"""HTTP status codes, also as `"429,503"`."""

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(upper)]

TaskRetryDelaySeconds = Annotated[Union[str, int, float, list[float], None], BeforeValidator(parse_retry_delay_input)]
"""Seconds between attempts: one number for all, or one for each, also as `"1,10,60"`."""

JsonStringOrDict = Annotated[dict[str, str], BeforeValidator(dict_from_json)]
