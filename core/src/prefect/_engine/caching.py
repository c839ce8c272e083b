"""The transaction around a task run: it finds a stored result, and stores the new one, or takes it back with its parent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from prefect._contract.state import State
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.context import FlowRunContext
from prefect.states import Completed
from prefect.transactions import IsolationLevel, Transaction
from prefect.utilities.dual import Steps
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._engine.task_run import TaskExecution


class TaskTransaction:
    """
    One task run's transaction.

    A run whose result is not kept, and that has no hooks of its own, has one without a key, which costs next to nothing.
    """

    __slots__ = ("_run", "cache_key", "transaction")

    def __init__(self, run: TaskExecution) -> None:
        self._run = run
        self.cache_key: str | None = None
        self.transaction = Transaction(logger=run.logger)

    def begin(self) -> Steps[None]:
        """Compute the key, lock it if the policy says so, and look it up."""
        run, task = self._run, self._run.task
        if run.persist:
            self.cache_key = compute_key(run)
            policy = task.cache_policy
            level = getattr(policy, "isolation_level", None)
            self.transaction = Transaction(
                key=self.cache_key or uuid4().hex,
                store=run.store,
                isolation_level=IsolationLevel(level) if level is not None and self.cache_key is not None else None,
                overwrite=self.cache_key is None or refreshes_cache(run),
                logger=run.logger,
            )
        self.transaction.prepare_transaction()
        yield from self.transaction._begin_steps()

    def scope(self) -> AbstractContextManager[Any]:
        """Makes the transaction the one that the user's code is in."""
        return self.transaction.activated()

    def cached_state(self) -> Steps[State[Any] | None]:
        """The state of a run whose result was stored before, None if the task has to run."""
        if not self.transaction.is_committed():
            return None
        record = yield from self.transaction._read_steps()
        return self._with_details(
            Completed(name="Cached", message=f"Found the stored result of key {self.cache_key!r}.", data=record),
            record.expiration if record is not None else None,
        )

    def _with_details(self, state: State[Any], expiration: datetime | None) -> State[Any]:
        details = state.state_details.model_copy(update={"cache_key": self.cache_key, "cache_expiration": expiration})
        return state.model_copy(update={"state_details": details})

    @property
    def result_key(self) -> str | Callable[[], str] | None:
        """Under which key the result is stored."""
        return self.transaction.key

    @property
    def expiration(self) -> datetime | None:
        """When the result that is made now is no longer valid."""
        lasting = self._run.task.cache_expiration
        return now() + lasting if lasting is not None else None

    def complete(self, state: State[Any]) -> Steps[State[Any]]:
        """Commit the result of a completed run, or leave that to the transaction around it. The state to be proposed."""
        task, transaction = self._run.task, self.transaction
        transaction.stage(state.data, task.on_rollback_hooks, task.on_commit_hooks)
        yield from transaction._end_steps(None)
        if not transaction.is_committed() and not transaction.is_rolled_back():  # what is around it has yet to decide
            transaction._when_rolled_back = partial(_tell_rolled_back, self._run)
        if self.cache_key is None:
            return state
        return self._with_details(state, self.expiration)

    def fail(self, error: BaseException | None = None) -> Steps[None]:
        """Roll back, and with it what is around."""
        if not self.transaction.is_committed() and not self.transaction.is_rolled_back():
            yield from self.transaction._end_steps(error or RuntimeError("The task run did not complete."))

    def leave(self) -> Steps[None]:
        """Release what a transaction holds that had nothing to do."""
        yield from self.transaction._reset_steps()

    @property
    def will_store(self) -> bool:
        """Whether the result is stored, or will be when the transaction around this one commits."""
        transaction = self.transaction
        return transaction.key is not None and not transaction.is_rolled_back()


def _tell_rolled_back(run: TaskExecution) -> None:
    """Record that a run which has completed was rolled back with what is around it."""
    message = "The transaction that the task run is part of was rolled back."
    run.ledger.propose(Completed(name="RolledBack", message=message), force=True)


def refreshes_cache(run: TaskExecution) -> bool:
    """Whether a run is to ignore what is stored."""
    refresh = run.task.refresh_cache
    if refresh is not None:
        return refresh
    from prefect.settings import get_current_settings

    return get_current_settings().tasks.refresh_cache


def compute_key(run: TaskExecution) -> str | None:
    """The key under which a run's result is stored and found; None if it cannot be found again."""
    task = run.task
    if task.result_storage_key is not None and task.cache_policy in (None, NO_CACHE):
        return _own_key(run)
    policy = task.cache_policy
    if not isinstance(policy, CachePolicy) or policy is NO_CACHE or caching_is_disabled():
        return None
    flow_context = run.flow_context or FlowRunContext.get()
    flow_parameters = (flow_context.parameters or {}) if flow_context is not None else {}
    try:
        with run.context() as context:
            return policy.compute_key(task_ctx=context, inputs=run.parameters, flow_parameters=flow_parameters)
    except Exception as error:
        run.logger.warning("The result of task %r is not cached: %s", task.name, error)
        return None


def caching_is_disabled() -> bool:
    """Whether settings say that no result is looked up."""
    from prefect.settings import get_current_settings

    return get_current_settings().tasks.disable_caching


def _own_key(run: TaskExecution) -> str | None:
    with run.context():
        return run.store.storage_key_fn()
