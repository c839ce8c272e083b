"""
Cache policies say what makes two runs of a task the same, so that the second can use the result of the first.

    @task(cache_policy=TASK_SOURCE + INPUTS - "verbose")

A policy computes a key; two runs with the same key have the same result. Policies are added to make keys of several
things, and the names of inputs are subtracted to leave these out. Without a key a run is not cached.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union
from weakref import WeakKeyDictionary

from typing_extensions import Self

from prefect.exceptions import HashError
from prefect.utilities.hashing import hash_objects, stable_hash

if TYPE_CHECKING:
    from types import CodeType

    from prefect.context import TaskRunContext
    from prefect.filesystems import WritableFileSystem
    from prefect.locking.protocol import LockManager
    from prefect.transactions import IsolationLevel

    KeyStorage = Union[WritableFileSystem, str, Path, None]
    Isolation = Union[Literal["READ_COMMITTED", "SERIALIZABLE"], IsolationLevel, None]

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NONE",
    "NO_CACHE",
    "RUN_ID",
    "STABLE_TRANSFORMS",
    "TASK_SOURCE",
    "CacheKeyFnPolicy",
    "CachePolicy",
    "CompoundCachePolicy",
    "FlowParameters",
    "Inputs",
    "RunId",
    "TaskSource",
    "UnhashableInputError",
]

STABLE_TRANSFORMS: dict[type, Callable[[Any], Any]] = {}
"""For types whose instances hash differently from process to process: makes of one what hashes the same everywhere."""


class UnhashableInputError(HashError, ValueError):
    """
    A key cannot be computed because of one value. The run is not cached then.

    Args:
        name: The name of the input, or of the flow's parameter.
        value: The value.
        reason: Why it has no hash.
    """

    def __init__(self, name: str, value: Any, reason: BaseException) -> None:
        self.name = name
        super().__init__(
            f"The input '{name}' of type '{type(value).__name__}' has no stable hash, so it cannot be in a cache key. "
            f"Leave it out of the key (cache_policy=INPUTS - '{name}'), give a 'cache_key_fn', or do not cache "
            f"(cache_policy=NO_CACHE). {reason}"
        )


def _stable(value: Any) -> Any:
    transform = STABLE_TRANSFORMS.get(type(value))
    return value if transform is None else transform(value)


def _hash_of(values: dict[str, Any]) -> str:
    """
    The hash of named values, in whatever order they come.

    Raises:
        UnhashableInputError: One of them has none; the error says which.
    """
    if STABLE_TRANSFORMS:
        values = {name: _stable(value) for name, value in values.items()}
    try:
        return str(hash_objects(values, raise_on_failure=True))
    except HashError:
        for name, value in values.items():
            try:
                hash_objects(value, raise_on_failure=True)
            except HashError as error:
                raise UnhashableInputError(name, value, error) from error
        raise


@dataclass
class CachePolicy:
    """
    Base of the policies. Subclasses implement `compute_key`.

    Args:
        key_storage: Where what is known of cached results is kept; with the results by default.
        isolation_level: Whether runs with the same key wait for each other: `"SERIALIZABLE"` takes a lock manager.
        lock_manager: Locks keys.
    """

    key_storage: KeyStorage = None
    isolation_level: Isolation = None
    lock_manager: LockManager | None = None

    @classmethod
    def from_cache_key_fn(
        cls, cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None]
    ) -> CacheKeyFnPolicy:
        """
        The policy that asks a function for the key.

        Args:
            cache_key_fn: Gets the run's context and its inputs.
        """
        return CacheKeyFnPolicy(cache_key_fn=cache_key_fn)

    def configure(
        self,
        key_storage: KeyStorage = None,
        lock_manager: LockManager | str | None = None,
        isolation_level: Isolation = None,
    ) -> Self:
        """
        A copy that keeps and locks its keys elsewhere. What is None stays as it is.

        Args:
            key_storage: A storage block, a path, a URL, or the `type/name` of a saved block.
            lock_manager: Locks keys; or the name of one that needs no arguments, such as `"memory"`.
            isolation_level: Whether runs with the same key wait for each other.
        """
        if isinstance(lock_manager, str):
            from prefect.plugins.registries import lock_managers

            lock_manager = lock_managers.get(lock_manager)()
        given = {"key_storage": key_storage, "lock_manager": lock_manager, "isolation_level": isolation_level}
        return replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """
        The key of a run, None if it is not to be cached.

        Args:
            task_ctx: The run.
            inputs: What the task is called with, by parameter name.
            flow_parameters: The parameters of the flow run that it belongs to.
            kwargs: For policies of later versions.

        Raises:
            UnhashableInputError: A value that belongs to the key has no stable hash.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement 'compute_key'.")

    def __sub__(self, other: str) -> CachePolicy:
        """Leave an input out of the key. Policies that do not look at inputs stay as they are."""
        if not isinstance(other, str):
            raise TypeError(f"Only the name of an input can be subtracted from a cache policy, not {other!r}.")
        return self

    def __add__(self, other: CachePolicy) -> CachePolicy:
        """The policy whose key is made of the keys of both."""
        if not isinstance(other, CachePolicy):
            return NotImplemented
        if isinstance(other, _None):
            return self
        if isinstance(self, _None):
            return other
        policies: list[CachePolicy] = []
        for policy in (*_parts(self), *_parts(other)):
            if policy not in policies:
                policies.append(policy)
        return CompoundCachePolicy(
            key_storage=_agreed("key storage", self.key_storage, other.key_storage),
            isolation_level=_agreed("isolation level", self.isolation_level, other.isolation_level),
            lock_manager=_agreed("lock manager", self.lock_manager, other.lock_manager),
            policies=policies,
        )


