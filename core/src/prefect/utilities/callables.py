"""Calls: from arguments to named parameters and back. How a function takes its arguments is looked up once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from prefect.exceptions import (
    MappingLengthMismatch,
    MappingMissingIterable,
    ParameterBindError,
    ReservedArgumentError,
    SignatureMismatchError,
)
from prefect.utilities import lazy
from prefect.utilities.annotations import BaseAnnotation, allow_failure, quote, unmapped
from prefect.utilities.collections import isiterable

if TYPE_CHECKING:
    from prefect.utilities.parameter_schemas import (
        ParameterSchema,  # noqa: TC004 - `lazy` imports it
        generate_parameter_schema,  # noqa: TC004 - `lazy` imports it
        parameter_docstrings,  # noqa: TC004 - `lazy` imports it
        parameter_schema,  # noqa: TC004 - `lazy` imports it
        parameter_schema_from_entrypoint,  # noqa: TC004 - `lazy` imports it
    )

lazy.install(
    globals(),
    {
        "ParameterSchema": "prefect.utilities.parameter_schemas",
        "generate_parameter_schema": "prefect.utilities.parameter_schemas",
        "parameter_docstrings": "prefect.utilities.parameter_schemas",
        "parameter_schema": "prefect.utilities.parameter_schemas",
        "parameter_schema_from_entrypoint": "prefect.utilities.parameter_schemas",
    },
)

__all__ = [
    "ParameterSchema",
    "call_with_parameters",
    "cloudpickle_wrapped_call",
    "collapse_variadic_parameters",
    "expand_mapping_parameters",
    "explode_variadic_parameter",
    "generate_parameter_schema",
    "get_call_parameters",
    "get_parameter_defaults",
    "parameter_docstrings",
    "parameter_schema",
    "parameter_schema_from_entrypoint",
    "parameters_to_args_kwargs",
    "raise_for_reserved_arguments",
    "signature_of",
]

R = TypeVar("R")

_BY_POSITION_OR_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD
_BY_NAME = inspect.Parameter.KEYWORD_ONLY


class _Plan:
    """How a function takes its arguments."""

    __slots__ = ("defaults", "is_simple", "names", "positional", "signature", "var_keyword", "var_positional")

    def __init__(self, signature: inspect.Signature) -> None:
        parameters = signature.parameters
        self.signature = signature
        self.names = tuple(parameters)
        kinds = {parameter.kind for parameter in parameters.values()}
        self.is_simple = kinds <= {_BY_POSITION_OR_NAME, _BY_NAME}
        self.positional = tuple(
            name
            for name, parameter in parameters.items()
            if parameter.kind in {inspect.Parameter.POSITIONAL_ONLY, _BY_POSITION_OR_NAME}
        )
        self.defaults = {
            name: parameter.default
            for name, parameter in parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }
        self.var_positional = _name_of(parameters, inspect.Parameter.VAR_POSITIONAL)
        self.var_keyword = _name_of(parameters, inspect.Parameter.VAR_KEYWORD)


def _name_of(parameters: Any, kind: Any) -> str | None:
    return next((name for name, parameter in parameters.items() if parameter.kind is kind), None)


_plans: WeakKeyDictionary[Any, _Plan] = WeakKeyDictionary()


def signature_of(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function; annotations that cannot be evaluated stay as they are."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(fn, annotation_format=Format.FORWARDREF)
    return inspect.signature(fn)


def _plan_of(fn: Callable[..., Any]) -> _Plan:
    try:
        plan = _plans.get(fn)
    except TypeError:  # neither hashable nor referable
        return _Plan(signature_of(fn))
    if plan is None:
        plan = _Plan(signature_of(fn))
        # A bound method is a new object each time, which nothing would keep in the dictionary.
        if not inspect.ismethod(fn):
            _plans[fn] = plan
    return plan


def get_call_parameters(
    fn: Callable[..., Any], call_args: tuple[Any, ...], call_kwargs: dict[str, Any], apply_defaults: bool = True
) -> dict[str, Any]:
    """
    The parameters of a call by name, in the order of the signature.

    Args:
        fn: The function.
        call_args: Positional arguments.
        call_kwargs: Keyword arguments.
        apply_defaults: Whether parameters that were not given have their defaults.

    Raises:
        ParameterBindError: The function does not take these arguments.
    """
    plan = _plan_of(fn)
    if plan.is_simple and apply_defaults:
        parameters = _bind(plan, call_args, call_kwargs)
        if parameters is not None:
            return parameters
    try:
        bound = plan.signature.bind(*call_args, **call_kwargs)
    except TypeError as error:
        raise ParameterBindError.from_bind_failure(fn, error, call_args, call_kwargs) from None
    if apply_defaults:
        bound.apply_defaults()
    return dict(bound.arguments)


def _bind(plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """What `inspect` would make of a call, for functions without `*`, `**` and `/`; None if it would raise."""
    if len(args) > len(plan.positional):
        return None
    given = dict(zip(plan.positional, args))  # noqa: B905 - there may be fewer
    parameters = {}
    defaults = plan.defaults
    used = len(given)
    for name in plan.names:
        if name in given:
            if name in kwargs:
                return None
            parameters[name] = given[name]
        elif name in kwargs:
            parameters[name] = kwargs[name]
            used += 1
        elif name in defaults:
            parameters[name] = defaults[name]
        else:
            return None
    return parameters if used == len(args) + len(kwargs) else None


def get_parameter_defaults(fn: Callable[..., Any]) -> dict[str, Any]:
    """The parameters that have a default, with it."""
    return dict(_plan_of(fn).defaults)


def explode_variadic_parameter(fn: Callable[..., Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Put the items of a `**kwargs` parameter in its place: `{"a": 1, "kwargs": {"b": 2}}` is `{"a": 1, "b": 2}`."""
    name = _plan_of(fn).var_keyword
    if name is None or name not in parameters:
        return parameters
    others = {key: value for key, value in parameters.items() if key != name}
    return {**others, **parameters[name]}


