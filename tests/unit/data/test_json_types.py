"""Whether values fit the types of JSON schemas, as pydantic makes them."""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

import pydantic
import pytest

from prefect.server.operations.json_types import fits


class Inner(pydantic.BaseModel):
    x: int


class Outer(pydantic.BaseModel):
    text: str
    number: float = 0
    flag: bool = False
    inner: Optional[Inner] = None
    several: list[Inner] = []
    choice: Literal["a", "b"] = "a"
    either: Union[int, str] = 1


SCHEMA = Outer.model_json_schema()


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("text", ["x", ""], [1, None, []]),
        ("number", [1, 1.5], ["1", True, None]),
        ("flag", [True], [1, "true"]),
        ("inner", [None, {"x": 1}, {"x": 1.0}], [{}, {"x": "1"}, 5]),
        ("several", [[], [{"x": 1}]], [{}, [{"x": None}], [1]]),
        ("choice", ["b"], ["c", 1]),
        ("either", [1, "x"], [None, 1.5]),
    ],
)
def test_fields(field: str, good: list[Any], bad: list[Any]) -> None:
    schema = SCHEMA["properties"][field]
    assert [value for value in good if not fits(value, schema, SCHEMA)] == []
    assert [value for value in bad if fits(value, schema, SCHEMA)] == []


def test_objects_need_their_required_fields() -> None:
    assert fits({"text": "x", "unknown": 1}, SCHEMA, SCHEMA)
    assert not fits({}, SCHEMA, SCHEMA)
