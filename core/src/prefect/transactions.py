# Longer than 600 lines: both colours of one protocol, with the docstrings of the public contract.
"""
Transactions: several steps that take effect together or not at all.

    with transaction():
        write_file()      # a task with an on_rollback hook
        check_file()      # fails: the hook of write_file runs

What is staged is committed when the outermost transaction ends well. A commit turns all values into bytes, runs all
commit hooks and then writes; if any of it fails, what was written is taken back and the rollback hooks run.

A task run without a key opens a transaction too, so opening and closing one costs microseconds: a transaction is a
plain object, what it may not need is made when it is first used.
"""

from __future__ import annotations

import copy
import inspect
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union

from typing_extensions import Self

from prefect.exceptions import ConfigurationError, MissingContextError, SerializationError
from prefect.results import ResultRecord, ResultStore, get_result_store
from prefect.results.calls import Either, run_awaitable
from prefect.results.writing import Write, Written, unwrite_steps, write_steps
from prefect.utilities.annotations import NotSet
from prefect.utilities.collections import AutoEnum
from prefect.utilities.dual import Run, Steps, adrive, drive

if TYPE_CHECKING:
    import logging

    LoggerOrAdapter = Union[logging.Logger, logging.LoggerAdapter[logging.Logger]]

__all__ = [
    "AsyncTransaction",
    "BaseTransaction",
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "TransactionState",
    "atransaction",
    "get_transaction",
    "transaction",
]


class IsolationLevel(AutoEnum):
    """Whether transactions with the same key may run at the same time (READ_COMMITTED) or wait for each other."""

    READ_COMMITTED = AutoEnum.auto()
    SERIALIZABLE = AutoEnum.auto()


class CommitMode(AutoEnum):
    """When a transaction is committed: at its own end (EAGER), with its parent (LAZY), or only by `commit()` (OFF)."""

    EAGER = AutoEnum.auto()
    LAZY = AutoEnum.auto()
    OFF = AutoEnum.auto()


class TransactionState(AutoEnum):
    """How far a transaction has come."""

    PENDING = AutoEnum.auto()
    ACTIVE = AutoEnum.auto()
    STAGED = AutoEnum.auto()
    COMMITTED = AutoEnum.auto()
    ROLLED_BACK = AutoEnum.auto()


_active: ContextVar[BaseTransaction | None] = ContextVar("transaction", default=None)

_ENDED = (TransactionState.COMMITTED, TransactionState.ROLLED_BACK)

Hook = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _RunHook:
    """Call a hook with its transaction; what it returns is awaited if that can be done."""

    hook: Hook
    transaction: BaseTransaction

    def perform(self) -> None:
        answer = self.hook(self.transaction)
        if inspect.isawaitable(answer):
            run_awaitable(answer)

    async def aperform(self) -> None:
        answer = self.hook(self.transaction)
        if inspect.isawaitable(answer):
            await answer


def _name_of(hook: Hook) -> str:
    return getattr(hook, "__name__", None) or getattr(getattr(hook, "func", None), "__name__", None) or repr(hook)