def collapse_variadic_parameters(fn: Callable[..., Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """
    Undo `explode_variadic_parameter`: gather what is not in the signature under the name of `**kwargs`.

    Raises:
        ValueError: There are such parameters, but no `**kwargs`.
    """
    plan = _plan_of(fn)
    known = {name: value for name, value in parameters.items() if name in plan.signature.parameters}
    missing = {name: value for name, value in parameters.items() if name not in known}
    if not missing:
        return known
    if plan.var_keyword is None:
        message = (
            f"Signature for {fn} does not include any variadic keyword argument but parameters were given that are not "
            f"present in the signature: {list(missing)}."
        )
        raise ValueError(message)
    known[plan.var_keyword] = {**known.get(plan.var_keyword, {}), **missing}
    return known


def parameters_to_args_kwargs(
    fn: Callable[..., Any], parameters: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Make arguments for a call of named parameters; `fn(*args, **kwargs)` then gets each of them.

    Args:
        fn: The function.
        parameters: Its parameters by name; those with a default may be absent.

    Raises:
        SignatureMismatchError: The function does not have all of these parameters.
    """
    plan = _plan_of(fn)
    unknown = parameters.keys() - plan.signature.parameters.keys()
    if unknown:
        raise SignatureMismatchError.from_bad_params(list(plan.names), list(parameters))
    kwargs = dict(parameters)
    args: list[Any] = []
    for name in plan.positional:
        if name not in kwargs:  # one with a default: those after it go by name
            break
        args.append(kwargs.pop(name))
    if plan.var_positional is not None:
        args.extend(kwargs.pop(plan.var_positional, ()))
    if plan.var_keyword is not None:
        kwargs.update(kwargs.pop(plan.var_keyword, {}))
    return tuple(args), kwargs


def call_with_parameters(fn: Callable[..., R], parameters: dict[str, Any]) -> R:
    """
    Call a function with named parameters, as `get_call_parameters` gives them.

    Raises:
        SignatureMismatchError: The function does not have all of these parameters.
    """
    args, kwargs = parameters_to_args_kwargs(fn, parameters)
    return fn(*args, **kwargs)


def _run_serialized_call(payload: bytes) -> bytes:
    import cloudpickle

    fn, args, kwargs = cloudpickle.loads(payload)
    return cast("bytes", cloudpickle.dumps(fn(*args, **kwargs)))


def cloudpickle_wrapped_call(__fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[], bytes]:
    """
    Pack a call so that any process can make it, even if only cloudpickle can pickle the function.

    Returns:
        A picklable function without arguments, whose answer is a cloudpickle of the call's.
    """
    from functools import partial

    import cloudpickle

    return partial(_run_serialized_call, cloudpickle.dumps((__fn, args, kwargs)))


def raise_for_reserved_arguments(fn: Callable[..., Any], reserved_arguments: Iterable[str]) -> None:
    """
    Check that a function has no parameters of certain names.

    Raises:
        ReservedArgumentError: It has one.
    """
    for name in reserved_arguments:
        if name in _plan_of(fn).signature.parameters:
            message = f"{name!r} is a reserved argument name and cannot be used."
            raise ReservedArgumentError(message)


def _is_mapped_over(value: Any) -> bool:
    # A model can be iterated over, but it is one thing, not many.
    return isiterable(value) and not hasattr(type(value), "__pydantic_fields__")


def expand_mapping_parameters(func: Callable[..., Any], parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """
    The parameters of each call that mapping a function over its parameters makes.

    Args:
        func: The function.
        parameters: Its parameters. Those that are iterable give each call one of their items; others, and those in
            `unmapped`, are given to all calls as they are. `allow_failure` and `quote` go around each item.

    Raises:
        MappingMissingIterable: None of them is iterable.
        MappingLengthMismatch: They are not of the same length.
    """
    columns: dict[str, list[Any]] = {}
    static: dict[str, Any] = {}
    for name, value in explode_variadic_parameter(func, parameters).items():
        inner: Any = value.unwrap() if isinstance(value, (allow_failure, quote)) else value
        if isinstance(inner, unmapped):
            static[name] = inner.unwrap() if inner is value else cast("Any", value).rewrap(inner.unwrap())
        elif isinstance(value, unmapped) or not _is_mapped_over(inner) or isinstance(inner, BaseAnnotation):
            static[name] = value
        else:
            columns[name] = list(inner) if inner is value else [cast("Any", value).rewrap(item) for item in inner]
    if not columns:
        message = (
            "No iterable parameters were received. Parameters for map must include at least one iterable. "
            f"Parameters: {parameters}"
        )
        raise MappingMissingIterable(message)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        message = (
            "Received iterable parameters with different lengths. Parameters for map must all be the same length. "
            f"Got lengths: {lengths}"
        )
        raise MappingLengthMismatch(message)
    return _rows(func, columns, static)


def _rows(func: Callable[..., Any], columns: dict[str, list[Any]], static: dict[str, Any]) -> list[dict[str, Any]]:
    plan = _plan_of(func)
    for name, default in plan.defaults.items():
        if name not in columns:
            static.setdefault(name, default)
    ordered = [name for name in plan.names if name in columns or name in static]
    others = [name for name in (*columns, *static) if name not in plan.signature.parameters]
    rows = []
    for items in zip(*columns.values()):  # noqa: B905 - they are of the same length
        values = {**static, **dict(zip(columns, items))}  # noqa: B905
        row = {name: values[name] for name in ordered}
        rows.append(
            collapse_variadic_parameters(func, {**row, **{name: values[name] for name in others}}) if others else row
        )
    return rows
