"""
Serializers turn results into bytes and back.

A serializer is a small model whose `type` names it, so that what is stored can say how it is to be read:
`Serializer(type="json")` is a `JSONSerializer`. Types are looked up in the plugins' registry; subclasses are in it as soon
as they are defined.
"""

import base64
import importlib
from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

from prefect.utilities import dispatch

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler
    from typing_extensions import Self

__all__ = [
    "CompressedJSONSerializer",
    "CompressedPickleSerializer",
    "CompressedSerializer",
    "JSONSerializer",
    "PickleSerializer",
    "Serializer",
    "UnknownSerializer",
    "json_keeps",
    "prefect_json_object_decoder",
    "prefect_json_object_encoder",
]

D = TypeVar("D")

_CLASS, _DATA = "__class__", "data"
_EXCEPTION, _MESSAGE = "__exc_type__", "message"
_MARKERS = {_CLASS, _EXCEPTION}


def _qualified_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _import_name(name: str) -> Any:
    """Import `package.module.Name.Inner`: the longest part that is a module, then attributes."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:length])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise  # the module is there, what it imports is not
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(f"No module named '{parts[0]}'", name=parts[0])


def _import_class(name: str, base: type) -> Any:
    """Import a class that stored data names. Data may name classes only: anything else could be made to run."""
    found = _import_name(name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise TypeError(f"'{name}' in JSON data must name a subclass of '{base.__name__}', it names {found!r}.")
    return found


def prefect_json_object_encoder(obj: Any) -> Any:
    """
    Describe an object that JSON does not know by its class and its data.

    Args:
        obj: Anything that pydantic can turn into JSON, or an exception.

    Returns:
        `{"__class__": name, "data": data}`, or `{"__exc_type__": name, "message": text}` for an exception.

    Raises:
        pydantic_core.PydanticSerializationError: The object has no JSON form.
    """
    if isinstance(obj, BaseException):
        return {_EXCEPTION: _qualified_name(type(obj)), _MESSAGE: str(obj)}
    from pydantic_core import to_jsonable_python

    data = obj.model_dump(mode="json") if isinstance(obj, BaseModel) else to_jsonable_python(obj)
    return {_CLASS: _qualified_name(type(obj)), _DATA: data}


def prefect_json_object_decoder(result: dict[str, Any]) -> Any:
    """
    Make the object that `prefect_json_object_encoder` described; other mappings stay as they are.

    Raises:
        TypeError: The description names something that is not a class.
        pydantic.ValidationError: The data does not fit the class.
    """
    keys = result.keys()
    if keys == {_CLASS, _DATA}:
        kind = _import_class(result[_CLASS], object)
        if issubclass(kind, BaseModel):
            return kind.model_validate(result[_DATA])
        from pydantic import TypeAdapter

        return TypeAdapter(kind).validate_python(result[_DATA])
    if keys == {_EXCEPTION, _MESSAGE}:
        kind = _import_class(result[_EXCEPTION], BaseException)
        try:
            return kind(result[_MESSAGE])
        except TypeError:  # its __init__ wants more than a message
            return kind.__new__(kind, result[_MESSAGE])
    return result


def _decode(value: Any, decoder: Callable[[dict[str, Any]], Any]) -> Any:
    """Apply a decoder from the inside out, for JSON libraries that cannot do it while they parse."""
    if isinstance(value, dict):
        return decoder({key: _decode(item, decoder) for key, item in value.items()})
    if isinstance(value, list):
        return [_decode(item, decoder) for item in value]
    return value


class Serializer(BaseModel, Generic[D]):
    """
    Base of the serializers. Subclasses give `type` a default and implement `dumps` and `loads`.

    Args:
        type: Names the serializer. Given to `Serializer` itself, it chooses the subclass.
    """

    # Built at once: before pydantic 2.13, one that arrives by pickle in a process that has made none cannot be written.
    model_config = ConfigDict(extra="forbid", defer_build=False)

    type: str

    if not TYPE_CHECKING:

        def __new__(cls, **data: Any) -> "Serializer[D]":
            """Make an instance of the subclass that `type` names."""
            if cls is Serializer and "type" in data:
                cls = _class_of(data["type"])  # noqa: PLW0642
            return super().__new__(cls)

        def __class_getitem__(cls, item: Any) -> Any:
            """`Serializer[int]` is for type checkers."""
            return cls

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the subclass under its type."""
        super().__pydantic_init_subclass__(**kwargs)
        dispatch.register_type(cls)

    @classmethod
    def __dispatch_key__(cls) -> str | None:
        """The type of the class, None if it has no default."""
        default = cls.model_fields["type"].default
        return default if isinstance(default, str) else None

    @model_validator(mode="wrap")
    @classmethod
    def _choose_subclass(cls, value: Any, handler: "ModelWrapValidatorHandler[Self]") -> Any:
        if cls is Serializer and isinstance(value, Mapping) and isinstance(value.get("type"), str):
            return _class_of(value["type"]).model_validate(value)
        made = handler(value)
        made.model_fields_set.add("type")  # a default, too, must be written where only what was set is
        return made

    def dumps(self, obj: D) -> bytes:
        """Turn an object into bytes."""
        raise NotImplementedError(f"{type(self).__name__} must implement 'dumps'.")

    def loads(self, blob: bytes) -> D:
        """Turn the bytes of `dumps` back into the object."""
        raise NotImplementedError(f"{type(self).__name__} must implement 'loads'.")


