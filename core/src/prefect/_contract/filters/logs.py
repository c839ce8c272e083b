"""Which logs are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "LogFilter",
    "LogFilterFlowRunId",
    "LogFilterLevel",
    "LogFilterName",
    "LogFilterTaskRunId",
    "LogFilterTextSearch",
    "LogFilterTimestamp",
]


class LogFilterName(FilterBaseModel):
    """Selects logs by their name."""

    any_: list[str] | None = None


class LogFilterLevel(FilterBaseModel):
    """Selects logs by their level, a number as in `logging`."""

    ge_: int | None = None
    le_: int | None = None


class LogFilterTimestamp(FilterBaseModel):
    """Selects logs by their time."""

    before_: Moment | None = None
    after_: Moment | None = None


class LogFilterFlowRunId(FilterBaseModel):
    """Selects logs by the flow run that they belong to."""

    any_: list[UUID] | None = None


class LogFilterTaskRunId(FilterBaseModel):
    """Selects logs by the task run that they belong to."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


class LogFilterTextSearch(FilterBaseModel):
    """Selects logs by the words of their name and message."""

    query: str


class LogFilter(FilterBaseModel, OperatorMixin):
    """Selects logs."""

    level: LogFilterLevel | None = None
    timestamp: LogFilterTimestamp | None = None
    flow_run_id: LogFilterFlowRunId | None = None
    task_run_id: LogFilterTaskRunId | None = None
    text: LogFilterTextSearch | None = None
