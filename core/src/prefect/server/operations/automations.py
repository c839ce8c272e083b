"""Automations: what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.automation_actions import CallWebhook, RunDeployment, SendNotification
from prefect._contract.automations import Automation
from prefect._contract.triggers import CompositeTrigger, Trigger
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.templates import faults_in, require_template
from prefect.server.operations.triggers import begin_to_count
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.automation_actions import Action
    from prefect._contract.automations import AutomationCreate, AutomationPartialUpdate, AutomationUpdate
    from prefect._contract.filters.automations import AutomationFilter
    from prefect._contract.sorting import AutomationSort

__all__ = [
    "count_automations",
    "create_automation",
    "delete_automation",
    "delete_resource_owned_automations",
    "patch_automation",
    "read_automation",
    "read_automations",
    "read_resource_related_automations",
    "update_automation",
    "validate_automation_template",
]

Row = dict[str, Any]

_FIELDS = (
    "name",
    "description",
    "enabled",
    "tags",
    "trigger",
    "actions",
    "actions_on_trigger",
    "actions_on_resolve",
)
_ACTIONS = ("actions", "actions_on_trigger", "actions_on_resolve")


def create_automation(work: UnitOfWork, body: AutomationCreate) -> Automation:
    """
    Create an automation.

    Raises:
        Refusal: One of its actions has a template that is none.
    """
    _require_templates(body)
    row = {"id": uuid7(), "created": work.now, "updated": work.now, **_columns(body)}
    records.create(work.connection, tables.automation, row)
    _relate(work, row["id"], body, owner=body.owner_resource)
    automation = _model(work, row)
    begin_to_count(work, automation)
    _tell(work, "created", automation)
    return automation


@read_only
def read_automation(work: UnitOfWork, id: UUID) -> Automation:
    """Read an automation."""
    return _model(work, _read(work, id))


def update_automation(work: UnitOfWork, id: UUID, body: AutomationUpdate) -> None:
    """
    Replace what an automation does, and when. Triggers that stay the same keep their ids, and what is known of them.

    Raises:
        Refusal: One of its actions has a template that is none.
    """
    before = _model(work, _read(work, id))
    _require_templates(body)
    _keep_ids(before.trigger, body.trigger)
    records.revise(work.connection, tables.automation, id, **_columns(body), updated=work.now)
    _relate(work, id, body, owner=None)
    automation = _model(work, _read(work, id))
    begin_to_count(work, automation, before.trigger if before.enabled else None)
    _tell(work, "updated", automation)


def patch_automation(work: UnitOfWork, id: UUID, body: AutomationPartialUpdate) -> None:
    """Pause or resume an automation."""
    was_enabled = _read(work, id)["enabled"]
    records.revise(work.connection, tables.automation, id, enabled=body.enabled, updated=work.now)
    automation = _model(work, _read(work, id))
    if automation.enabled != was_enabled:
        begin_to_count(work, automation)
    _tell(work, "updated", automation)


def delete_automation(work: UnitOfWork, id: UUID) -> None:
    """Delete an automation."""
    automation = _model(work, _read(work, id))
    records.remove(work.connection, tables.automation, id=id)
    _tell(work, "deleted", automation)


@read_only
def read_automations(
    work: UnitOfWork,
    sort: AutomationSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    automations: AutomationFilter | None = None,
) -> list[Automation]:
    """List the selected automations."""
    automation = tables.automation
    order = records.order(automation, "NAME_ASC" if sort is None else sort.value)
    statement = select(automation).where(*filters.rows_where(automation, automations)).order_by(*order)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return _models(work, records.read_all(work.connection, automation, page))


@read_only
def count_automations(work: UnitOfWork, automations: AutomationFilter | None = None) -> int:
    """Count the selected automations."""
    return records.count(work.connection, tables.automation, filters.rows_where(tables.automation, automations))


@read_only
def read_resource_related_automations(work: UnitOfWork, resource_id: str) -> list[Automation]:
    """List the automations that belong to a resource, or run it if it is a deployment."""
    return _models(work, _related_to(work, resource_id, only_owned=False))


def delete_resource_owned_automations(work: UnitOfWork, resource_id: str) -> None:
    """Delete the automations that belong to a resource."""
    for automation in _models(work, _related_to(work, resource_id, only_owned=True)):
        records.remove(work.connection, tables.automation, id=automation.id)
        _tell(work, "deleted", automation)


@read_only
def validate_automation_template(work: UnitOfWork, body: str) -> None:
    """Refuse a text that is no template."""
    require_template(body)


def _read(work: UnitOfWork, id: UUID) -> Row:
    row = records.read(work.connection, tables.automation, id=id)
    if row is None:
        raise not_found("automation", id=id)
    return row


def _model(work: UnitOfWork, row: Row) -> Automation:
    return _models(work, [row])[0]


def _models(work: UnitOfWork, rows: Sequence[Row]) -> list[Automation]:
    relation = tables.automation_related_resource.c
    owning = select(relation.automation_id, relation.resource_id).where(
        relation.automation_id.in_([row["id"] for row in rows]), relation.automation_owned_by_resource.is_(True)
    )
    owners = {row.automation_id: row.resource_id for row in work.connection.execute(owning)}
    return [Automation.model_validate({**row, "owner_resource": owners.get(row["id"])}) for row in rows]


def _columns(body: AutomationCreate | AutomationUpdate) -> Row:
    values = body.model_dump(mode="json", include=set(_FIELDS))
    return {name: values[name] for name in _FIELDS}


def _actions(body: AutomationCreate | AutomationUpdate) -> Iterator[tuple[str, Action]]:
    """All actions, with their places."""
    for name in _ACTIONS:
        for number, action in enumerate(getattr(body, name)):
            yield f"{name}.{number}", action


def _require_templates(body: AutomationCreate | AutomationUpdate) -> None:
    faults = [fault for place, action in _actions(body) for fault in _faults(action, place)]
    if faults:
        raise Refusal(422, "; ".join(faults))


def _faults(action: Action, place: str) -> Iterator[str]:
    if isinstance(action, RunDeployment):
        yield from faults_in(action.parameters, f"{place}.parameters")
    elif isinstance(action, SendNotification):
        yield from faults_in(action.subject, f"{place}.subject")
        yield from faults_in(action.body, f"{place}.body")
    elif isinstance(action, CallWebhook):
        yield from faults_in(action.payload, f"{place}.payload")


def _keep_ids(before: Trigger, now: Trigger) -> None:
    """Give triggers that are what they were the ids that they had."""
    if now == before:
        now.id = before.id
    if isinstance(before, CompositeTrigger) and isinstance(now, CompositeTrigger):
        for old, new in zip(before.triggers, now.triggers, strict=False):
            _keep_ids(old, new)


def _relate(work: UnitOfWork, id: UUID, body: AutomationCreate | AutomationUpdate, owner: str | None) -> None:
    """Note which resources an automation belongs to, which stays, and which deployments it runs."""
    relation = tables.automation_related_resource
    records.remove(work.connection, relation, automation_id=id, automation_owned_by_resource=False)
    runs = {
        f"prefect.deployment.{action.deployment_id}"
        for _, action in _actions(body)
        if isinstance(action, RunDeployment) and action.deployment_id is not None
    }
    if owner is None:
        owned = select(relation.c.resource_id).where(relation.c.automation_id == id)
        runs -= set(work.connection.execute(owned).scalars())
        related = [(resource, False) for resource in sorted(runs)]
    else:
        related = [(owner, True), *((resource, False) for resource in sorted(runs - {owner}))]
    rows = [
        {
            "id": uuid7(),
            "created": work.now,
            "updated": work.now,
            "automation_id": id,
            "resource_id": resource,
            "automation_owned_by_resource": owns,
        }
        for resource, owns in related
    ]
    records.create(work.connection, relation, *rows)


def _related_to(work: UnitOfWork, resource_id: str, *, only_owned: bool) -> list[Row]:
    automation, relation = tables.automation, tables.automation_related_resource.c
    ids = select(relation.automation_id).where(relation.resource_id == resource_id)
    if only_owned:
        ids = ids.where(relation.automation_owned_by_resource.is_(True))
    statement = select(automation).where(automation.c.id.in_(ids)).order_by(automation.c.name, automation.c.id)
    return records.read_all(work.connection, automation, statement)


def _tell(work: UnitOfWork, what: str, automation: Automation) -> None:
    """Emit that an automation was `created`, `updated` or `deleted`."""
    resource = {
        "prefect.resource.id": f"prefect.automation.{automation.id}",
        "prefect.resource.name": automation.name,
    }
    payload = automation.model_dump(mode="json", exclude={"owner_resource"})
    work.emit(Occurrence(uuid7(), work.now, f"prefect.automation.{what}", resource, [], payload))
