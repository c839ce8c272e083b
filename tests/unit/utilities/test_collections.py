from __future__ import annotations

import io
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple
from unittest.mock import MagicMock

import pytest
from pydantic import BaseModel, ConfigDict

from prefect.utilities.annotations import allow_failure, opaque, quote, unmapped
from prefect.utilities.collections import (
    AutoEnum,
    StopVisiting,
    batched_iterable,
    deep_merge,
    deep_merge_dicts,
    dict_to_flatdict,
    distinct,
    ensure_iterable,
    extract_instances,
    flatdict_to_dict,
    get_from_dict,
    isiterable,
    listrepr,
    remove_nested_keys,
    set_in_dict,
    visit_collection,
)


class Color(AutoEnum):
    RED = AutoEnum.auto()
    BLUE = "blue"


def test_enums_that_name_themselves():
    assert Color.RED.value == "RED"
    assert Color("RED") is Color.RED
    assert Color.BLUE.value == "blue"
    assert Color.RED == "RED"
    assert str(Color.RED) == repr(Color.RED) == f"{Color.RED}" == "Color.RED"


def test_flat_and_nested():
    nested = {1: {2: {3: 4}}, 5: 6, 7: {}}
    flat = {(1, 2, 3): 4, (5,): 6, (7,): {}}
    assert dict_to_flatdict(nested) == flat
    assert flatdict_to_dict(flat) == nested


@pytest.mark.parametrize("value", [[1], (1,), {1}, {1: 2}, iter([1]), range(3)])
def test_iterables(value):
    assert isiterable(value)
    assert ensure_iterable(value) is value


@pytest.mark.parametrize("value", ["a", b"a", 5, open, io.StringIO()])
def test_what_counts_as_one_thing(value):
    assert not isiterable(value)


def test_one_thing_becomes_an_iterable():
    assert ensure_iterable(5) == [5]
    assert ensure_iterable("ab") == "ab"


def test_lists():
    assert listrepr([1, "a"]) == "1 'a'"
    assert listrepr([1, "a"], sep=", ") == "1, 'a'"
    assert list(batched_iterable(range(5), 2)) == [(0, 1), (2, 3), (4,)]
    assert list(distinct([1, 2, 1, 3])) == [1, 2, 3]
    assert list(distinct([1, 2, 3], key=lambda x: x % 2)) == [1, 2]
    assert extract_instances([1, "a", 2], int) == [1, 2]
    assert extract_instances([1, "a", 2], (int, str)) == {int: [1, 2], str: ["a"]}
    assert extract_instances([1, "a"]) == [1, "a"]


def test_paths_into_nested_data():
    data = {"a": {"b": [1, {"c": 3}], "0": "zero"}}
    assert get_from_dict(data, "a.b[1].c") == 3
    assert get_from_dict(data, ["a", "b"]) == [1, {"c": 3}]
    assert get_from_dict(data, "a.0") == "zero"
    assert get_from_dict(data, "a.b[7]", default=9) == 9
    assert get_from_dict(data, "a.b.c.d", default=9) == 9
    assert get_from_dict(data, "x") is None
    set_in_dict(data, "x.y.z", 3)
    assert data["x"] == {"y": {"z": 3}}
    with pytest.raises(TypeError, match=r"'x\.y\.z' is 3"):
        set_in_dict(data, "x.y.z.q", 1)


def test_merging():
    first = {"a": {"b": 1, "c": 2}}
    assert deep_merge(first, {"a": {"b": 3}, "d": 4}) == {"a": {"b": 3, "c": 2}, "d": 4}
    assert first == {"a": {"b": 1, "c": 2}}
    assert deep_merge_dicts({"a": {"b": 1}}, {"a": {"c": 1}}, {"d": 2}) == {"a": {"b": 1, "c": 1}, "d": 2}
    assert deep_merge_dicts({"a": {"b": 1}}, {"a": 2}) == {"a": 2}


def test_removing_keys():
    assert remove_nested_keys(["a"], {"a": 1, "b": {"a": 2, "c": 3}, "d": [{"a": 1}]}) == {
        "b": {"c": 3},
        "d": [{"a": 1}],
    }
    assert remove_nested_keys(["a"], 5) == 5


@dataclass
class Point:
    x: int
    inner: list
    derived: str = field(init=False, default="three")


@dataclass(frozen=True)
class Frozen:
    x: int


@dataclass(slots=True)
class Slotted:
    x: int


