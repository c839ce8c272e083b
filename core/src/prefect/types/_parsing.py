"""How the types of this package read what users write: checks and conversions, without any model."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any, TypeVar, Union, cast

T = TypeVar("T")

KeyValueLabels = dict[str, Union[bool, int, float, str]]

MAX_VARIABLE_VALUE_LENGTH = 5000


def check_variable_value(value: object) -> object:
    """
    Return `value` if it can be stored as a variable: JSON of at most 5,000 characters.

    Raises:
        ValueError: It cannot.
    """
    try:
        length = len(json.dumps(value))
    except (TypeError, ValueError) as error:
        message = f"Variable value must be serializable to JSON, which a {type(value).__name__} is not: {error}"
        raise ValueError(message) from error
    if isinstance(value, str):
        length = len(value)
    if length > MAX_VARIABLE_VALUE_LENGTH:
        message = f"Variable value must be less than {MAX_VARIABLE_VALUE_LENGTH} characters. It has {length}."
        raise ValueError(message)
    return value


def cast_none_to_empty_dict(value: Any) -> Any:
    """Return `value`, or an empty dict in place of None."""
    return {} if value is None else value


def convert_none_to_empty_dict(v: KeyValueLabels | None) -> KeyValueLabels:
    """Return the labels, or no labels in place of None."""
    return {} if v is None else v


def _adapt(value: Any, type_: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(type_).validate_python(value)


def validate_set_T_from_delim_string(  # noqa: N802
    value: Union[str, T, set[T], None], type_: Any, delim: str | None = None
) -> set[T]:
    """
    Make a set of `type_` from `"1,2"`, from one value, or from a collection of them; None and `""` give an empty one.

    Args:
        value: What the user wrote.
        type_: The type of the members, any that pydantic can validate.
        delim: What separates members in a string; a comma by default.

    Raises:
        pydantic.ValidationError: A member is not of that type.
    """
    if value is None or value == "":
        return set()
    if isinstance(value, str):
        members: Collection[Any] = [member.strip() for member in value.split(delim or ",")]
    elif isinstance(value, (set, frozenset, list, tuple)):
        members = value
    else:
        members = [value]
    return cast("set[T]", _adapt(set(members), set[type_]))


def _retry_delay(text: str) -> float:
    try:
        return float(text.strip())
    except ValueError:
        message = (
            f"Invalid number format {text.strip()!r} for retry delay. "
            "Give seconds, or several separated by commas: '10' or '1,10,60'."
        )
        raise ValueError(message) from None


def parse_retry_delay_input(value: Any) -> Any:
    """
    Read retry delays: `"10"` as 10.0, `"1,10"` as a list, `""` as None. What is no string is returned as it is.

    Raises:
        ValueError: A part is no number.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    delays = [_retry_delay(part) for part in value.split(",")]
    return delays[0] if len(delays) == 1 else delays


def upper(value: Any) -> Any:
    """Return a string in upper case, anything else as it is."""
    return value.upper() if isinstance(value, str) else value


def without_blanks(value: Any) -> Any:
    """Return the strings of an iterable that hold more than blanks; a lone string is split at commas."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, (list, tuple, set, frozenset)):
        return [item.strip() if isinstance(item, str) else item for item in value if item is None or str(item).strip()]
    return value


def dict_from_json(value: Any) -> Any:
    """
    Return the mapping that a JSON text describes; anything but a string as it is.

    Raises:
        ValueError: The text is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        message = f'{value!r} is not JSON such as {{"name": "value"}}: {error}'
        raise ValueError(message) from error


def timedelta_from_seconds(value: Any) -> Any:
    """Read a plain number, or its text, as seconds; anything else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return timedelta(seconds=value)
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except ValueError:
            return value  # an ISO 8601 duration, which pydantic reads
    return value


def require_non_negative(value: timedelta) -> timedelta:
    """
    Return a duration that is not below zero.

    Raises:
        ValueError: It is below zero.
    """
    if value < timedelta(0):
        message = f"duration must be non-negative. It is {value}."
        raise ValueError(message)
    return value
