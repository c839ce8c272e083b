import json
import sys
from collections import OrderedDict, namedtuple
from enum import IntEnum

import pytest
from pydantic import BaseModel, SerializeAsAny, ValidationError

from prefect.plugins.errors import UnknownNameError
from prefect.plugins.registries import serializers
from prefect.serializers import (
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    UnknownSerializer,
    json_keeps,
    prefect_json_object_decoder,
)


class Holder(BaseModel):
    serializer: SerializeAsAny[Serializer]


def test_the_type_chooses_the_class():
    assert Serializer(type="json") == JSONSerializer()
    assert type(Serializer(type="pickle", picklelib="pickle")) is PickleSerializer
    assert Holder.model_validate({"serializer": {"type": "json"}}).serializer == JSONSerializer()
    assert Holder(serializer=PickleSerializer()).serializer == PickleSerializer()


def test_an_unknown_type_lists_those_that_are_installed():
    with pytest.raises(UnknownNameError, match="No serializer 'jsn' is registered. Installed: .*Did you mean 'json'"):
        Serializer(type="jsn")
    with pytest.raises(ValidationError, match="No serializer 'jsn'"):
        Holder.model_validate({"serializer": {"type": "jsn"}})


def test_a_subclass_is_registered_when_it_is_defined():
    class Reversing(Serializer):
        type: str = "reversing"

        def dumps(self, obj):
            return json.dumps(obj)[::-1].encode()

        def loads(self, blob):
            return json.loads(blob.decode()[::-1])

    assert serializers.get("reversing") is Reversing
    assert Serializer(type="reversing").loads(Reversing().dumps([1, 2])) == [1, 2]


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="nonsense"):
        JSONSerializer(nonsense=1)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: PickleSerializer(picklelib="no_such_lib"), "no_such_lib"),
        (lambda: PickleSerializer(picklelib="math"), "no function 'dumps'"),
        (lambda: JSONSerializer(jsonlib="no_such_lib"), "no_such_lib"),
        (lambda: CompressedSerializer(serializer="json", compressionlib="math"), "no function 'compress'"),
        (lambda: JSONSerializer(dumps_kwargs={"default": str}), "object_encoder"),
        (lambda: JSONSerializer(loads_kwargs={"object_hook": str}), "object_decoder"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_configured(make, problem):
    with pytest.raises(ValidationError, match=problem):
        make()


def test_a_required_version_of_the_pickle_library_is_checked():
    with pytest.raises(RuntimeError, match="requires cloudpickle 0.0.1, installed is"):
        PickleSerializer(picklelib_version="0.0.1").dumps(1)


def test_exceptions_keep_type_and_message():
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(f"{a}{b}")

    serializer = JSONSerializer()
    back = serializer.loads(serializer.dumps(ValueError("what")))
    assert type(back) is ValueError
    assert str(back) == "what"
    sys.modules[__name__].Odd = Odd
    Odd.__qualname__ = "Odd"
    back = serializer.loads(serializer.dumps(Odd("a", "b")))
    assert type(back) is Odd
    assert str(back) == "ab"


@pytest.mark.parametrize(
    "planted",
    [
        {"__class__": "os.system", "data": "true"},
        {"__class__": "builtins.eval", "data": "1"},
        {"__class__": "os.path", "data": "x"},
        {"__exc_type__": "os.system", "message": "true"},
        {"__exc_type__": "builtins.object", "message": "x"},
    ],
)
def test_data_cannot_name_anything_but_classes(planted):
    with pytest.raises(TypeError, match="must name a subclass"):
        prefect_json_object_decoder(planted)


def test_mappings_that_only_look_alike_stay_mappings():
    for value in ({"__class__": "x"}, {"data": 1}, {"__class__": "os.system", "data": 1, "more": 2}):
        assert prefect_json_object_decoder(dict(value)) == value


def test_a_module_that_fails_to_import_is_not_mistaken_for_a_missing_one(tmp_path, monkeypatch):
    (tmp_path / "broken_for_tests.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        prefect_json_object_decoder({"__class__": "broken_for_tests.Thing", "data": 1})
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        prefect_json_object_decoder({"__class__": "no_such_package.Thing", "data": 1})


def test_another_json_library_decodes_objects_too(tmp_path, monkeypatch):
    (tmp_path / "jsonlib_for_tests.py").write_text("from json import dumps, loads\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    serializer = JSONSerializer(jsonlib="jsonlib_for_tests")
    assert serializer.loads(serializer.dumps({"a": [{1, 2}]})) == {"a": [{1, 2}]}


def test_encoders_can_be_switched_off():
    serializer = JSONSerializer(object_encoder=None, object_decoder=None)
    with pytest.raises(TypeError, match="not JSON serializable"):
        serializer.dumps({1})
    described = {"__class__": "builtins.set", "data": [1]}
    assert serializer.loads(JSONSerializer().dumps({1})) == described


def test_an_unknown_serializer_shows_what_it_knows_and_does_nothing():
    unknown = UnknownSerializer.model_construct(type="arrow", level=3)
    assert unknown.model_dump() == {"type": "arrow", "level": 3}
    with pytest.raises(RuntimeError, match="its serializer 'arrow' is not available"):
        unknown.loads(b"x")
    with pytest.raises(RuntimeError, match="cannot be written"):
        unknown.dumps(1)


class Number(IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


Pair = namedtuple("Pair", "a b")
shared = [1]
cyclic = []
cyclic.append(cyclic)


@pytest.mark.parametrize(
    "value", [None, True, 1, -(2**63), 1.5, "x", [], {}, [1, [2, {"a": None}]], {"a": {"b": ["c"]}}]
)
def test_json_keeps_plain_values(value):
    assert json_keeps(value)
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: 2},
        {1, 2},
        b"x",
        Number.ONE,
        Text("x"),
        OrderedDict(a=1),
        Pair(1, 2),
        float("nan"),
        float("inf"),
        2**63,
        [shared, shared],
        cyclic,
        {"__class__": "x"},
        {"a": {"__exc_type__": 1}},
        [object()],
        range(3),
    ],
)
def test_json_does_not_keep_other_values(value):
    assert not json_keeps(value)


def test_very_large_and_very_deep_values_are_not_looked_at_to_the_end():
    deep = []
    for _ in range(100):
        deep = [deep]
    assert not json_keeps(deep)
    assert not json_keeps(list(range(200_000)))
