"""Arguments for endpoints: something valid for each of their parameters."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from prefect._contract.actions import DeploymentFlowRunCreate, DeploymentScheduleCreate, LogCreate, StateCreate
from prefect._contract.base import PrefectBaseModel
from prefect._contract.call import Call
from prefect._contract.endpoints.table import Endpoint
from prefect._contract.events import Countable, Event, TimeUnit
from prefect._contract.schedules import CronSchedule
from prefect._contract.state import State

ID = UUID(int=1)
MOMENT = datetime(2030, 1, 1, tzinfo=timezone.utc)

VALUES: dict[str, Any] = {
    "UUID": ID,
    "UUID | str": ID,
    "list[UUID]": [ID],
    "list[str]": ["text"],
    "Literal['concurrency', 'rate_limit']": "rate_limit",
    "str": "text",
    "bool": True,
    "int": 1,
    "float": 1.0,
    "datetime": MOMENT,
    "timedelta": timedelta(hours=1),
    "Iterable[UUID]": [ID],
    "Iterable[str]": ["text"],
    "Collection[str]": {"text"},
    "KeyValueLabels": {"key": 1},
    "dict[str, Any]": {"key": 1},
    "Iterable[LogCreate]": [LogCreate(name="a", level=20, message="m", timestamp=MOMENT)],
    "list[TaskRunRecord]": [],
    "StateCreate | State[Any]": State(type="RUNNING"),
    "LeaseRequest": None,
    "list[DeploymentScheduleCreate]": [DeploymentScheduleCreate(schedule=CronSchedule(cron="0 9 * * *"))],
    "list[DeploymentFlowRunCreate]": [DeploymentFlowRunCreate()],
    "list[Event]": [Event(event="it.happened", resource={"prefect.resource.id": "it"})],
    "Countable": Countable.day,
    "TimeUnit": TimeUnit.hour,
}


def argument_for(annotation: str) -> Any:
    """Something valid for a parameter with this annotation; models are made without validation."""
    wanted = annotation.removesuffix(" | None")
    if wanted in VALUES:
        return VALUES[wanted]
    return model_named(wanted).model_construct() if not wanted.endswith("Sort") else "NAME_ASC"


def model_named(name: str) -> type[PrefectBaseModel]:
    from prefect._contract import actions, automations, concurrency, filters, objects, tokens

    for home in (actions, filters, objects, automations, concurrency, tokens):
        if hasattr(home, name):
            return getattr(home, name)
    raise LookupError(f"No model is named {name!r}.")


def call_of(endpoint: Endpoint) -> Call[Any]:
    """A call of an endpoint with a value for each of its parameters, also for those that have a default."""
    function = endpoint.function
    arguments = {name: argument_for(p.annotation) for name, p in inspect.signature(function).parameters.items()}
    return function(**arguments)


__all__ = ["StateCreate", "argument_for", "call_of"]