def _parts(policy: CachePolicy) -> Iterable[CachePolicy]:
    return policy.policies if isinstance(policy, CompoundCachePolicy) else (policy,)


def _agreed(what: str, one: Any, other: Any) -> Any:
    if one is not None and other is not None and one != other:
        raise ValueError(
            f"Cache policies with different {what}s cannot be added: {one!r} and {other!r}. Add them first, then "
            "configure the sum."
        )
    return other if one is None else one


@dataclass
class CacheKeyFnPolicy(CachePolicy):
    """
    Asks a function for the key.

    Args:
        cache_key_fn: Gets the run's context and its inputs, returns the key or None.
    """

    cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """What the function answers; None without one."""
        return None if self.cache_key_fn is None else self.cache_key_fn(task_ctx, inputs)


@dataclass
class CompoundCachePolicy(CachePolicy):
    """
    Makes a key of the keys of several policies, in whatever order they come. Those without a key are left out.

    Args:
        policies: The policies.
    """

    policies: list[CachePolicy] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take over the parts of sums."""
        self.policies = [part for policy in self.policies for part in _parts(policy)]

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The hash of the keys, None if there are none."""
        keys = [policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs) for policy in self.policies]
        present = sorted(str(key) for key in keys if key is not None)
        return stable_hash("\n".join(present)) if present else None

    def __sub__(self, other: str) -> CachePolicy:
        """Leave an input out of the keys of all parts."""
        if not isinstance(other, str):
            raise TypeError(f"Only the name of an input can be subtracted from a cache policy, not {other!r}.")
        if not any(isinstance(policy, Inputs) for policy in self.policies):
            return self
        return replace(self, policies=[policy - other for policy in self.policies])


@dataclass
class _None(CachePolicy):
    """Never caches."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """None."""
        return None


def _code_text(code: CodeType) -> str:
    """What a code object does, as text: two functions that differ in a constant only must not be taken for the same."""
    constants = [_code_text(each) if isinstance(each, type(code)) else repr(each) for each in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, constants))


_source_keys: WeakKeyDictionary[Callable[..., Any], str] = WeakKeyDictionary()


def _source_key(function: Callable[..., Any]) -> str:
    try:
        known = _source_keys.get(function)
    except TypeError:  # a callable that takes no weak references, or has no hash
        return _compute_source_key(function)
    if known is None:
        known = _source_keys[function] = _compute_source_key(function)
    return known


def _compute_source_key(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    try:
        # Everything that `eval` and `python -c` compile is called "<string>": what is found there may be another's source.
        if code is not None and code.co_filename == "<string>":
            return stable_hash(_code_text(code))
        return stable_hash(inspect.getsource(function))
    except (TypeError, OSError):
        if code is not None:
            return stable_hash(_code_text(code))
        kind = function if hasattr(function, "__qualname__") else type(function)
        return stable_hash(f"{kind.__module__}.{kind.__qualname__}")


@dataclass
class TaskSource(CachePolicy):
    """Makes the key of the source code of the task's function."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any] | None,
        flow_parameters: dict[str, Any] | None,
        **kwargs: Any,
    ) -> str | None:
        """The hash of the source code; of the bytecode, where there is no source."""
        source = getattr(task_ctx.task, "source_code", None)
        return stable_hash(source) if isinstance(source, str) else _source_key(task_ctx.task.fn)


@dataclass
class FlowParameters(CachePolicy):
    """Makes the key of the parameters of the flow run."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The hash of the parameters, None if there are none."""
        return _hash_of(flow_parameters) if flow_parameters else None


@dataclass
class RunId(CachePolicy):
    """Makes the key of the id of the flow run: results are used again within it only."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The id of the flow run; outside of flows that of the task run."""
        run = task_ctx.task_run
        return str(run.flow_run_id or run.id)


@dataclass
class Inputs(CachePolicy):
    """
    Makes the key of the task's inputs.

    Args:
        exclude: Names of inputs that are left out.
    """

    exclude: list[str] = field(default_factory=list)

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The hash of the inputs, None if the task takes none."""
        if not inputs:
            return None
        if self.exclude:
            inputs = {name: value for name, value in inputs.items() if name not in self.exclude}
        return _hash_of(inputs)

    def __sub__(self, other: str) -> CachePolicy:
        """Leave an input out of the key."""
        if not isinstance(other, str):
            raise TypeError(f"Only the name of an input can be subtracted from a cache policy, not {other!r}.")
        return replace(self, exclude=[*self.exclude, other])


INPUTS = Inputs()
NONE = _None()
NO_CACHE = _None()
TASK_SOURCE = TaskSource()
FLOW_PARAMETERS = FlowParameters()
RUN_ID = RunId()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
