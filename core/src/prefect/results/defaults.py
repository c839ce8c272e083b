"""What holds for results unless a flow, a task or a setting says otherwise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Union

from prefect.serializers import Serializer

__all__ = [
    "ResultSerializer",
    "get_default_persist_setting",
    "get_default_persist_setting_for_tasks",
    "get_default_result_serializer",
    "resolve_serializer",
    "should_persist_result",
]

ResultSerializer = Union[Serializer[Any], str]
"""A serializer, or the type of one."""


def resolve_serializer(serializer: ResultSerializer) -> Serializer[Any]:
    """
    The serializer that is meant: itself, or the one of that type.

    Raises:
        prefect.plugins.errors.UnknownNameError: No serializer of that type is registered.
        TypeError: It is neither a serializer nor a string.
    """
    if isinstance(serializer, Serializer):
        return serializer
    if isinstance(serializer, str):
        return Serializer(type=serializer)
    raise TypeError(
        f"A result serializer must be a Serializer or the type of one, such as 'json'; this is {serializer!r}."
    )


@lru_cache(maxsize=16)
def _serializer_of_type(kind: str) -> Serializer[Any]:
    return Serializer(type=kind)


def get_default_result_serializer() -> Serializer[Any]:
    """The serializer that PREFECT_RESULTS_DEFAULT_SERIALIZER names."""
    from prefect.settings import get_current_settings

    return _serializer_of_type(get_current_settings().results.default_serializer)


def get_default_persist_setting() -> bool:
    """Whether results are kept: PREFECT_RESULTS_PERSIST_BY_DEFAULT."""
    from prefect.settings import get_current_settings

    return get_current_settings().results.persist_by_default


def get_default_persist_setting_for_tasks() -> bool:
    """Whether results of tasks are kept: PREFECT_TASKS_DEFAULT_PERSIST_RESULT, else the setting for all results."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    persist = settings.tasks.default_persist_result
    return settings.results.persist_by_default if persist is None else persist


def should_persist_result() -> bool:
    """Whether the run that calls this keeps its results; outside of runs, what the settings say."""
    from prefect.context import FlowRunContext, TaskRunContext

    context = TaskRunContext.get() or FlowRunContext.get()
    return get_default_persist_setting() if context is None else context.persist_result
