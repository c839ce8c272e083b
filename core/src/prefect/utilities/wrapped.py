"""Functions that are wrapped by an object with a life of its own, and still bind like methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from functools import partial, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, cast

from typing_extensions import Self

from prefect.utilities.callables import raise_for_reserved_arguments

__all__ = ["WrappedFunction", "unwrapped"]

P = ParamSpec("P")
R = TypeVar("R")


def unwrapped(function: Any) -> Any:
    """The function under partials and callable objects, whose kind decides how it is called."""
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return getattr(function, "__call__", function)  # noqa: B004 - the bound method, not whether there is one


class WrappedFunction(Generic[P, R]):
    """
    What flows and tasks have in common: the function, what kind of function it is, and binding.

    Args:
        fn: The function; a static or class method too.

    Raises:
        TypeError: It is not callable.
        ReservedArgumentError: It has a parameter whose name calls of flows and tasks use themselves.
    """

    fn: Callable[P, R]

    def __init__(self, fn: Any) -> None:
        self._isclassmethod = isinstance(fn, classmethod)
        self._isstaticmethod = isinstance(fn, staticmethod)
        self._ismethod = False
        function = fn.__func__ if isinstance(fn, (classmethod, staticmethod)) else fn
        if not callable(function):
            raise TypeError(f"'fn' must be callable, got {function!r}.")
        self.fn = cast("Any", function)
        update_wrapper(cast("Any", self), function)
        inner = unwrapped(function)
        self.isasyncgenerator = inspect.isasyncgenfunction(inner)
        self.isgenerator = inspect.isgeneratorfunction(inner) or self.isasyncgenerator
        self.isasync = inspect.iscoroutinefunction(inner) or self.isasyncgenerator
        raise_for_reserved_arguments(function, ["return_state", "wait_for"])

    @property
    def ismethod(self) -> bool:
        """Whether this is bound to an instance."""
        return self._ismethod

    @property
    def isclassmethod(self) -> bool:
        """Whether this wraps a class method."""
        return self._isclassmethod

    @property
    def isstaticmethod(self) -> bool:
        """Whether this wraps a static method."""
        return self._isstaticmethod

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        """Bind like a function does."""
        if self._isstaticmethod:
            return self
        if self._isclassmethod:
            return self._bound(owner or type(instance))
        if instance is None:
            return self
        bound = self._bound(instance)
        bound._ismethod = True
        return bound

    def _bound(self, first: Any) -> Self:
        method: Any = partial(cast("Any", self.fn), first)
        update_wrapper(method, self.fn)
        del method.__wrapped__  # its signature is that of the partial: without self
        twin = copy(self)
        twin.fn = method
        return twin

    def _original(self) -> Any:
        """The function as it was given, static and class methods wrapped again."""
        if self._isstaticmethod:
            return staticmethod(self.fn)
        if self._isclassmethod and not isinstance(self.fn, partial):
            return classmethod(cast("Any", self.fn))
        return self.fn
