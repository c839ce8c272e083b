"""
Registries of a class's subclasses, by a key that each of them has.

@register_base_type
class Shape:
    @classmethod
    def __dispatch_key__(cls) -> str:
        return cls.__name__.lower()

class Circle(Shape): ...

lookup_type(Shape, "circle")  # Circle
"""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

__all__ = ["get_dispatch_key", "get_registry_for_type", "lookup_type", "register_base_type", "register_type"]

T = TypeVar("T", bound=type[Any])

_registries: dict[type[Any], dict[str, type[Any]]] = {}


def get_registry_for_type(cls: T) -> dict[str, T] | None:
    """The registry that a class belongs to; None if neither it nor any of its bases has one."""
    for base in cls.mro():
        if base in _registries:
            return _registries[base]  # type: ignore[return-value]
    return None


def get_dispatch_key(cls_or_instance: Any, allow_missing: bool = False) -> str | None:
    """
    The key of a class, or of an instance's.

    Args:
        cls_or_instance: The class or instance. Its `__dispatch_key__` is the key, or a method that returns it.
        allow_missing: Whether None is an answer.

    Raises:
        ValueError: It has no `__dispatch_key__`.
        TypeError: Its key is no text.
    """
    name = (cls_or_instance if isinstance(cls_or_instance, type) else type(cls_or_instance)).__name__
    key = getattr(cls_or_instance, "__dispatch_key__", None)
    if callable(key):
        key = key()
        if key is None and allow_missing:
            return None
    elif key is None:
        if allow_missing:
            return None
        message = f"Type {name!r} does not define a value for '__dispatch_key__' which is required for registry lookup."
        raise ValueError(message)
    if not isinstance(key, str):
        message = (
            f"Type {name!r} has a '__dispatch_key__' of type {type(key).__name__} but a type of 'str' is required."
        )
        raise TypeError(message)
    return key


def register_base_type(cls: T) -> T:
    """Give a class a registry, in which its subclasses are then put when they are defined."""
    registry = _registries.setdefault(cls, {})
    key = get_dispatch_key(cls, allow_missing=True)
    if key is not None:
        registry[key] = cls
    # Models have a hook of their own, as their fields are not there yet when Python's is called.
    hook = "__pydantic_init_subclass__" if hasattr(cls, "__pydantic_init_subclass__") else "__init_subclass__"
    own: Any = getattr(cls, hook)

    def register_subclass(subclass: Any, /, **kwargs: Any) -> None:
        if hasattr(own, "__func__"):
            own.__func__(subclass, **kwargs)
        else:
            own(**kwargs)
        register_type(subclass)

    setattr(cls, hook, classmethod(register_subclass))
    return cls


def register_type(cls: T) -> T:
    """
    Put a class into the registry of its base. One without a key is not put anywhere.

    Raises:
        ValueError: None of its bases has a registry.
    """
    registry = get_registry_for_type(cls)
    if registry is None:
        known = ", ".join(repr(base.__name__) for base in _registries)
        bases = ", ".join(repr(base.__name__) for base in cls.mro()[1:-1])
        message = (
            f"No registry found for type {cls.__name__!r} with bases {bases}. "
            f"Did you mean to inherit from one of the following known types: {known}."
        )
        raise ValueError(message)
    key = get_dispatch_key(cls, allow_missing=True)
    if key is None:
        return cls
    present = registry.get(key)
    # A class that is defined again, as in a notebook, takes its own place.
    if present is not None and (present.__module__, present.__qualname__) != (cls.__module__, cls.__qualname__):
        warnings.warn(
            f"Type {cls.__name__!r} at {cls.__module__} has key {key!r} that matches existing registered type "
            f"{present.__name__!r} from {present.__module__}. The existing type will be overridden.",
            stacklevel=3,
        )
    registry[key] = cls
    return cls


def lookup_type(cls: T, dispatch_key: str) -> T:
    """
    The class of a key in the registry that `cls` belongs to.

    Raises:
        KeyError: There is none.
    """
    registry = get_registry_for_type(cls) or {}
    if dispatch_key not in registry:
        message = (
            f"No class found for dispatch key {dispatch_key!r} in registry for type {cls.__name__!r}. "
            f"Registered: {', '.join(sorted(registry)) or 'none'}."
        )
        raise KeyError(message)
    return registry[dispatch_key]
