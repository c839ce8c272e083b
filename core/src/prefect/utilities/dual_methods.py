"""Step functions of a class, published in both colours: what `dual` is for functions and methods."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import update_wrapper
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from prefect.utilities.dual import Dual, Steps, adrive

__all__ = ["ClassDual", "class_asynchronous", "class_dual"]

P = ParamSpec("P")
R = TypeVar("R")


class ClassDual(Generic[P, R]):
    """A step function that takes a class first, as a class method of both colours. See `class_dual`."""

    def __init__(self, function: Callable[Concatenate[Any, P], Steps[R]]) -> None:
        self.steps = function
        update_wrapper(self, function)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: type) -> Dual[P, R]:
        """Bind to the class, also when it is asked of an instance."""
        return Dual(MethodType(self.steps, owner))


def class_dual(function: Callable[Concatenate[Any, P], Steps[R]]) -> ClassDual[P, R]:
    """Publish a step function that takes a class first, as a class method of both colours."""
    return ClassDual(function)


def class_asynchronous(function: ClassDual[P, R]) -> Any:
    """The always-async twin of a class dual, as a class method; `aload = class_asynchronous(load)`."""
    steps = function.steps

    async def call(cls: type, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await adrive(steps(cls, *args, **kwargs))

    def described() -> Callable[..., Coroutine[Any, Any, R]]:
        update_wrapper(call, steps)
        call.__name__ = f"a{steps.__name__}"
        call.__qualname__ = ".".join([*steps.__qualname__.split(".")[:-1], call.__name__])
        return call

    return classmethod(described())
