"""Models: dispatch, partial ones, pickles, parsing, secrets."""

from __future__ import annotations

import pickle

import pytest
from pydantic import BaseModel, PrivateAttr, SecretStr, ValidationError

from prefect.utilities.dispatch import (
    get_dispatch_key,
    get_registry_for_type,
    lookup_type,
    register_base_type,
    register_type,
)
from prefect.utilities.generics import validate_list
from prefect.utilities.pydantic import (
    PartialModel,
    add_cloudpickle_reduction,
    add_type_dispatch,
    custom_pydantic_encoder,
    get_class_fields_only,
    handle_secret_render,
    parse_obj_as,
)


class Model(BaseModel):
    x: int
    y: str = "a"


class Child(Model):
    z: int = 1


def make_base():
    @register_base_type
    class Base:
        initialized = []

        def __init_subclass__(cls, **kwargs):
            super().__init_subclass__(**kwargs)
            Base.initialized.append(cls.__name__)

        @classmethod
        def __dispatch_key__(cls):
            return None if cls.__name__ == "Base" else cls.__name__.lower()

    return Base


def test_subclasses_are_found_by_their_keys():
    base = make_base()

    class Kid(base): ...

    class Grandkid(Kid): ...

    assert lookup_type(base, "kid") is Kid
    assert lookup_type(Kid, "grandkid") is Grandkid
    assert get_registry_for_type(Grandkid) == {"kid": Kid, "grandkid": Grandkid}
    assert base.initialized == ["Kid", "Grandkid"]  # the class's own hook is called as well
    assert get_dispatch_key(Kid) == get_dispatch_key(Kid()) == "kid"
    assert get_dispatch_key(base, allow_missing=True) is None
    with pytest.raises(KeyError, match="'zz' in registry for type 'Base'. Registered: grandkid, kid"):
        lookup_type(base, "zz")


def test_what_has_no_key_or_no_registry():
    base = make_base()
    with pytest.raises(ValueError, match="'int' does not define a value for '__dispatch_key__'"):
        get_dispatch_key(int)
    with pytest.raises(TypeError, match="NoneType"):
        get_dispatch_key(base)
    with pytest.raises(ValueError, match="No registry found for type 'int'"):
        register_type(int)
    assert get_registry_for_type(int) is None


def test_a_key_that_is_taken_is_warned_of():
    base = make_base()

    class One(base):
        __dispatch_key__ = "same"

    with pytest.warns(UserWarning, match="key 'same' that matches existing registered type 'One'"):

        class Two(base):
            __dispatch_key__ = "same"

    assert lookup_type(base, "same") is Two


def test_models_that_dispatch_on_their_type():
    @add_type_dispatch
    class Shape(BaseModel):
        type: str

    class Circle(Shape):
        type: str = "circle"
        radius: int

    class Square(Shape):
        type: str = "square"

    assert isinstance(Shape(type="circle", radius=3), Circle)
    assert Shape(type="circle", radius=3).radius == 3
    assert isinstance(Shape(type="square"), Square)
    assert Circle(radius=1).type == "circle"
    with pytest.raises(KeyError, match="triangle"):
        Shape(type="triangle")
    with pytest.raises(ValueError, match="does not define"):
        add_type_dispatch(Model)


def test_partial_models():
    partial = PartialModel(Model, x=1)
    partial.y = "z"
    assert partial.finalize() == Model(x=1, y="z")
    assert repr(partial) == "PartialModel(Model, x=1, y='z')"
    with pytest.raises(ValueError, match="'y' has already been set"):
        partial.y = "q"
    with pytest.raises(ValueError, match="'x' has already been set"):
        partial.finalize(x=2)
    with pytest.raises(ValueError, match="'zz' is not present in the model Model"):
        PartialModel(Model, zz=1)
    with pytest.raises(ValidationError):
        PartialModel(Model).finalize()
    assert PartialModel(Model).finalize(x=1).x == 1


@add_cloudpickle_reduction
class Holder(BaseModel):
    function: object
    _secret: int = PrivateAttr(default=0)


def test_models_with_functions_can_be_pickled():
    holder = Holder(function=lambda: 5)
    holder._secret = 7
    twin = pickle.loads(pickle.dumps(holder))
    assert twin.function() == 5
    assert twin._secret == 7
    assert twin.model_fields_set == {"function"}
    assert isinstance(twin, Holder)
    assert add_cloudpickle_reduction()(Holder) is Holder
    with pytest.raises(TypeError, match="no arguments"):
        add_cloudpickle_reduction(odd=1)


def test_parsing():
    assert parse_obj_as(list[int], ["1"]) == [1]
    assert parse_obj_as(Model, '{"x": 1}', mode="json") == Model(x=1)
    assert parse_obj_as(int, "1", mode="strings") == 1
    assert validate_list(Model, [{"x": 1}]) == [Model(x=1)]
    with pytest.raises(ValidationError):
        validate_list(Model, {"x": 1})


def test_fields_of_a_class_alone():
    assert get_class_fields_only(Child) == {"z"}
    assert get_class_fields_only(Model) == {"x", "y"}


def test_encoders():
    assert custom_pydantic_encoder({int: lambda value: "int"}, 5) == "int"
    assert custom_pydantic_encoder({int: lambda value: "int"}, True) == "int"
    assert custom_pydantic_encoder({}, Model(x=1)) == {"x": 1, "y": "a"}
    with pytest.raises(Exception, match="Unable to serialize"):
        custom_pydantic_encoder({}, object())


def test_secrets():
    class WithSecret(BaseModel):
        password: SecretStr
        user: str

    assert handle_secret_render(SecretStr("abc"), {}) == "********"
    assert handle_secret_render(SecretStr("abc"), {"include_secrets": True}) == "abc"
    assert handle_secret_render(5, {}) == 5
    model = WithSecret(password="abc", user="me")
    assert handle_secret_render(model, {}) == {"password": "********", "user": "me"}
    assert handle_secret_render(model, {"include_secrets": True}) == {"password": "abc", "user": "me"}
