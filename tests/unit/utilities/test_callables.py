from __future__ import annotations

import datetime as dt
import enum
import inspect
import subprocess
import sys
import textwrap
import timeit
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Optional, Union

import pytest
from pydantic import BaseModel, Field, SecretStr

from prefect.exceptions import (
    MappingLengthMismatch,
    MappingMissingIterable,
    ParameterBindError,
    ReservedArgumentError,
    SignatureMismatchError,
)
from prefect.utilities import callables
from prefect.utilities.annotations import allow_failure, quote, unmapped
from prefect.utilities.callables import (
    ParameterSchema,
    call_with_parameters,
    cloudpickle_wrapped_call,
    collapse_variadic_parameters,
    expand_mapping_parameters,
    explode_variadic_parameter,
    generate_parameter_schema,
    get_call_parameters,
    get_parameter_defaults,
    parameter_docstrings,
    parameter_schema,
    parameter_schema_from_entrypoint,
    parameters_to_args_kwargs,
    raise_for_reserved_arguments,
    signature_of,
)
from prefect.utilities.lazy import declared_exports


def plain(a, b=2): ...


def keyword(a, *, k, z=1): ...


def positional(x, /, y, *, z=3): ...


def variadic(a, b=2, *args, k="x", **kw): ...


def no_parameters(): ...


CALLS = [
    (plain, (1,), {}),
    (plain, (1, 3), {}),
    (plain, (), {"b": 1, "a": 2}),
    (keyword, (1,), {"k": 2}),
    (keyword, (), {"z": 2, "k": 2, "a": 0}),
    (positional, (1, 2), {}),
    (positional, (1,), {"y": 2, "z": 5}),
    (variadic, (1,), {}),
    (variadic, (1, 2, 3, 4), {"k": "z", "q": 9}),
    (no_parameters, (), {}),
    (partial(plain, 1), (5,), {}),
]

WRONG_CALLS = [
    (plain, (), {}),
    (plain, (1, 2, 3), {}),
    (plain, (1,), {"a": 1}),
    (plain, (1,), {"c": 1}),
    (keyword, (1, 2), {}),
    (keyword, (1,), {}),
    (positional, (), {"x": 1, "y": 1}),
    (no_parameters, (1,), {}),
    (no_parameters, (), {"a": 1}),
]


@pytest.mark.parametrize(("fn", "args", "kwargs"), CALLS)
def test_parameters_are_bound_as_python_does(fn, args, kwargs):
    bound = inspect.signature(fn).bind(*args, **kwargs)
    assert get_call_parameters(fn, args, kwargs, apply_defaults=False) == dict(bound.arguments)
    bound.apply_defaults()
    parameters = get_call_parameters(fn, args, kwargs)
    assert parameters == dict(bound.arguments)
    assert list(parameters) == list(bound.arguments)


@pytest.mark.parametrize(("fn", "args", "kwargs"), WRONG_CALLS)
def test_calls_that_python_refuses_are_refused(fn, args, kwargs):
    with pytest.raises(TypeError):
        inspect.signature(fn).bind(*args, **kwargs)
    with pytest.raises(ParameterBindError, match=f"Error binding parameters for function {fn.__name__!r}"):
        get_call_parameters(fn, args, kwargs)


@pytest.mark.parametrize(("fn", "args", "kwargs"), CALLS)
def test_named_parameters_make_the_same_call(fn, args, kwargs):
    parameters = get_call_parameters(fn, args, kwargs)
    new_args, new_kwargs = parameters_to_args_kwargs(fn, parameters)
    assert get_call_parameters(fn, new_args, new_kwargs) == parameters


def test_positional_arguments_stay_positional():
    assert parameters_to_args_kwargs(plain, {"a": 1, "b": 2}) == ((1, 2), {})
    assert parameters_to_args_kwargs(positional, {"x": 1, "y": 2, "z": 3}) == ((1, 2), {"z": 3})
    assert parameters_to_args_kwargs(plain, {"b": 2}) == ((), {"b": 2})
    with pytest.raises(SignatureMismatchError, match=r"\['a', 'b'\] but was provided with parameters \['q'\]"):
        parameters_to_args_kwargs(plain, {"q": 1})


def test_a_call_with_parameters():
    assert call_with_parameters(
        lambda x, *args, k, **kw: (x, args, k, kw), {"x": 1, "args": (2,), "k": 3, "kw": {"q": 4}}
    ) == (
        1,
        (2,),
        3,
        {"q": 4},
    )


def test_methods_and_callable_objects():
    class Thing:
        def method(self, a, b=1): ...

        def __call__(self, c): ...

    assert get_call_parameters(Thing().method, (1,), {}) == {"a": 1, "b": 1}
    assert get_call_parameters(Thing(), (1,), {}) == {"c": 1}
    assert get_call_parameters(Thing().method, (2,), {}) == {"a": 2, "b": 1}


def test_a_wrapped_function_has_the_signature_of_the_inner_one():
    @wraps(plain)
    def outer(*args, **kwargs): ...

    assert list(signature_of(outer).parameters) == ["a", "b"]