class BaseTransaction:
    """
    What transactions of both colours share.

    Args:
        store: Where the value goes; needed only with a key, then that of the current run by default.
        key: Names the value. A transaction whose key has a value is committed from the start.
        children: Transactions that ended within this one, in order.
        commit_mode: When to commit; the parent's mode by default, LAZY without parent.
        isolation_level: Whether the key is locked; None for the parent's.
        state: How far the transaction has come.
        on_commit_hooks: Called with the transaction when it is committed.
        on_rollback_hooks: Called with the transaction when it is rolled back, last one first.
        overwrite: Whether to begin although the key has a value.
        logger: Where hooks and failures are logged; that of the current run by default.
        write_on_commit: Whether the value is written when the transaction is committed.
    """

    def __init__(
        self,
        *,
        store: ResultStore | None = None,
        key: str | None = None,
        children: list[Any] | None = None,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | None = IsolationLevel.READ_COMMITTED,
        state: TransactionState = TransactionState.PENDING,
        on_commit_hooks: Sequence[Hook] = (),
        on_rollback_hooks: Sequence[Hook] = (),
        overwrite: bool = False,
        logger: LoggerOrAdapter | None = None,
        write_on_commit: bool = True,
    ) -> None:
        self.store = store
        self.key = key
        self.children: list[Any] = [] if children is None else children
        self.commit_mode = commit_mode
        self.isolation_level = isolation_level
        self.state = state
        self.on_commit_hooks: list[Hook] = list(on_commit_hooks)
        self.on_rollback_hooks: list[Hook] = list(on_rollback_hooks)
        self.overwrite = overwrite
        self.write_on_commit = write_on_commit
        self._when_rolled_back: Callable[[], None] | None = None
        self._logger = logger
        self._staged_value: Any = None
        self._values: dict[str, Any] | None = None
        self._parent: BaseTransaction | None = None
        self._token: Token[BaseTransaction | None] | None = None
        self._holder: str | None = None
        self._owns_lock = False
        self._record: ResultRecord[Any] | None = None

    def __repr__(self) -> str:
        """Key and state."""
        return f"<{type(self).__name__} key={self.key!r} {self.state.name}>"

    @property
    def logger(self) -> LoggerOrAdapter:
        """Where hooks and failures are logged."""
        if self._logger is None:
            from prefect.logging.loggers import get_logger, get_run_logger

            try:
                self._logger = get_run_logger()
            except MissingContextError:
                self._logger = get_logger("prefect.transactions")
        return self._logger

    # Values that steps hand on to hooks

    def set(self, name: str, value: Any) -> None:
        """Keep a value for hooks, and for transactions within this one."""
        if self._values is None:
            self._values = {}
        self._values[name] = value

    def get(self, name: str, default: Any = NotSet) -> Any:
        """
        A copy of a value that was set here or in a transaction around this one.

        Args:
            name: The value's name.
            default: What to return if there is none.

        Raises:
            ValueError: There is none, and no default.
        """
        owner: BaseTransaction | None = self
        while owner is not None:
            if owner._values is not None and name in owner._values:
                return copy.deepcopy(owner._values[name])
            owner = owner.get_parent()
        if default is NotSet:
            raise ValueError(f"No value named '{name}' was set in this transaction or in one around it.")
        return default

    # States

    def is_committed(self) -> bool:
        """Whether it has taken effect."""
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        """Whether it was undone."""
        return self.state is TransactionState.ROLLED_BACK

    def is_staged(self) -> bool:
        """Whether it has something to commit."""
        return self.state is TransactionState.STAGED

    def is_pending(self) -> bool:
        """Whether it has not begun."""
        return self.state is TransactionState.PENDING

    def is_active(self) -> bool:
        """Whether it has begun, and nothing is staged yet."""
        return self.state is TransactionState.ACTIVE

    # Nesting

    @classmethod
    def get_active(cls) -> BaseTransaction | None:
        """The transaction that the caller is in, None outside of any."""
        return _active.get()

    def get_parent(self) -> BaseTransaction | None:
        """The transaction around this one; before this one has begun, the one that the caller is in."""
        if self._parent is not None or self._token is not None or self.state in _ENDED:
            return self._parent
        active = _active.get()
        return None if active is self else active

    def add_child(self, transaction: Any) -> None:
        """Take over responsibility for a transaction within this one."""
        self.children.append(transaction)

    def prepare_transaction(self) -> None:
        """
        Settle what depends on the transaction around this one.

        Raises:
            prefect.exceptions.ConfigurationError: The isolation level takes locks, and the store has no lock manager.
        """
        parent = self._parent = self.get_parent()
        if self.commit_mode is None:
            self.commit_mode = CommitMode.LAZY if parent is None else parent.commit_mode
        if self.isolation_level is None:
            self.isolation_level = IsolationLevel.READ_COMMITTED if parent is None else parent.isolation_level
        if self.key is None:
            return
        if self.store is None:
            self.store = get_result_store()
        if self.isolation_level is not None and not self.store.supports_isolation_level(self.isolation_level):
            raise ConfigurationError(
                f"A transaction of isolation level {self.isolation_level.name} locks its key '{self.key}', but its "
                "result store has no lock manager. Configure one in the cache policy: "
                "policy.configure(isolation_level='SERIALIZABLE', lock_manager=MemoryLockManager())."
            )

    def stage(
        self,
        value: Any,
        on_rollback_hooks: list[Callable[..., Any]] | None = None,
        on_commit_hooks: list[Callable[..., Any]] | None = None,
    ) -> None:
        """
        Say what is to be committed. A transaction that is committed already stays as it is.

        Args:
            value: The value of the key, or a result record of it.
            on_rollback_hooks: Called, last one first, if the transaction is rolled back.
            on_commit_hooks: Called when the transaction is committed.
        """
        if self.state is TransactionState.COMMITTED:
            return
        self._staged_value = value
        if on_rollback_hooks:
            self.on_rollback_hooks.extend(on_rollback_hooks)
        if on_commit_hooks:
            self.on_commit_hooks.extend(on_commit_hooks)
        self.state = TransactionState.STAGED

    @contextmanager
    def activated(self) -> Iterator[Self]:
        """Make this the transaction that code is in, without beginning or ending it."""
        token = _active.set(self)
        try:
            yield self
        finally:
            _active.reset(token)

    # Steps

    def _begin_steps(self) -> Steps[None]:
        """Lock the key if need be, and see whether it has a value."""
        if self.state is not TransactionState.PENDING:
            return
        if self.key is not None:
            store = self.store = self.store or get_result_store()
            if self.isolation_level is IsolationLevel.SERIALIZABLE:
                self._holder = self._holder_around()
                if self._holder is None:
                    self._holder = f"{store.generate_default_holder()}:{uuid.uuid4().hex}"
                    yield Either(store.acquire_lock, store.aacquire_lock, (self.key, self._holder))
                    self._owns_lock = True
            if not self.overwrite:
                self._record = yield from store.find_steps(self.key)
        self.state = TransactionState.ACTIVE if self._record is None else TransactionState.COMMITTED

    def _holder_around(self) -> str | None:
        """Who holds the lock on the same key for a transaction around this one: to wait for it would be for ever."""
        parent = self._parent
        while parent is not None and not (parent._owns_lock and parent.key == self.key):
            parent = parent._parent
        return None if parent is None else parent._holder

    def _read_steps(self) -> Steps[ResultRecord[Any] | None]:
        if self._record is None and self.key is not None and self.store is not None:
            self._record = yield from self.store._read_steps(self.key, self._holder)
        return self._record

    def _uncommitted(self) -> Iterator[BaseTransaction]:
        """What a commit of this one has to commit: what ended within it, then itself."""
        for child in self.children:
            yield from child._uncommitted()
        if self.state not in _ENDED:
            yield self

    def _commit_steps(self) -> Steps[bool]:
        was_ended = self.state in _ENDED
        if self.state is TransactionState.ROLLED_BACK:
            return False
        pending = list(self._uncommitted())
        written: list[Written] = []
        try:
            plans: list[Write] = []
            for each in pending:
                plans += yield from each._plan_steps()
            for each in pending:
                for hook in each.on_commit_hooks:
                    yield from each._hook_steps(hook, "commit")
            for plan in plans:  # a single write happens or does not, so there is nothing to take back
                yield from write_steps(plan, written if len(plans) > 1 else None)
        except BaseException as error:
            self._log_failed_commit(error)
            yield from unwrite_steps(written, self.logger)
            for each in reversed(pending):
                yield from each._rollback_steps()
            if not isinstance(error, Exception):
                raise
            return False
        for each in pending:
            each.state = TransactionState.COMMITTED
        for plan in plans:
            plan.done()
        return not was_ended

    def _plan_steps(self) -> Steps[list[Write]]:
        """What is to be written, in bytes."""
        if self.key is None or self.store is None or not self.write_on_commit:
            return []
        value = self._staged_value
        record = value if isinstance(value, ResultRecord) else self.store.create_result_record(value, self.key)
        self._record = record
        # A transaction that had the lock may have ended, and given it back, before the one around it is committed.
        had_lock = self.isolation_level is IsolationLevel.SERIALIZABLE
        return (yield from self.store.plan_steps(record, self._holder, check_lock=not had_lock))

    def _log_failed_commit(self, error: BaseException) -> None:
        name = f"with key '{self.key}'" if self.key is not None else "without key"
        if isinstance(error, SerializationError):
            self.logger.warning("The transaction %s is not committed, the code goes on: %s", name, error)
        else:
            self.logger.error("The transaction %s is not committed: %r", name, error, exc_info=error)

    def _hook_steps(self, hook: Hook, kind: str) -> Steps[None]:
        name = _name_of(hook)
        self.logger.info("Running %s hook '%s'", kind, name)
        try:
            yield _RunHook(hook, self)
        except Exception:
            self.logger.exception("The %s hook '%s' failed", kind, name)
            raise
        self.logger.info("The %s hook '%s' has finished", kind, name)

    def _rollback_steps(self) -> Steps[bool]:
        """Run the rollback hooks, all of them although one fails, then those of what ended within this one."""
        is_open = self.state not in _ENDED
        if is_open:
            for hook in reversed(self.on_rollback_hooks):
                try:
                    yield from self._hook_steps(hook, "rollback")
                except Exception:  # noqa: S112 - it is logged; the other hooks have their own things to undo
                    continue
            self.state = TransactionState.ROLLED_BACK
            if self._when_rolled_back is not None:
                self._when_rolled_back()
        for child in reversed(self.children):
            yield from child._rollback_steps()
        return is_open

    def _end_steps(self, error: BaseException | None) -> Steps[None]:
        """Leave the transaction: roll back, commit, or leave that to the parent."""
        if error is not None:
            yield from self._rollback_steps()
        elif self.commit_mode is CommitMode.EAGER or (self._parent is None and self.commit_mode is CommitMode.LAZY):
            yield from self._commit_steps()
        elif self._parent is None:
            yield from self._rollback_steps()
        yield from self._reset_steps()

    def _reset_steps(self) -> Steps[None]:
        parent = self._parent
        if parent is not None:
            parent.add_child(self)
        if self._token is not None:
            token, self._token = self._token, None
            _active.reset(token)
        if self._owns_lock and self.store is not None:
            self._owns_lock = False
            yield Run(partial(self.store.release_lock, self.key, self._holder))  # type: ignore[arg-type]
        if parent is not None and self.state is TransactionState.ROLLED_BACK:
            yield from parent._rollback_steps()

    def _enter(self) -> None:
        if self._token is not None:
            raise RuntimeError("This transaction was entered already; make a new one to nest them.")
        self.prepare_transaction()
        self._token = _active.set(self)

    def _is_simple(self) -> bool:
        """Whether there is nothing to look up, to write, to lock or to call."""
        return self.key is None and not self.children and not self.on_commit_hooks


