"""State hooks: the user's functions that are called when a run enters a state. A failing hook is logged and harms nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from logging import Logger, LoggerAdapter
from typing import Any

from prefect._contract.state import State, StateType
from prefect._engine.effects import CallEither, Contexts
from prefect.utilities.dual import Steps


def hooks_for(state: State[Any], owner: Any) -> Sequence[Callable[..., Any]]:
    """The hooks of a flow or task that a state calls for."""
    kind = state.type
    if kind is StateType.RUNNING:
        return owner.on_running_hooks or ()
    if kind is StateType.COMPLETED:
        return owner.on_completion_hooks or ()
    if kind is StateType.FAILED:
        return owner.on_failure_hooks or ()
    if kind is StateType.CRASHED:
        return getattr(owner, "on_crashed_hooks", None) or ()
    if kind is StateType.CANCELLED or kind is StateType.CANCELLING:
        return getattr(owner, "on_cancellation_hooks", None) or ()
    return ()


def run_hooks(
    owner: Any, run: Any, state: State[Any], logger: Logger | LoggerAdapter[Logger], contexts: Contexts = ()
) -> Steps[None]:
    """Call the hooks that a state calls for, one after the other."""
    for hook in hooks_for(state, owner):
        name = hook_name(hook)
        try:
            logger.info("Running hook %r in response to entering state %r", name, state.name)
            yield CallEither(hook, (owner, run, state), contexts)
        except Exception:
            logger.exception("An error was encountered while running hook %r", name)
        else:
            logger.info("Hook %r finished running successfully", name)


def hook_name(hook: Callable[..., Any]) -> str:
    """The name of a hook, also of a partial."""
    inner = getattr(hook, "func", hook)
    return getattr(inner, "__name__", type(hook).__name__)