def test_variadic_parameters():
    parameters = get_call_parameters(variadic, (1, 2, 3), {"q": 9})
    exploded = explode_variadic_parameter(variadic, parameters)
    assert exploded == {"a": 1, "b": 2, "args": (3,), "k": "x", "q": 9}
    assert collapse_variadic_parameters(variadic, exploded) == parameters
    assert collapse_variadic_parameters(variadic, {"a": 1}) == {"a": 1}
    assert explode_variadic_parameter(plain, {"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match=r"\['q'\]"):
        collapse_variadic_parameters(plain, {"a": 1, "q": 2})
    assert get_parameter_defaults(variadic) == {"b": 2, "k": "x"}


def test_a_packed_call_can_be_made_by_another_process():
    import pickle

    packed = pickle.dumps(cloudpickle_wrapped_call(lambda x, *, y: [x, y], 1, y=2))
    code = "import sys, pickle; sys.stdout.buffer.write(pickle.loads(sys.stdin.buffer.read())())"
    result = subprocess.run([sys.executable, "-c", code], input=packed, capture_output=True, check=True)
    assert pickle.loads(result.stdout) == [1, 2]


def test_reserved_arguments():
    raise_for_reserved_arguments(plain, ["z"])
    with pytest.raises(ReservedArgumentError, match="'b' is a reserved"):
        raise_for_reserved_arguments(plain, ["z", "b"])


def test_the_calls_of_a_map():
    def fn(x, y, z=3): ...

    expand = partial(expand_mapping_parameters, fn)
    assert expand({"x": [1, 2], "y": 5}) == [{"x": 1, "y": 5, "z": 3}, {"x": 2, "y": 5, "z": 3}]
    assert expand({"x": (i for i in (1, 2)), "y": unmapped([5, 6])})[1] == {"x": 2, "y": [5, 6], "z": 3}
    assert expand({"x": [1, 2], "y": "text"})[0]["y"] == "text"
    assert expand({"x": allow_failure([1, 2]), "y": quote([3, 4])})[1] == {"x": allow_failure(2), "y": quote(4), "z": 3}
    assert expand({"x": [1], "y": allow_failure(unmapped([1, 2]))})[0]["y"] == allow_failure([1, 2])
    assert expand({"x": [1], "y": unmapped(allow_failure([1, 2]))})[0]["y"] == allow_failure([1, 2])
    assert expand({"x": [], "y": 1}) == []
    assert expand({"x": {"a": 1, "b": 2}, "y": 1})[1]["x"] == "b"
    assert [list(row) for row in expand({"y": [1], "x": 1})] == [["x", "y", "z"]]


def test_defaults_and_models_are_not_mapped_over():
    class Model(BaseModel):
        a: int = 1

    def fn(x, y, z=(7, 8, 9)): ...

    model = Model()
    assert expand_mapping_parameters(fn, {"x": [1, 2], "y": model})[1] == {"x": 2, "y": model, "z": (7, 8, 9)}


def test_variadic_parameters_of_a_map():
    def fn(a, *args, **kw): ...

    rows = expand_mapping_parameters(
        fn, {"a": [1, 2], "args": ([1, 2], [3, 4]), "kw": {"q": [5, 6], "r": unmapped([7])}}
    )
    assert rows[1] == {"a": 2, "args": [3, 4], "kw": {"q": 6, "r": [7]}}


def test_maps_that_cannot_be():
    with pytest.raises(MappingMissingIterable, match="at least one iterable"):
        expand_mapping_parameters(plain, {"a": 1, "b": 2})
    with pytest.raises(MappingLengthMismatch, match=r"\{'a': 2, 'b': 1\}"):
        expand_mapping_parameters(plain, {"a": [1, 2], "b": [1]})


def test_binding_costs_little():
    best = min(timeit.repeat(lambda: get_call_parameters(plain, (1,), {}), number=2000, repeat=5)) / 2000
    assert best < 10e-6  # about 1 microsecond; the machine may be busy


class Inner(BaseModel):
    q: int
    r: Optional[str] = None


class Kind(enum.Enum):
    A = 1
    B = 2


class Custom: ...


def rich(
    m: Inner,
    items: list[int],
    d: dt.datetime,
    e: Kind,
    s: SecretStr,
    c: Custom,
    o: Optional[Inner] = None,
    u: Union[int, str] = 3,
    p: Path = Path("."),
    n=None,
    f: float = Field(default=2.0, description="from the field", ge=1),
    a: Annotated[int, Field(description="from the annotation")] = 1,
    t: dt.timedelta = dt.timedelta(seconds=3),
    cb: Callable = print,
    model_config: int = 1,
    missing: NotDefinedAnywhere = None,  # noqa: F821
    *args: int,
    **kw: Any,
):
    """Do it.

    Args:
        m: The model,
            on two lines.
        items (list[int]): The items.
        **kw: More.

    Returns:
        Nothing.
    """


def test_the_schema_of_parameters():
    schema = parameter_schema(rich).model_dump_for_openapi()
    properties = schema["properties"]
    assert list(properties) == list(inspect.signature(rich).parameters)
    assert [properties[name]["position"] for name in properties] == list(range(len(properties)))
    assert properties["m"] == {
        "$ref": "#/definitions/Inner",
        "title": "m",
        "position": 0,
        "description": "The model,\non two lines.",
    }
    assert properties["items"] == {
        "type": "array",
        "items": {"type": "integer"},
        "title": "items",
        "position": 1,
        "description": "The items.",
    }
    assert properties["d"]["format"] == "date-time"
    assert properties["s"]["format"] == "password"
    assert properties["c"] == {"title": "c", "position": 5}
    assert properties["o"]["anyOf"] == [{"$ref": "#/definitions/Inner"}, {"type": "null"}]
    assert properties["o"]["default"] is None
    assert properties["u"]["default"] == 3
    assert properties["p"] == {"type": "string", "format": "path", "title": "p", "position": 8, "default": "."}
    assert properties["f"]["description"] == "from the field"
    assert properties["f"]["minimum"] == 1
    assert properties["f"]["default"] == 2.0
    assert properties["a"]["description"] == "from the annotation"
    assert properties["t"]["default"] == "PT3S"
    assert "default" not in properties["cb"]
    assert properties["model_config"]["type"] == "integer"
    assert properties["missing"]["default"] is None
    assert properties["kw"]["description"] == "More."
    assert schema["required"] == ["m", "items", "d", "e", "s", "c"]
    assert schema["definitions"]["Kind"]["enum"] == [1, 2]
    assert schema["definitions"]["Inner"]["required"] == ["q"]
    assert schema["type"] == "object"
    assert schema["title"] == "Parameters"


def test_the_schema_of_a_method_leaves_the_instance_out():
    def method(self, cls): ...

    assert parameter_schema(method).model_dump_for_openapi() == {
        "title": "Parameters",
        "type": "object",
        "properties": {},
        "definitions": {},
    }
    assert ParameterSchema().required == []


def test_a_schema_of_a_signature_and_descriptions():
    schema = generate_parameter_schema(inspect.signature(plain), {"a": "The a."})
    assert schema.properties["a"]["description"] == "The a."
    assert schema.required == ["a"]


@pytest.mark.parametrize(
    "docstring", [None, "", "No sections.", ":param a: sphinx", "X.\n\nParameters\n------\na : int\n"]
)
def test_docstrings_without_arguments(docstring):
    assert parameter_docstrings(docstring) == {}


def test_a_schema_from_a_file_whose_imports_are_missing(tmp_path):
    path = tmp_path / "flows.py"
    path.write_text(
        textwrap.dedent('''
        import nonexistent_module
        from pydantic import BaseModel
        from helper_beside import LIMIT

        class Q(BaseModel):
            a: int = 1

        def deco(**k):
            return lambda f: f

        @nonexistent_module.wrap
        @deco(name="x")
        def run(a: int, q: Q, /, b: "str" = "z", c: nonexistent_module.T = None, *rest, limit: int = LIMIT, **more):
            """D.

            Args:
                a: The a.
            """

        class Holder:
            @staticmethod
            async def run(z: int): ...

        raise SystemExit("not executed")
        ''')
    )
    (tmp_path / "helper_beside.py").write_text("LIMIT = 7\n")
    schema = parameter_schema_from_entrypoint(f"{path}:run")
    assert schema.required == ["a", "q"]
    assert schema.properties["a"] == {"type": "integer", "title": "a", "position": 0, "description": "The a."}
    assert schema.properties["q"]["$ref"] == "#/definitions/Q"
    assert schema.properties["b"] == {"type": "string", "title": "b", "position": 2, "default": "z"}
    assert schema.properties["limit"]["default"] == 7
    assert "more" in schema.properties
    assert parameter_schema_from_entrypoint(f"{path}:Holder.run").required == ["z"]
    with pytest.raises(ValueError, match="'nope' not found"):
        parameter_schema_from_entrypoint(f"{path}:nope")
    with pytest.raises(ValueError, match="no file or module"):
        parameter_schema_from_entrypoint(f"{tmp_path}/absent.py:run")
    assert parameter_schema_from_entrypoint("textwrap.shorten").required == ["text", "width"]


def test_the_lazy_names_are_those_of_the_type_checking_block():
    declared = declared_exports(Path(callables.__file__))
    assert set(declared) == {name for name in callables.__all__ if "schema" in name.lower() or "docstrings" in name}
    for name, module in declared.items():
        assert getattr(callables, name).__module__ == module
    assert set(callables.__all__) <= set(dir(callables))


def test_binding_does_not_load_what_schemas_need():
    code = (
        "import sys, prefect.utilities.callables as c; c.get_call_parameters(lambda a: 1, (1,), {});"
        "assert 'prefect.utilities.parameter_schemas' not in sys.modules and 'pydantic.json_schema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