class Transaction(BaseTransaction):
    """A transaction in sync code."""

    def __enter__(self) -> Self:
        """Begin."""
        self._enter()
        try:
            self.begin()
        except BaseException:
            drive(self._reset_steps())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit, roll back, or leave that to the transaction around this one."""
        if error is None and self._parent is None and self.commit_mode is CommitMode.LAZY and self._is_simple():
            if self.state not in _ENDED:
                self.state = TransactionState.COMMITTED
            if self._token is not None:
                token, self._token = self._token, None
                _active.reset(token)
            return
        drive(self._end_steps(error))

    def begin(self) -> None:
        """Begin: lock the key if need be, and see whether it has a value; then the transaction is committed."""
        if self.key is None and self.state is TransactionState.PENDING:
            self.state = TransactionState.ACTIVE
        else:
            drive(self._begin_steps())

    def read(self) -> ResultRecord[Any] | None:
        """
        The record of the key, None without key.

        Raises:
            ValueError: The key has no value.
        """
        return drive(self._read_steps())

    def commit(self) -> bool:
        """
        Let it take effect now, with what ended within it.

        Returns:
            Whether it did: False if it was ended before, or if it failed, which rolls it back.
        """
        return drive(self._commit_steps())

    def rollback(self) -> bool:
        """
        Undo it, with what ended within it.

        Returns:
            Whether there was something to undo: False if it was ended before.
        """
        return drive(self._rollback_steps())

    def reset(self) -> None:
        """Leave it to its parent, and release its lock."""
        drive(self._reset_steps())

    def run_hook(self, hook: Callable[..., Any], hook_type: str) -> None:
        """Call a hook, and log it."""
        drive(self._hook_steps(hook, hook_type))


class AsyncTransaction(BaseTransaction):
    """A transaction in async code."""

    async def __aenter__(self) -> Self:
        """Begin."""
        self._enter()
        try:
            await self.begin()
        except BaseException:
            drive(self._reset_steps())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit, roll back, or leave that to the transaction around this one."""
        await adrive(self._end_steps(error))

    async def begin(self) -> None:
        """Begin: lock the key if need be, and see whether it has a value; then the transaction is committed."""
        await adrive(self._begin_steps())

    async def read(self) -> ResultRecord[Any] | None:
        """
        The record of the key, None without key.

        Raises:
            ValueError: The key has no value.
        """
        return await adrive(self._read_steps())

    async def commit(self) -> bool:
        """Let it take effect now, with what ended within it. See `Transaction.commit`."""
        return await adrive(self._commit_steps())

    async def rollback(self) -> bool:
        """Undo it, with what ended within it. See `Transaction.rollback`."""
        return await adrive(self._rollback_steps())

    async def reset(self) -> None:
        """Leave it to its parent, and release its lock."""
        await adrive(self._reset_steps())

    async def run_hook(self, hook: Callable[..., Any], hook_type: str) -> None:
        """Call a hook, and log it."""
        await adrive(self._hook_steps(hook, hook_type))


