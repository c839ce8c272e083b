from __future__ import annotations

import copy
import pickle

import cloudpickle
import pytest

from prefect.utilities.annotations import Quote, allow_failure, freeze, opaque, quote, unmapped

KINDS = [unmapped, allow_failure, quote, opaque, freeze]


@pytest.mark.parametrize("kind", KINDS)
def test_a_remark_on_a_value(kind):
    value = [1]
    made = kind(value)
    assert made.value is made.unwrap() is value
    assert made == kind([1])
    assert made != ([1],)
    assert made != kind([2])
    assert repr(made) == f"{kind.__name__}([1])"
    assert type(made.rewrap(2)) is kind
    assert made.rewrap(2).value == 2
    assert hash(kind(1)) == hash(kind(1)) != hash(unmapped("x"))


@pytest.mark.parametrize("kind", KINDS)
def test_remarks_are_copied_and_pickled(kind):
    made = kind([1])
    for twin in (
        copy.copy(made),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
        cloudpickle.loads(cloudpickle.dumps(made)),
    ):
        assert twin == made
        assert type(twin) is kind


def test_kinds_differ():
    assert unmapped(1) != quote(1)
    assert quote(1) != allow_failure(1)


def test_an_unmapped_value_is_at_every_position():
    assert unmapped([1])[5] == [1]
    with pytest.raises(IndexError):
        allow_failure([1])[5]


def test_names_of_the_same_thing():
    assert quote("x").unquote() == "x"
    assert freeze("x").unfreeze() == "x"
    with pytest.warns(DeprecationWarning, match="Use `quote`"):
        assert Quote(1).unquote() == 1


def test_only_json_can_be_frozen():
    with pytest.raises(ValueError, match="JSON"):
        freeze(object())
