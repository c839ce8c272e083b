"""Loggers: of runs, and of the product."""

from __future__ import annotations

import builtins
import io
import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional
from uuid import UUID

from typing_extensions import Self

from prefect.exceptions import MissingContextError
from prefect.logging.filters import ObfuscateApiKeyFilter

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun, TaskRun
    from prefect.context import FlowRunContext, TaskRunContext
    from prefect.flows import Flow
    from prefect.tasks import Task
    from prefect.workers.base import BaseWorker

    LoggingAdapter = logging.LoggerAdapter[logging.Logger]
    RunContext = FlowRunContext | TaskRunContext
else:
    LoggingAdapter = logging.LoggerAdapter

__all__ = [
    "LogEavesdropper",
    "LoggingAdapter",
    "PrefectLogAdapter",
    "disable_logger",
    "disable_run_logger",
    "flow_run_logger",
    "get_logger",
    "get_run_logger",
    "get_worker_logger",
    "patch_print",
    "print_as_log",
    "task_run_logger",
]

_FLOW_RUNS = "prefect.flow_runs"
_TASK_RUNS = "prefect.task_runs"


class PrefectLogAdapter(LoggingAdapter):
    """A logger whose records carry extra attributes, besides those that a call gives."""

    def process(self, msg: str, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """Add the attributes; those of the call win."""
        given = kwargs.get("extra")
        kwargs["extra"] = {**(self.extra or {}), **given} if given else dict(self.extra or {})
        return msg, kwargs

    def getChild(self, suffix: str, extra: dict[str, Any] | None = None) -> PrefectLogAdapter:  # noqa: N802
        """
        A logger below this one, with the same attributes.

        Args:
            suffix: Its name below this one's.
            extra: Further attributes.
        """
        return PrefectLogAdapter(self.logger.getChild(suffix), extra={**(self.extra or {}), **(extra or {})})


@lru_cache
def get_logger(name: str | None = None) -> logging.Logger:
    """
    A logger of the product: its records are shown as the settings say, but belong to no run.

    Args:
        name: Its name; `prefect.` is put before it unless it is there. The product's own logger if None.
    """
    if name is not None and not name.startswith("prefect."):
        name = f"prefect.{name}"
    logger = logging.getLogger(name or "prefect")
    logger.addFilter(ObfuscateApiKeyFilter())
    return logger


def get_run_logger(context: Optional[RunContext] = None, **kwargs: Any) -> logging.Logger | LoggingAdapter:
    """
    The logger of the task run or flow run that the caller is in. Its records are kept with the run.

    Args:
        context: The run; the one that the caller is in if None.
        kwargs: Further attributes for all records.

    Raises:
        MissingContextError: The caller is in no run, and PREFECT_TEST_MODE is off.
    """
    from prefect.context import FlowRunContext, TaskRunContext

    if context is None:
        task_context, flow_context = TaskRunContext.get(), FlowRunContext.get()
    else:
        task_context = context if isinstance(context, TaskRunContext) else None
        flow_context = context if isinstance(context, FlowRunContext) else FlowRunContext.get()
    if task_context is not None:
        return task_run_logger(
            task_run=task_context.task_run,
            task=task_context.task,
            flow_run=flow_context.flow_run if flow_context else None,
            flow=flow_context.flow if flow_context else None,
            **kwargs,
        )
    if flow_context is not None:
        return flow_run_logger(flow_run=flow_context.flow_run, flow=flow_context.flow, **kwargs)
    return _logger_outside_of_runs(kwargs)


def _logger_outside_of_runs(extra: dict[str, Any]) -> logging.Logger | LoggingAdapter:
    if get_logger(_FLOW_RUNS).disabled and get_logger(_TASK_RUNS).disabled:  # by `disable_run_logger`
        return get_logger(_FLOW_RUNS)
    from prefect.settings import get_current_settings

    if get_current_settings().testing.test_mode:
        return PrefectLogAdapter(get_logger("tests"), extra=extra)
    message = (
        "There is no active flow or task run context: call get_run_logger() inside of a flow or task. To call one as a "
        "plain function in a test, use `with disable_run_logger():` or set PREFECT_TEST_MODE."
    )
    raise MissingContextError(message)


def flow_run_logger(
    flow_run: FlowRun | None = None,
    flow: Flow[Any, Any] | None = None,
    flow_run_id: UUID | None = None,
    **kwargs: Any,
) -> PrefectLogAdapter:
    """
    The logger of a flow run.

    Args:
        flow_run: The flow run.
        flow: Its flow.
        flow_run_id: Its id, where no more is known of it.
        kwargs: Further attributes for all records.
    """
    run_id = flow_run.id if flow_run is not None else flow_run_id
    extra = {
        "flow_run_name": (flow_run.name if flow_run is not None else None) or "<unknown>",
        "flow_run_id": None if run_id is None else str(run_id),
        "flow_name": flow.name if flow is not None else "<unknown>",
        **kwargs,
    }
    return PrefectLogAdapter(get_logger(_FLOW_RUNS), extra=extra)


def task_run_logger(
    task_run: TaskRun,
    task: Optional[Task[Any, Any]] = None,
    flow_run: Optional[FlowRun] = None,
    flow: Optional[Flow[Any, Any]] = None,
    **kwargs: Any,
) -> LoggingAdapter:
    """
    The logger of a task run.

    Args:
        task_run: The task run.
        task: Its task.
        flow_run: The flow run that it belongs to; the one that the caller is in if None.
        flow: The flow of that.
        kwargs: Further attributes for all records.
    """
    if flow_run is None or flow is None:
        from prefect.context import FlowRunContext

        if context := FlowRunContext.get():
            flow_run = flow_run or context.flow_run
            flow = flow or context.flow
    flow_run_id = flow_run.id if flow_run is not None else task_run.flow_run_id
    extra = {
        "task_run_id": str(task_run.id),
        "flow_run_id": None if flow_run_id is None else str(flow_run_id),
        "task_run_name": task_run.name or "<unknown>",
        "task_name": task.name if task is not None else "<unknown>",
        "flow_run_name": (flow_run.name if flow_run is not None else None) or "<unknown>",
        "flow_name": flow.name if flow is not None else "<unknown>",
        **kwargs,
    }
    return PrefectLogAdapter(get_logger(_TASK_RUNS), extra=extra)


def get_worker_logger(worker: BaseWorker[Any, Any, Any], name: Optional[str] = None) -> logging.Logger:
    """
    The logger of a worker: what it says of itself. What it says of a run is kept with the run: `worker.get_flow_run_logger`.

    Args:
        worker: The worker.
        name: The logger's name; `prefect.` is put before it. By default it is made of the worker's type and name.
    """
    return get_logger(name or f"workers.{type(worker).type}.{worker.name.lower()}")


@contextmanager
def disable_logger(name: str) -> Iterator[None]:
    """Drop the records of a logger inside of the `with` statement."""
    logger = logging.getLogger(name)
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def disable_run_logger() -> Iterator[None]:
    """Drop the records of runs inside of the `with` statement; there `get_run_logger` works outside of runs too."""
    with disable_logger(_FLOW_RUNS), disable_logger(_TASK_RUNS):
        yield


_print = builtins.print


def print_as_log(*args: Any, **kwargs: Any) -> None:
    """Log what is printed, if the run that the caller is in logs prints; else print it."""
    from prefect.context import FlowRunContext, TaskRunContext

    context = TaskRunContext.get() or FlowRunContext.get()
    if context is None or not context.log_prints or kwargs.get("file") not in {None, sys.stdout}:
        _print(*args, **kwargs)
        return
    text = io.StringIO()
    _print(*args, **{**kwargs, "file": text})
    # An end of line ends the record as well.
    get_run_logger().info("%s", text.getvalue().removesuffix("\n"))


class _Patches:
    """How many `patch_print` statements are open, on all threads: `print` is one for the process."""

    lock = threading.Lock()
    open = 0


@contextmanager
def patch_print() -> Iterator[None]:
    """Let `print` be `print_as_log` inside of the `with` statement."""
    with _Patches.lock:
        _Patches.open += 1
        builtins.print = print_as_log
    try:
        yield
    finally:
        with _Patches.lock:
            _Patches.open -= 1
            if not _Patches.open:
                builtins.print = _print


class LogEavesdropper(logging.Handler):
    """
    Collects the records of a logger, and of those below it, inside of a `with` statement.

    Args:
        eavesdrop_on: The logger's name.
        level: The level from which on they are collected.
    """

    def __init__(self, eavesdrop_on: str, level: int = logging.NOTSET) -> None:
        super().__init__(level=level)
        self.eavesdrop_on = eavesdrop_on
        self._target: logging.Logger | None = None
        self._lines: list[str] = []
        self.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))

    def __enter__(self) -> Self:
        self._target = logging.getLogger(self.eavesdrop_on)
        self._target.addHandler(self)
        self._lines = []
        return self

    def __exit__(self, *_: object) -> None:
        if self._target is not None:
            self._target.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Collect the record."""
        self._lines.append(self.format(record))

    def text(self) -> str:
        """What was collected, a line for each record."""
        return "\n".join(self._lines)
