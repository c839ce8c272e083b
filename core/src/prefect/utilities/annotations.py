"""Wrappers that say how a value is to be treated: `unmapped(x)`, `allow_failure(x)`, `quote(x)`."""

from __future__ import annotations

import warnings
from typing import Generic, TypeVar

from typing_extensions import Self

__all__ = ["BaseAnnotation", "NotSet", "Quote", "allow_failure", "freeze", "opaque", "quote", "unmapped"]

T = TypeVar("T")


class BaseAnnotation(tuple[T], Generic[T]):
    """A value with a remark. Remarks are immutable; `rewrap` gives the same remark on another value."""

    __slots__ = ()

    def __new__(cls, value: T) -> Self:
        return super().__new__(cls, (value,))

    # What is pickled or copied must be made by `__new__` from the value again.
    def __getnewargs__(self) -> tuple[T]:
        return (self[0],)

    @property
    def value(self) -> T:
        """What is wrapped."""
        return self[0]

    def unwrap(self) -> T:
        """Return what is wrapped."""
        return self[0]

    def rewrap(self, value: T) -> Self:
        """Return the same remark on another value."""
        return type(self)(value)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), self[0]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self[0]!r})"


class unmapped(BaseAnnotation[T]):  # noqa: N801
    """A value that `Task.map` hands to every task run whole, even if it is iterable."""

    __slots__ = ()

    def __getitem__(self, _: object) -> T:  # type: ignore[override]
        """Answer with the value at every position, like an endless list of it."""
        return tuple.__getitem__(self, 0)


class allow_failure(BaseAnnotation[T]):  # noqa: N801
    """A future or state that may fail without failing what depends on it: its exception is passed on as the value."""

    __slots__ = ()


class quote(BaseAnnotation[T]):  # noqa: N801
    """
    A value that is passed on as it is: it is not searched for futures and states, however deep it goes.

    Quote large data, of which no part depends on another task.
    """

    __slots__ = ()

    def unquote(self) -> T:
        """Return what is wrapped."""
        return self.unwrap()


class opaque(BaseAnnotation[T]):  # noqa: N801
    """A value that is not looked into: neither when dependencies are resolved nor when it is hashed or recorded."""

    __slots__ = ()


class Quote(quote[T]):
    """The old name of `quote`."""

    __slots__ = ()

    def __new__(cls, expr: T) -> Self:
        warnings.warn("Use `quote` instead of `Quote`.", DeprecationWarning, stacklevel=2)
        return super().__new__(cls, expr)


class NotSet:
    """Stands for "no value was given" where None is a value. Used as it is, never instantiated."""


class freeze(BaseAnnotation[T]):  # noqa: N801
    """
    A parameter of `Flow.deploy` or `Flow.serve` that cannot be changed later.

    Raises:
        ValueError: The value cannot be stored as JSON.
    """

    __slots__ = ()

    def __new__(cls, value: T) -> Self:
        import json

        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            message = f"Value must be JSON serializable to be frozen, which a {type(value).__name__} is not: {error}"
            raise ValueError(message) from error
        return super().__new__(cls, value)

    def unfreeze(self) -> T:
        """Return what is wrapped."""
        return self.unwrap()
