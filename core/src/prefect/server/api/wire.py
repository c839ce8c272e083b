"""
What a request and an answer look like, read from the signature of the operation.

Parameters that are named in the path come from there. Of the others, one named `body` is the whole body; without a body
(GET, DELETE) they are query parameters, and otherwise fields of the JSON object that is the body.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from importlib import import_module
from typing import Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model, model_validator
from pydantic.fields import FieldInfo
from typing_extensions import Unpack, get_args, get_origin

from prefect._contract.call import Call
from prefect._contract.endpoints.table import ENDPOINTS, Endpoint
from prefect.server.operations.dispatch import Operation, find_operation

__all__ = ["Parameter", "Wire", "wires"]

_MARKED = re.compile(r"{(\w+)}")
_PREFIX = "given_"
_WITHOUT_BODY = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One value of a request.

    Args:
        name: What the operation calls it.
        annotation: Its type.
        default: What it is when it is not given; `inspect.Parameter.empty` if it must be.
    """

    name: str
    annotation: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def field(self) -> tuple[Any, FieldInfo]:
        """What it is as a field of a model."""
        given = {} if self.is_required else {"default": self.default}
        return (self.annotation, Field(alias=self.wire_name, **given))

    @property
    def wire_name(self) -> str:
        """What requests call it: one query parameter has a dash."""
        return "page-token" if self.name == "page_token" else self.name


class Wire:
    """The requests and answers of one endpoint. Validators are made when they are first needed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.path_names = tuple(_MARKED.findall(endpoint.path))

    @cached_property
    def operation(self) -> Operation:
        """What answers."""
        return find_operation(self.endpoint.route)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        function = self.operation.function
        names = {**_contract_names(), **vars(import_module(function.__module__))}
        return get_type_hints(function, globalns=names, include_extras=True)

    @cached_property
    def _parameters(self) -> tuple[Parameter, ...]:
        """All but the unit of work; a group of optional filters is taken apart."""
        found: list[Parameter] = []
        _, *parameters = inspect.signature(self.operation.function).parameters.values()
        for parameter in parameters:
            hint = self._hints[parameter.name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                group = get_args(hint)[0] if get_origin(hint) is Unpack else hint
                filters = get_type_hints(group, globalns=_contract_names(), include_extras=True)
                found.extend(Parameter(name, kind, None) for name, kind in filters.items())
            else:
                found.append(Parameter(parameter.name, hint, parameter.default))
        return tuple(found)

    @cached_property
    def path(self) -> tuple[Parameter, ...]:
        """What the path says."""
        return tuple(parameter for parameter in self._parameters if parameter.name in self.path_names)

    @cached_property
    def rest(self) -> tuple[Parameter, ...]:
        """What the query or the body says."""
        return tuple(parameter for parameter in self._parameters if parameter.name not in self.path_names)

    @property
    def has_body(self) -> bool:
        """Whether requests have a body."""
        return self.endpoint.method not in _WITHOUT_BODY and bool(self.rest)

    @property
    def requires_body(self) -> bool:
        """Whether requests must have one."""
        return self.has_body and any(parameter.is_required for parameter in self.rest)

    @property
    def _takes_whole_body(self) -> bool:
        return self.has_body and self.rest[0].name == "body"

    @cached_property
    def body(self) -> TypeAdapter[Any]:
        """Validates bodies."""
        return TypeAdapter(self.rest[0].annotation if self._takes_whole_body else self._model("Body"))

    @cached_property
    def query(self) -> type[BaseModel] | None:
        """Validates query parameters; None if there are none."""
        return self._model("Query") if self.rest and not self.has_body else None

    def _model(self, kind: str) -> type[BaseModel]:
        """A model whose fields have the names on the wire as aliases: some of these mean something else to models."""
        fields: dict[str, Any] = {_PREFIX + parameter.name: parameter.field for parameter in self.rest}
        config = ConfigDict(extra="ignore")
        optional = frozenset(parameter.wire_name for parameter in self.rest if not parameter.is_required)
        validators: dict[str, Any] = {"_leave_out": model_validator(mode="before")(_without_nulls(optional))}
        return create_model(f"{kind}_{self.endpoint.name}", __config__=config, __validators__=validators, **fields)

    @cached_property
    def _path_readers(self) -> dict[str, Callable[[str], Any]]:
        return {parameter.name: _reader(parameter.annotation) for parameter in self.path}

    def call(self, path: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Call[Any]:
        """
        What a request asks for.

        Raises:
            LookupError: The path cannot be meant: an id in it is none.
            pydantic.ValidationError: The request says something that cannot be understood.
        """
        readers = self._path_readers
        named = {name: readers[name](text) for name, text in path.items()}
        asked: dict[str, Any] = {}
        content: Any = None
        if self.has_body:
            if body.strip():
                content = self.body.validate_json(body)
            elif self.requires_body:
                content = self.body.validate_python({} if not self._takes_whole_body else None)
            else:
                content = self.rest[0].default if self._takes_whole_body else None
            if isinstance(content, BaseModel) and not self._takes_whole_body:
                content = _given(content)
        elif self.query is not None:
            asked = _given(self.query.model_validate(query))
        return Call(self.endpoint.method, self.endpoint.path, None, named, asked, content)

    @cached_property
    def returns(self) -> Any:
        """The type of answers."""
        return self._hints.get("return")

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """Turns answers into JSON."""
        return TypeAdapter(self.returns)


def _without_nulls(optional: frozenset[str]) -> Callable[[Any], Any]:
    """What reads fields that need not be given as not given when they are null, as clients send what they do not set."""

    def leave_out(given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None or name not in optional}

    return leave_out


def _given(model: BaseModel) -> dict[str, Any]:
    values = model.__dict__
    return {name.removeprefix(_PREFIX): values[name] for name in model.model_fields_set}


def _reader(annotation: Any) -> Callable[[str], Any]:
    """What makes a value of a part of a path."""
    if annotation is str:
        return _text
    if annotation is UUID:
        return _identifier
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return adapter.validate_python


def _text(text: str) -> str:
    return text


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise LookupError(text) from None


@cache
def _contract_names() -> dict[str, Any]:
    """Everything that the contract offers, by name: what the annotations of operations may use."""
    import prefect._contract as package
    from prefect.server.operations import selections

    names: dict[str, Any] = {"UUID": UUID, "datetime": datetime, "timedelta": timedelta, "Any": Any, "Unpack": Unpack}
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".endpoints" not in info.name:
            module = import_module(info.name)
            names |= {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    return names | {name: getattr(selections, name) for name in selections.__all__}


@cache
def wires() -> dict[tuple[str, str], Wire]:
    """Those of all endpoints, by verb and path template."""
    return {endpoint.route: Wire(endpoint) for endpoint in ENDPOINTS}