class Model(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    x: int = 0
    inner: list = []
    _private: int = 5


class Pair(NamedTuple):
    x: int
    y: int


def increment(value):
    return value + 1 if type(value) is int else value


def visited(value, **options):
    seen = []

    def look(item):
        seen.append(item)
        return item

    visit_collection(value, look, **options)
    return seen


def test_everything_inside_is_visited_from_the_outside_in():
    assert visited([1, {"k": (2,)}]) == [[1, {"k": (2,)}], 1, {"k": (2,)}, "k", (2,), 2]
    assert visited(quote([1])) == [quote([1]), [1], 1]
    assert visited(Model(x=1, z=2)) == [Model(x=1, z=2), 1, [], 2]
    assert visited(Point(1, [])) == [Point(1, []), 1, [], "three"]


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (1, 2),
        ([1, [2]], [2, [3]]),
        ((1,), (2,)),
        ({1}, {2}),
        ({1: 1}, {2: 2}),
        (Pair(1, 2), Pair(2, 3)),
        (Point(1, [1]), Point(2, [2])),
        (Frozen(1), Frozen(2)),
        (Slotted(1), Slotted(2)),
        (Model(x=1, inner=[1], z=1), Model(x=2, inner=[2], z=2)),
        (quote([1]), quote([2])),
        (OrderedDict(a=1), OrderedDict(a=2)),
        ([quote(unmapped(1))], [quote(unmapped(2))]),
    ],
)
def test_what_changes_is_rebuilt(value, result):
    made = visit_collection(value, increment, return_data=True)
    assert made == result
    assert type(made) is type(result)


def test_models_keep_private_attributes_and_what_was_set():
    model = Model(x=1)
    model._private = 9
    made = visit_collection(model, increment, return_data=True)
    assert made.x == 2
    assert made._private == 9
    assert made.model_fields_set == {"x"}
    assert model.x == 1


def test_a_default_factory_stays():
    value = defaultdict(list, a=1)
    made = visit_collection(value, increment, return_data=True)
    assert made == {"a": 2}
    assert made["new"] == []


@pytest.mark.parametrize("value", [[1, [2]], {"a": (1,)}, Point("a", []), Model(), quote(["x"]), "text"])
def test_what_does_not_change_is_the_same_object(value):
    assert visit_collection(value, lambda item: item, return_data=True) is value


@pytest.mark.parametrize(
    "value", [frozenset({1}), deque([1]), range(3), iter([1]), (i for i in [1]), MagicMock(), Point]
)
def test_what_is_not_looked_into(value):
    assert visited(value) == [value]


def test_an_opaque_value_is_visited_but_not_looked_into():
    assert visited(opaque([1])) == [opaque([1]), [1]]
    assert visit_collection(opaque([1]), increment, return_data=True) == opaque([1])
    assert visit_collection(opaque(1), increment, return_data=True) == opaque(2)


def test_depth():
    assert visited([1, [2]], max_depth=0) == [[1, [2]]]
    assert visited([1, [2]], max_depth=1) == [[1, [2]], 1, [2]]
    assert visit_collection([1, [1]], increment, return_data=True, max_depth=1) == [2, [1]]


def test_annotations_can_be_removed():
    value = {"a": quote([1]), "b": allow_failure(unmapped(1))}
    assert visit_collection(value, increment, return_data=True, remove_annotations=True) == {"a": [2], "b": 2}


def test_stopping():
    def stop(value):
        if value == [2]:
            raise StopVisiting
        return increment(value)

    assert visit_collection([1, [2], 3], stop, return_data=True) == [2, [2], 4]


def test_nothing_is_returned_unless_asked_for():
    assert visit_collection([1], increment) is None


def test_what_a_visitor_returns_is_looked_into():
    assert visit_collection([1], lambda item: [5, [6]] if item == 1 else increment(item), return_data=True) == [
        [6, [7]]
    ]


def test_contexts_go_inwards():
    seen = []

    def look(value, context):
        seen.append((value, dict(context)))
        context["depth"] = context.get("depth", 0) + 1
        return value

    visit_collection({"a": quote([1])}, look, context={})
    assert seen == [
        ({"a": quote([1])}, {}),
        ("a", {"depth": 1}),
        (quote([1]), {"depth": 1}),
        ([1], {"depth": 2, "annotation": quote([1])}),
        (1, {"depth": 3, "annotation": quote([1])}),
    ]


def test_cycles_end_and_shared_parts_are_entered_once():
    cycle = [1]
    cycle.append(cycle)
    assert visit_collection(cycle, increment, return_data=True)[0] == 2
    visit_collection(cycle, lambda value, context: value, context={})
    shared = [5]
    assert visited([shared, shared]).count(5) == 1
    made = visit_collection([shared, shared], increment, return_data=True)
    assert made == [[6], [6]]
    assert made[0] is made[1]
