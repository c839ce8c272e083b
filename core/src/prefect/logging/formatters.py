"""How records become text."""

from __future__ import annotations

import json
import logging
import traceback
from types import TracebackType
from typing import Any, Literal, Optional, Union

__all__ = ["ExceptionInfoType", "JsonFormatter", "PrefectFormatter", "format_exception_info"]

ExceptionInfoType = Union[tuple[type[BaseException], BaseException, Optional[TracebackType]], tuple[None, None, None]]


def format_exception_info(exc_info: ExceptionInfoType) -> dict[str, Any]:
    """An exception as JSON values: its type, message and traceback. Empty if there is none."""
    kind, error, trace = exc_info
    if kind is None:
        return {}
    return {
        "type": kind.__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_tb(trace)) if trace else None,
    }


class JsonFormatter(logging.Formatter):
    """
    One JSON object for each record, with all of its attributes.

    Args:
        fmt: `default` for one line, `pretty` for several.
        dmft: Not used: times are numbers. It is there as formatters are created with it.
        style: Not used, likewise.
    """

    def __init__(self, fmt: Literal["pretty", "default"], dmft: str, style: str) -> None:
        if fmt not in {"pretty", "default"}:
            message = f"The format of a JsonFormatter is 'default' or 'pretty', not {fmt!r}."
            raise ValueError(message)
        super().__init__()
        self._indent = 2 if fmt == "pretty" else None
        self._separators = None if fmt == "pretty" else (",", ":")

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON. What has no form in JSON is there as its `repr`."""
        fields = dict(record.__dict__)
        fields["message"] = record.getMessage()
        if record.exc_info:
            fields["exc_info"] = format_exception_info(record.exc_info)
        fields["severity"] = record.levelname
        return json.dumps(fields, default=repr, indent=self._indent, separators=self._separators)


class PrefectFormatter(logging.Formatter):
    """
    A formatter with formats of their own for the records of flow runs and task runs.

    Args:
        format: For all others.
        datefmt: How times are written.
        style: How fields are named in the formats: `%`, `{` or `$`.
        validate: Whether the formats are checked.
        defaults: Values for fields that a record does not have.
        task_run_fmt: For records of task runs.
        flow_run_fmt: For records of flow runs.
    """

    def __init__(
        self,
        format: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: dict[str, Any] | None = None,
        task_run_fmt: str | None = None,
        flow_run_fmt: Optional[str] = None,
    ) -> None:
        super().__init__(format, datefmt, style, validate, defaults=defaults)

        def made(fmt: str | None) -> logging.PercentStyle:
            return (
                self._style if fmt is None else logging.Formatter(fmt, None, style, validate, defaults=defaults)._style
            )

        self._by_logger = {"prefect.flow_runs": made(flow_run_fmt), "prefect.task_runs": made(task_run_fmt)}

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's
        """The first line of the record."""
        return self._by_logger.get(record.name, self._style).format(record)

    def usesTime(self) -> bool:  # noqa: N802 - the standard library's
        """Whether any of the formats needs the time."""
        return any(style.usesTime() for style in (self._style, *self._by_logger.values()))