# Not `register_base_type`: it registers subclasses before pydantic has collected their fields, of which `type` is one.
_types: dict[str, type[Serializer[Any]]] = dispatch._registries.setdefault(Serializer, {})


def _class_of(kind: str) -> type[Serializer[Any]]:
    """
    The class of a type: one that is defined here, or one that a plugin provides.

    Raises:
        prefect.plugins.errors.UnknownNameError: There is none.
    """
    found = _types.get(kind)
    if found is None:
        from prefect.plugins.registries import serializers

        found = serializers.get(kind)
    return found


class UnknownSerializer(Serializer[Any]):
    """
    Stands for a serializer that this environment does not have, so that what names it can be looked at nevertheless.

    Args:
        type: The missing serializer's type. Its other fields are kept as they are.
    """

    model_config = ConfigDict(extra="allow")

    def _refuse(self, verb: str) -> RuntimeError:
        from prefect.plugins.registries import serializers

        return RuntimeError(
            f"This result cannot be {verb}: its serializer '{self.type}' is not available in this environment. "
            f"Installed: {', '.join(serializers.names())}."
        )

    def dumps(self, obj: Any) -> bytes:
        """Raise."""
        raise self._refuse("written")

    def loads(self, blob: bytes) -> Any:
        """Raise."""
        raise self._refuse("read")


def _library(name: str, kind: str, needs: tuple[str, str]) -> Any:
    """
    Import a library by name.

    Raises:
        ValueError: It cannot be imported, or lacks a function that is needed.
    """
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"The {kind} library '{name}' cannot be imported: {error}") from error
    for function in needs:
        if not callable(getattr(library, function, None)):
            raise ValueError(f"The {kind} library '{name}' has no function '{function}'.")
    return library


class PickleSerializer(Serializer[D]):
    """
    Pickles objects. Read results only from storage that you trust: reading a pickle runs code that it contains.

    Args:
        picklelib: A module with `dumps` and `loads`, such as `"pickle"`, `"cloudpickle"` or `"dill"`.
        picklelib_version: The version of it that is required; None for any.
    """

    type: str = "pickle"
    picklelib: str = "cloudpickle"
    picklelib_version: str | None = None

    @field_validator("picklelib")
    @classmethod
    def _check_picklelib(cls, value: str) -> str:
        if value != "cloudpickle":  # which is there; importing it can wait
            _library(value, "pickle", ("dumps", "loads"))
        return value

    def _module(self) -> Any:
        module = importlib.import_module(self.picklelib)
        found = getattr(module, "__version__", None)
        if self.picklelib_version is not None and found != self.picklelib_version:
            raise RuntimeError(
                f"This serializer requires {self.picklelib} {self.picklelib_version}, installed is {found}. "
                "Install that version, or leave out 'picklelib_version'."
            )
        return module

    def dumps(self, obj: D) -> bytes:
        """Pickle an object, as base64 text."""
        return base64.encodebytes(self._module().dumps(obj))

    def loads(self, blob: bytes) -> D:
        """Unpickle an object."""
        return self._module().loads(base64.decodebytes(blob))  # type: ignore[no-any-return]


