"""What an action of an automation is about: the records that the event names, found and described for templates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.runs import FLOW_RUNS, TASK_RUNS, read_run
from prefect.server.operations.rendering import render
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from prefect._contract.automations import Automation
    from prefect.server.operations.firings import Invocation

__all__ = ["CannotActError", "Situation"]

Row = dict[str, Any]

_KIND = "__prefect_kind"

_TABLES = {
    "deployment": tables.deployment,
    "flow": tables.flow,
    "work_pool": tables.work_pool,
    "work_queue": tables.work_queue,
}
_RUNS = {"flow_run": FLOW_RUNS, "task_run": TASK_RUNS}


class CannotActError(Exception):
    """An action cannot be done; the text says why."""


class Situation:
    """
    An action, and what it is about.

    Args:
        work: The transaction.
        automation: The automation.
        invocation: The action.
    """

    def __init__(self, work: UnitOfWork, automation: Automation, invocation: Invocation) -> None:
        self.work = work
        self.automation = automation
        self.invocation = invocation

    @property
    def _resources(self) -> Iterator[dict[str, str]]:
        event = self.invocation.event
        if event is not None:
            yield event["resource"]
            yield from event["related"]

    def find(self, kind: str) -> UUID | None:
        """The id of the first record of a kind that the event names: `flow-run`."""
        prefix = f"prefect.{kind}."
        for resource in self._resources:
            if resource["prefect.resource.id"].startswith(prefix):
                try:
                    return UUID(resource["prefect.resource.id"][len(prefix) :])
                except ValueError:
                    continue
        return None

    def infer(self, kind: str) -> UUID:
        """
        The id of the first record of a kind that the event names: `flow-run`.

        Raises:
            CannotActError: It names none.
        """
        found = self.find(kind)
        if found is None:
            noun = kind.replace("-", " ")
            said = "There was no event" if self.invocation.event is None else f"The event names no {noun}"
            raise CannotActError(f"No {noun} could be inferred. {said}.")
        return found

    @cached_property
    def values(self) -> dict[str, Any]:
        """What templates may name: the automation, the firing, the event, the metric, and the records that it names."""
        found = {kind: self._record(kind) for kind in (*_RUNS, *_TABLES)}
        return {
            **{kind: record for kind, record in found.items() if record is not None},
            "automation": {**to_jsonable_python(self.automation), "kind": "automation"},
            "firing": {"triggered": self.invocation.moment, "triggering_labels": self.invocation.labels},
            "event": self._event(),
            "metric": self.invocation.metric,
        }

    def _record(self, kind: str) -> Row | None:
        id = self.find(kind.replace("_", "-"))
        if id is None:
            return None
        if kind in _RUNS:
            row = read_run(self.work.connection, _RUNS[kind], id, self.work.now)
        else:
            row = records.read(self.work.connection, _TABLES[kind], id=id)
        return None if row is None else {**to_jsonable_python(row, fallback=str), "kind": kind}

    def _event(self) -> Row | None:
        event = self.invocation.event
        if event is None:
            return None
        resources = {"resource": _named(event["resource"]), "related": [_named(each) for each in event["related"]]}
        return {**event, **resources}

    def fill_in(self, template: str) -> str:
        """
        A template, filled in.

        Raises:
            prefect.server.operations.rendering.TemplateError: It cannot be.
        """
        return render(template, self.values) if "{{" in template or "{%" in template else template

    def fill_in_all(self, value: Any) -> Any:
        """
        A JSON value whose texts, at any depth, are templates unless it says otherwise, filled in.

        Raises:
            prefect.server.operations.rendering.TemplateError: A template cannot be filled in.
        """
        if isinstance(value, str):
            return self.fill_in(value)
        if isinstance(value, list):
            return [self.fill_in_all(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get(_KIND) == "jinja":
            return self.fill_in(str(value.get("template", "")))
        if value.get(_KIND) == "json" and isinstance(value.get("value"), dict):
            return {**value, "value": self.fill_in_all(value["value"])}
        return value if _KIND in value else {name: self.fill_in_all(item) for name, item in value.items()}


def _named(labels: dict[str, str]) -> dict[str, Any]:
    """A resource for templates: its labels, and under short names those that are asked for most."""
    short = {name: labels.get(f"prefect.resource.{name}") for name in ("id", "name", "role")}
    return {**labels, "labels": labels, **{name: value for name, value in short.items() if value is not None}}
