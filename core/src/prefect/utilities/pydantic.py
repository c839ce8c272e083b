"""What pydantic models do not do by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, Optional, TypeVar, Union, cast, overload

from pydantic import BaseModel, Secret, TypeAdapter
from pydantic_core import to_jsonable_python

from prefect.utilities.dispatch import get_dispatch_key, lookup_type, register_base_type
from prefect.utilities.names import obfuscate

__all__ = [
    "PartialModel",
    "add_cloudpickle_reduction",
    "add_type_dispatch",
    "custom_pydantic_encoder",
    "get_class_fields_only",
    "handle_secret_render",
    "lookup_type",
    "parse_obj_as",
]

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def _unreduce(payload: bytes) -> Any:
    import cloudpickle

    model, values, fields_set, extra, private = cloudpickle.loads(payload)
    instance = model.__new__(model)
    instance.__setstate__(
        {
            "__dict__": values,
            "__pydantic_fields_set__": fields_set,
            "__pydantic_extra__": extra,
            "__pydantic_private__": private,
        }
    )
    return instance


def _reduce(self: BaseModel) -> tuple[Any, ...]:
    import cloudpickle

    private = getattr(self, "__pydantic_private__", None)
    state = (type(self), self.__dict__, self.__pydantic_fields_set__, self.__pydantic_extra__, private)
    return _unreduce, (cloudpickle.dumps(state),)


@overload
def add_cloudpickle_reduction(__model_cls: type[M]) -> type[M]: ...
@overload
def add_cloudpickle_reduction(__model_cls: None = None, **kwargs: Any) -> Callable[[type[M]], type[M]]: ...
def add_cloudpickle_reduction(
    __model_cls: Optional[type[M]] = None, **kwargs: Any
) -> Union[type[M], Callable[[type[M]], type[M]]]:
    """
    Let instances of a model be pickled by cloudpickle, also by the plain pickle module: so they may hold functions.

    Args:
        __model_cls: The model; without one this is a decorator with arguments.
        kwargs: Not accepted: there is nothing to choose.

    Raises:
        TypeError: Arguments were given.
    """
    if kwargs:
        message = f"add_cloudpickle_reduction takes no arguments, but got {sorted(kwargs)}."
        raise TypeError(message)

    def decorate(model: type[M]) -> type[M]:
        model.__reduce__ = _reduce  # type: ignore[assignment, method-assign]
        return model

    return decorate if __model_cls is None else decorate(__model_cls)


def get_class_fields_only(model: type[BaseModel]) -> set[str]:
    """The fields that a model has and its bases have not."""
    inherited = {
        name
        for base in model.__bases__
        if isinstance(base, type) and issubclass(base, BaseModel)
        for name in base.model_fields
    }
    return set(model.model_fields) - inherited


def add_type_dispatch(model_cls: type[M]) -> type[M]:
    """
    Let a model make instances of its subclasses: of the one whose key the field `type` holds.

    The model has a field `type`, or a `__dispatch_key__`, which its subclasses give a value of their own.

    Raises:
        ValueError: It has neither, or has both.
    """
    has_key = hasattr(model_cls, "__dispatch_key__") or "__dispatch_key__" in model_cls.__annotations__
    has_type = "type" in model_cls.model_fields
    if has_key and has_type:
        message = f"Model class {model_cls.__name__!r} defines both `type` and `__dispatch_key__`: only one is allowed."
        raise ValueError(message)
    if not has_key and not has_type:
        message = f"Model class {model_cls.__name__!r} does not define a `__dispatch_key__` or a `type` field."
        raise ValueError(message)
    if has_type:

        def key_of(cls: type[BaseModel]) -> Any:
            default = cls.model_fields["type"].default
            return default if isinstance(default, str) else None

        model_cls.__dispatch_key__ = classmethod(key_of)  # type: ignore[attr-defined]
    plain_new: Any = model_cls.__new__
    plain_init = model_cls.__init__

    def __new__(cls: type[BaseModel], **kwargs: Any) -> Any:  # noqa: N807 - Python's
        key = kwargs.get("type")
        if key is None or not issubclass(cls, model_cls) or key == get_dispatch_key(cls, allow_missing=True):
            return plain_new(cls)
        return plain_new(lookup_type(cls, dispatch_key=key))

    def __init__(self: Any, **data: Any) -> None:  # noqa: N807 - Python's
        data.setdefault("type", get_dispatch_key(self))
        plain_init(self, **data)

    model_cls.__new__ = __new__  # type: ignore[assignment, method-assign]
    model_cls.__init__ = __init__  # type: ignore[assignment, method-assign]
    model_cls.__pydantic_custom_init__ = True  # so that validation calls it too
    return register_base_type(model_cls)


class PartialModel(Generic[M]):
    """
    A model whose fields are given one by one, and that is made when all are there.

    Args:
        __model_cls: The model.
        kwargs: Fields that are known already.

    Raises:
        ValueError: The model has no such field.
    """

    def __init__(self, __model_cls: type[M], **kwargs: Any) -> None:
        self.fields_set: dict[str, Any] = {}
        self.model_cls = __model_cls
        for name, value in kwargs.items():
            setattr(self, name, value)

    def finalize(self, **kwargs: Any) -> M:
        """
        Make the model.

        Args:
            kwargs: Further fields.

        Raises:
            ValueError: One of them is no field of the model, or was given already.
            pydantic.ValidationError: A field is missing, or its value is not valid.
        """
        for name in kwargs:
            self.raise_if_already_set(name)
            self.raise_if_not_in_model(name)
        return self.model_cls(**self.fields_set, **kwargs)

    def raise_if_already_set(self, name: str) -> None:
        """
        Check that a field was not given yet.

        Raises:
            ValueError: It was.
        """
        if name in self.fields_set:
            message = f"Field {name!r} has already been set."
            raise ValueError(message)

    def raise_if_not_in_model(self, name: str) -> None:
        """
        Check that the model has a field.

        Raises:
            ValueError: It has not.
        """
        if name not in self.model_cls.model_fields:
            message = f"Field {name!r} is not present in the model {self.model_cls.__name__}."
            raise ValueError(message)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in {"fields_set", "model_cls"}:
            object.__setattr__(self, name, value)
            return
        self.raise_if_already_set(name)
        self.raise_if_not_in_model(name)
        self.fields_set[name] = value

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.fields_set.items())
        return f"PartialModel({self.model_cls.__name__}{', ' if fields else ''}{fields})"


def custom_pydantic_encoder(type_encoders: dict[Any, Callable[[Any], Any]], obj: Any) -> Any:
    """
    An object as JSON values.

    Args:
        type_encoders: How objects of some types are encoded; the most specific type counts.
        obj: The object; models become dicts.

    Raises:
        pydantic_core.PydanticSerializationError: There is no way to encode it.
    """
    for base in type(obj).__mro__[:-1]:
        if base in type_encoders:
            return type_encoders[base](obj)
    return obj.model_dump(mode="json") if isinstance(obj, BaseModel) else to_jsonable_python(obj)


def parse_obj_as(type_: type[T], data: Any, mode: Literal["python", "json", "strings"] = "python") -> T:
    """
    Validate data as any type.

    Args:
        type_: The type.
        data: The data.
        mode: What the data is: Python values, a JSON text, or texts in the place of all values.

    Raises:
        pydantic.ValidationError: It is not of that type.
    """
    adapter = TypeAdapter(type_)
    if mode == "json":
        return adapter.validate_json(data)
    return adapter.validate_strings(data) if mode == "strings" else adapter.validate_python(data)


def handle_secret_render(value: object, context: dict[str, Any]) -> object:
    """
    A secret as it is to be written: in clear if the context says `include_secrets`, else hidden.

    Args:
        value: The value; what is no secret is returned as it is. Models are rendered field by field.
        context: The context of the serialization.
    """
    if hasattr(value, "get_secret_value"):
        secret = cast("Secret[object]", value).get_secret_value()
        return secret if context.get("include_secrets", False) else obfuscate(secret)
    if isinstance(value, BaseModel):
        # Fields that are not JSON stay as they are: whoever writes the whole turns them into it.
        return {name: handle_secret_render(field, context) for name, field in value}
    return value
