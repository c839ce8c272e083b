"""Context variables: a whole context for a while, and which run the caller is in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, Token
from typing import Any
from uuid import UUID

__all__ = ["get_flow_run_id", "get_task_and_flow_run_ids", "get_task_run_id", "temporary_context"]


@contextmanager
def temporary_context(context: Context) -> Iterator[None]:
    """Give all variables the values of a context inside of the `with` statement."""
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = [
        (variable, variable.set(context[variable])) for variable in context
    ]
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)


def _run_context(kind: str) -> Any:
    # A process that has not loaded the contexts is in no run. They lie above this module, which so need not know them.
    contexts = sys.modules.get("prefect.context")
    return None if contexts is None else getattr(contexts, kind).get()


def get_task_run_id() -> UUID | None:
    """The id of the task run that the caller is in."""
    context = _run_context("TaskRunContext")
    return None if context is None else context.task_run.id


def get_flow_run_id() -> UUID | None:
    """The id of the flow run that the caller is in, also by way of a task run of it."""
    context = _run_context("FlowRunContext")
    if context is not None and context.flow_run is not None:
        flow_run_id: UUID = context.flow_run.id
        return flow_run_id
    task_context = _run_context("TaskRunContext")
    return None if task_context is None else task_context.task_run.flow_run_id


def get_task_and_flow_run_ids() -> tuple[UUID | None, UUID | None]:
    """The ids of the task run and of the flow run that the caller is in."""
    return get_task_run_id(), get_flow_run_id()
