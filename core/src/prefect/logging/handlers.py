"""Where records go: to the console, and to the orchestrator."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from prefect.exceptions import MissingContextError
from prefect.logging.highlighters import PrefectConsoleHighlighter, RegexHighlighter
from prefect.settings import get_current_settings
from prefect.utilities.time import from_timestamp

__all__ = [
    "APILogHandler",
    "PrefectConsoleHandler",
    "emit_api_log",
    "flush",
    "install_sink",
    "set_api_log_sink",
]

Sink = Callable[[dict[str, Any]], None]

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler  # which Python 3.10 cannot subscript


class _Way:
    """The way of records to the orchestrator, as far as this process has one."""

    sink: Sink | None = None
    flush: Callable[[], None] | None = None


def install_sink(sink: Sink | None, flush: Callable[[], None] | None = None) -> None:
    """
    Say where the records of runs go.

    Args:
        sink: Called with each record: a dict of `name`, `level`, `message`, `timestamp`, `flow_run_id` and
            `task_run_id`. It must not block. None: they go nowhere.
        flush: Returns when all that `sink` was called with is where it belongs.
    """
    _Way.sink = sink
    _Way.flush = flush


def set_api_log_sink(sink: Sink | None) -> None:
    """Say where the records of runs go, where nothing needs to be flushed. See `install_sink`."""
    install_sink(sink)


def emit_api_log(log: dict[str, Any]) -> None:
    """Send a record that was made elsewhere, such as in a child process, the way of this process's records."""
    if _Way.sink is not None:
        _Way.sink(log)


def flush() -> None:
    """Return when all records up to now are where they belong."""
    if _Way.flush is not None:
        _Way.flush()


@lru_cache(maxsize=256)
def _uuid(value: str | UUID | None) -> UUID | None:
    return UUID(value) if isinstance(value, str) else value


class APILogHandler(logging.Handler):
    """Sends the records of runs to the orchestrator. It never fails what logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """
        Hand the record over, unless it or the settings say that it is not sent.

        Raises:
            MissingContextError: It belongs to no run, and PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW is `error`.
        """
        to_api = get_current_settings().logging.to_api
        sink = _Way.sink
        if sink is None or not to_api.enabled or not getattr(record, "send_to_api", True):
            return
        try:
            log = self.prepare(record)
        except MissingContextError as error:
            if to_api.when_missing_flow == "error":
                raise
            if to_api.when_missing_flow == "warn":
                warnings.warn_explicit(str(error), UserWarning, record.pathname, record.lineno)
            return
        except Exception:
            self.handleError(record)
            return
        try:
            sink(log)
        except Exception:
            self.handleError(record)

    def prepare(self, record: logging.LogRecord) -> dict[str, Any]:
        """
        What is sent of a record.

        Raises:
            MissingContextError: It belongs to no run.
        """
        flow_run_id = getattr(record, "flow_run_id", None)
        task_run_id = getattr(record, "task_run_id", None)
        if flow_run_id is None and task_run_id is None:
            flow_run_id, task_run_id = _current_run_ids()
            if flow_run_id is None and task_run_id is None:
                message = (
                    f"Logger {record.name!r} attempted to send logs to the API without a flow run id. The API log "
                    "handler can only send logs within flow run contexts unless the flow run id is manually provided."
                )
                raise MissingContextError(message)
        return {
            "name": record.name,
            "level": record.levelno,
            "message": _cut(self.format(record)),
            "timestamp": from_timestamp(record.created),
            "flow_run_id": _uuid(flow_run_id),
            "task_run_id": _uuid(task_run_id),
        }

    def flush(self) -> None:
        """Return when all records up to now are where they belong."""
        flush()

    @classmethod
    async def aflush(cls) -> None:
        """Wait until all records up to now are where they belong."""
        import anyio.to_thread

        await anyio.to_thread.run_sync(flush)


def _current_run_ids() -> tuple[UUID | None, UUID | None]:
    from prefect.context import FlowRunContext, TaskRunContext

    task_context = TaskRunContext.get()
    if task_context is not None:
        return task_context.task_run.flow_run_id, task_context.task_run.id
    flow_context = FlowRunContext.get()
    if flow_context is not None and flow_context.flow_run is not None:
        return flow_context.flow_run.id, None
    return None, None


def _cut(message: str) -> str:
    """The message in no more bytes than a record may have."""
    limit = get_current_settings().logging.to_api.max_log_size
    if len(message) * 4 <= limit:  # a character has at most four bytes
        return message
    encoded = message.encode(errors="surrogatepass")
    if len(encoded) <= limit:
        return message
    mark = f"... [cut: {len(encoded)} bytes are more than PREFECT_LOGGING_TO_API_MAX_LOG_SIZE={limit}]"
    return encoded[: max(limit - len(mark), 0)].decode(errors="ignore") + mark


DEFAULT_STYLES = {
    "log.web_url": "bright_blue",
    "log.local_url": "bright_blue",
    "log.debug_level": "blue",
    "log.info_level": "cyan",
    "log.warning_level": "yellow3",
    "log.error_level": "red3",
    "log.critical_level": "bright_red",
    "log.completed_state": "green",
    "log.cancelled_state": "yellow3",
    "log.paused_state": "yellow3",
    "log.rolledback_state": "yellow3",
    "log.failed_state": "red3",
    "log.timedout_state": "red3",
    "log.crashed_state": "bright_red",
    "log.cached_state": "bright_blue",
    "log.flow_run_name": "magenta",
    "log.task_run_name": "magenta",
    "log.flow_name": "bold magenta",
}


class PrefectConsoleHandler(_StreamHandler):
    """
    Writes records to the console, in colours if it is a terminal.

    Args:
        stream: Where to; what `sys.stderr` is at the time if None.
        highlighter: What is coloured.
        styles: How: for each name of a style the style. They take the place of the default ones.
        level: The level from which on records are written.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        highlighter: type[RegexHighlighter] = PrefectConsoleHighlighter,
        styles: dict[str, str] | None = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(stream)
        self._own_stream = stream
        self.level = logging._checkLevel(level)  # type: ignore[attr-defined]
        self.highlighter = highlighter()
        self.styles = {**DEFAULT_STYLES, **(styles or {})}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        stream = sys.stderr if self._own_stream is None else self._own_stream
        if stream is None or stream.closed:  # a program without a console, or one that is ending
            return
        try:
            stream.write(self._text(record, stream) + self.terminator)
            stream.flush()
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)

    def _text(self, record: logging.LogRecord, stream: TextIO) -> str:
        text = self.format(record)
        settings = get_current_settings().logging
        colored = settings.colors and _shows_colors(stream)
        if settings.markup:
            from prefect.logging.styles import render_markup, strip_markup

            text = render_markup(text) if colored else strip_markup(text)
        return self.highlighter.highlight(text, self.styles) if colored else text


def _shows_colors(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
