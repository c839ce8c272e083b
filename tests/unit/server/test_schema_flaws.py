"""What is wrong with values, by JSON schemas as pydantic writes them and people add to them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from prefect.server.operations.schema_flaws import UnusableSchemaError, find_flaws

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"type": "string", "default": "q", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"},
        "l": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "o": {"$ref": "#/definitions/O"},
        "e": {"enum": ["a", "b", 1]},
        "c": {"const": True},
        "u": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "one": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 3}]},
        "both": {"allOf": [{"type": "integer"}, {"minimum": 3}]},
        "pair": {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "minItems": 2,
            "maxItems": 2,
        },
        "m": {"type": "number", "minimum": 3, "exclusiveMaximum": 9, "multipleOf": 0.5},
        "d": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
        "no": {"not": {"type": "string"}},
        "b": {"anyOf": [{"$ref": "#/definitions/Secret"}, {"type": "null"}]},
        "t": {"$ref": "#/definitions/Tree"},
        "never": False,
    },
    "required": ["n"],
    "definitions": {
        "O": {
            "type": "object",
            "properties": {"x": {"type": "integer"}},
            "required": ["x"],
            "additionalProperties": False,
        },
        "Secret": {
            "type": "object",
            "block_type_slug": "secret",
            "properties": {"value": {"type": "string"}},
            "required": ["value"],
        },
        "Tree": {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/definitions/Tree"}}}},
    },
}


def flaws(**values: Any) -> list[str]:
    return [f"{flaw.place}: {flaw.reason}" for flaw in find_flaws({"n": 1, **values}, SCHEMA)]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n": 2.0, "unknown": [1]},
        {"s": "abc", "l": [1, 2], "o": {"x": 1}, "e": 1, "c": True},
        {"u": None, "one": 2, "both": 3, "pair": [1, "a"], "m": 3.5},
        {"d": {"a": 1}, "no": 1},
        {"b": {"$ref": {"block_document_id": "x"}}},
        {"b": {"$ref": "x"}},
        {"t": {"below": [{"below": []}, {}]}},
    ],
)
def test_values_that_fit_have_no_flaws(values: dict[str, Any]) -> None:
    assert flaws(**values) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"n": "x"}, ["n: 'x' is not of type 'integer'"]),
        ({"n": True}, ["n: True is not of type 'integer'"]),
        ({"n": 1.5}, ["n: 1.5 is not of type 'integer'"]),
        ({"n": None, "s": 4}, ["n: None is not of type 'integer'", "s: 4 is not of type 'string'"]),
        ({"s": ""}, ["s: '' is too short"]),
        ({"s": "abcd"}, ["s: 'abcd' is too long"]),
        ({"s": "A"}, ["s: 'A' does not match '^[a-z]*$'"]),
        ({"l": [1, "a", 2.5]}, ["l[1]: 'a' is not of type 'integer'", "l[2]: 2.5 is not of type 'integer'"]),
        ({"l": []}, ["l: [] is too short"]),
        ({"l": [1, 1]}, ["l: [1, 1] has non-unique elements"]),
        ({"o": {}}, ["o: 'x' is a required property"]),
        ({"o": {"x": "a"}}, ["o.x: 'a' is not of type 'integer'"]),
        ({"o": {"x": 1, "y": 2}}, ["o: Additional properties are not allowed ('y' was unexpected)"]),
        ({"e": "c"}, ["e: 'c' is not one of ['a', 'b', 1]"]),
        ({"e": True}, ["e: True is not one of ['a', 'b', 1]"]),
        ({"c": 1}, ["c: True was expected"]),
        ({"u": [1]}, ["u: [1] is not valid under any of the given schemas"]),
        ({"one": 5}, ["one: 5 is not valid under exactly one of the given schemas"]),
        ({"one": "x"}, ["one: 'x' is not valid under any of the given schemas"]),
        ({"both": 1}, ["both: 1 is less than the minimum of 3"]),
        ({"pair": [1]}, ["pair: [1] is too short"]),
        ({"pair": [1, 2]}, ["pair[1]: 2 is not of type 'string'"]),
        ({"m": 9}, ["m: 9 is not less than 9"]),
        ({"m": 3.2}, ["m: 3.2 is not a multiple of 0.5"]),
        ({"d": {"a": "x"}}, ["d.a: 'x' is not of type 'integer'"]),
        ({"d": {"a": 1, "b": 2, "c": 3}}, ["d: {'a': 1, 'b': 2, 'c': 3} has too many properties"]),
        ({"no": "x"}, ["no: 'x' should not be valid under {'type': 'string'}"]),
        (
            {"b": {"$ref": "x", "value": 1}},
            ["b: {'$ref': 'x', 'value': 1} is not valid under any of the given schemas"],
        ),
        (
            {"o": {"$ref": "x"}},
            ["o: 'x' is a required property", "o: Additional properties are not allowed ('$ref' was unexpected)"],
        ),
        ({"t": {"below": [{"below": [3]}]}}, ["t.below[0].below[0]: 3 is not of type 'object'"]),
        ({"never": 1}, ["never: 1 is not allowed here"]),
    ],
)
def test_each_flaw_is_told_with_its_place(values: dict[str, Any], expected: list[str]) -> None:
    assert flaws(**values) == expected


def test_a_missing_value_is_told_without_a_place() -> None:
    (flaw,) = find_flaws({}, SCHEMA)
    assert str(flaw) == "Validation failed. Failure reason: 'n' is a required property"
    (flaw,) = find_flaws({"n": []}, SCHEMA)
    assert str(flaw) == "Validation failed for field 'n'. Failure reason: [] is not of type 'integer'"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"properties": {"n": {"type": "bogus"}}}, "type 'bogus'"),
        ({"properties": {"n": {"$ref": "#/definitions/Q"}}}, "refers to '#/definitions/Q'"),
        ({"properties": {"n": {"pattern": "("}}}, "a pattern that is none"),
        (
            {"definitions": {"A": {"$ref": "#/definitions/A"}}, "properties": {"n": {"$ref": "#/definitions/A"}}},
            "deeper than",
        ),
    ],
)
def test_a_schema_that_says_nothing_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableSchemaError, match=reason):
        list(find_flaws({"n": "x"}, schema))


def test_patterns_are_looked_for_in_a_time_that_grows_with_the_text() -> None:
    assert [flaw.reason for flaw in find_flaws("a" * 50 + "!", {"pattern": "^(a+)+$"})] == [
        f"'{'a' * 50}!' does not match '^(a+)+$'"
    ]
    assert list(find_flaws("bab", {"pattern": "a+"})) == []


def test_patterns_that_look_around_are_left_to_others() -> None:
    assert list(find_flaws("x", {"pattern": "(?<=a)b"})) == []
    assert list(find_flaws({"x": 1}, {"patternProperties": {"(?=a)": False}, "additionalProperties": False})) == []


@pytest.mark.parametrize("schema", [{"minLength": "x"}, {"multipleOf": 0}, {"pattern": "("}, {"anyOf": 3}, {"$ref": 3}])
@pytest.mark.parametrize("value", ["text", 3])
def test_schemas_that_are_none_are_unusable_or_say_nothing(schema: dict[str, Any], value: object) -> None:
    with suppress(UnusableSchemaError):
        assert list(find_flaws(value, schema)) == []


def test_alternatives_within_alternatives_are_not_followed_for_ever() -> None:
    again = {"$ref": "#/definitions/a"}
    with pytest.raises(UnusableSchemaError, match="steps|deeper"):
        list(find_flaws(1, {"definitions": {"a": {"allOf": [again, again]}}, **again}))
    levels = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(60)}
    with pytest.raises(UnusableSchemaError, match="100000 steps"):
        list(find_flaws(1, {"definitions": {**levels, "d60": {}}, "$ref": "#/definitions/d0"}))