def get_transaction() -> BaseTransaction | None:
    """The transaction that the caller is in, None outside of any."""
    return _active.get()


def transaction(
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: LoggerOrAdapter | None = None,
) -> Transaction:
    """
    Open a transaction, as in `with transaction(): ...`.

    Args:
        key: Names the value that is staged in it. If the key has a value, the transaction is committed from the start.
        store: Where the value goes; that of the current run by default.
        commit_mode: When to commit; the mode of the transaction around it by default, else at its end.
        isolation_level: Whether transactions with the same key wait for each other (SERIALIZABLE takes a lock manager).
        overwrite: Whether to begin although the key has a value.
        write_on_commit: Whether the value is written when the transaction is committed.
        logger: Where hooks and failures are logged.
    """
    return Transaction(
        key=key,
        store=store,
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        overwrite=overwrite,
        write_on_commit=write_on_commit,
        logger=logger,
    )


def atransaction(
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: LoggerOrAdapter | None = None,
) -> AsyncTransaction:
    """
    Open a transaction in async code, as in `async with atransaction(): ...`.

    Args:
        key: Names the value that is staged in it. If the key has a value, the transaction is committed from the start.
        store: Where the value goes; that of the current run by default.
        commit_mode: When to commit; the mode of the transaction around it by default, else at its end.
        isolation_level: Whether transactions with the same key wait for each other (SERIALIZABLE takes a lock manager).
        overwrite: Whether to begin although the key has a value.
        write_on_commit: Whether the value is written when the transaction is committed.
        logger: Where hooks and failures are logged.
    """
    return AsyncTransaction(
        key=key,
        store=store,
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        overwrite=overwrite,
        write_on_commit=write_on_commit,
        logger=logger,
    )