class JSONSerializer(Serializer[D]):
    """
    Writes JSON. What JSON does not know goes through an encoder and a decoder, which are named by import path.

    Args:
        jsonlib: A module with `dumps` and `loads`, such as `"json"` or `"orjson"`.
        object_encoder: Describes objects that the library does not know; None for none.
        object_decoder: Makes objects from such descriptions; None for none.
        dumps_kwargs: Further arguments for the library's `dumps`.
        loads_kwargs: Further arguments for the library's `loads`.
    """

    type: str = "json"
    jsonlib: str = "json"
    object_encoder: str | None = "prefect.serializers.prefect_json_object_encoder"
    object_decoder: str | None = "prefect.serializers.prefect_json_object_decoder"
    dumps_kwargs: dict[str, Any] = Field(default_factory=dict)
    loads_kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("jsonlib")
    @classmethod
    def _check_jsonlib(cls, value: str) -> str:
        if value != "json":
            _library(value, "JSON", ("dumps", "loads"))
        return value

    @field_validator("dumps_kwargs")
    @classmethod
    def _check_dumps_kwargs(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "default" in value:
            raise ValueError("'default' cannot be given in 'dumps_kwargs'; name your function in 'object_encoder'.")
        return value

    @field_validator("loads_kwargs")
    @classmethod
    def _check_loads_kwargs(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "object_hook" in value:
            raise ValueError("'object_hook' cannot be given in 'loads_kwargs'; name your function in 'object_decoder'.")
        return value

    def dumps(self, obj: D) -> bytes:
        """Write an object as JSON."""
        options = dict(self.dumps_kwargs)
        if self.object_encoder is not None:
            options["default"] = _import_name(self.object_encoder)
        text = importlib.import_module(self.jsonlib).dumps(obj, **options)
        blob: bytes = text.encode() if isinstance(text, str) else text
        return blob

    def loads(self, blob: bytes) -> D:
        """Read an object from JSON."""
        library = importlib.import_module(self.jsonlib)
        decoder = _import_name(self.object_decoder) if self.object_decoder is not None else None
        if self.jsonlib == "json":
            return library.loads(blob.decode(), object_hook=decoder, **self.loads_kwargs)  # type: ignore[no-any-return]
        value: D = library.loads(blob, **self.loads_kwargs)
        return value if decoder is None else cast("D", _decode(value, decoder))


class CompressedSerializer(Serializer[D]):
    """
    Compresses what another serializer writes.

    Args:
        serializer: The other one: a serializer, or the type of one.
        compressionlib: A module with `compress` and `decompress`, such as `"lzma"`, `"gzip"` or `"zlib"`.
    """

    type: str = "compressed"
    serializer: SerializeAsAny[Serializer[Any]]
    compressionlib: str = "lzma"

    @field_validator("serializer", mode="before")
    @classmethod
    def _serializer_from_type(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @field_validator("compressionlib")
    @classmethod
    def _check_compressionlib(cls, value: str) -> str:
        _library(value, "compression", ("compress", "decompress"))
        return value

    def dumps(self, obj: D) -> bytes:
        """Serialize and compress an object, as base64 text."""
        blob = self.serializer.dumps(obj)
        return base64.encodebytes(importlib.import_module(self.compressionlib).compress(blob))

    def loads(self, blob: bytes) -> D:
        """Decompress and read an object."""
        inner = importlib.import_module(self.compressionlib).decompress(base64.decodebytes(blob))
        return self.serializer.loads(inner)  # type: ignore[no-any-return]


class CompressedPickleSerializer(CompressedSerializer[D]):
    """Compresses pickles."""

    type: str = "compressed/pickle"
    serializer: SerializeAsAny[Serializer[Any]] = Field(default_factory=PickleSerializer)


class CompressedJSONSerializer(CompressedSerializer[D]):
    """Compresses JSON."""

    type: str = "compressed/json"
    serializer: SerializeAsAny[Serializer[Any]] = Field(default_factory=JSONSerializer)


_MOST_ITEMS = 100_000
_MOST_LEVELS = 50
_LARGEST_INT = 2**63


def json_keeps(value: Any) -> bool:
    """
    Whether JSON gives back exactly this value: the same types, the same keys, nothing shared.

    Args:
        value: Any object. Very large and very deep ones are not looked at to the end: the answer is then False.
    """
    seen: set[int] = set()
    level = [value]
    items = 0
    for _ in range(_MOST_LEVELS):
        below: list[Any] = []
        items += len(level)
        if items > _MOST_ITEMS:
            return False
        for item in level:
            kind = type(item)
            if kind is str or kind is bool or item is None:
                continue
            if kind is int:
                if not -_LARGEST_INT <= item < _LARGEST_INT:
                    return False
            elif kind is float:
                if not isfinite(item):
                    return False
            elif kind is list or kind is dict:
                if id(item) in seen:  # shared, or within itself: JSON would make copies of it
                    return False
                seen.add(id(item))
                if kind is dict:
                    if not all(type(key) is str for key in item) or not _MARKERS.isdisjoint(item):
                        return False
                    below.extend(item.values())
                else:
                    below.extend(item)
            else:
                return False
        if not below:
            return True
        level = below
    return False
