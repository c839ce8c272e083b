"""Automations: kept, validated, related to resources, selected, and told as events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from prefect._contract.automation_actions import (
    CallWebhook,
    DoNothing,
    PauseDeployment,
    RunDeployment,
    SendNotification,
)
from prefect._contract.automations import (
    Automation,
    AutomationCore,
    AutomationCreate,
    AutomationPartialUpdate,
    AutomationUpdate,
)
from prefect._contract.endpoints import administration, automations, events
from prefect._contract.events import Event
from prefect._contract.filters.automations import AutomationFilter
from prefect._contract.filters.events import EventFilter
from prefect._contract.sorting import AutomationSort
from prefect._contract.triggers import CompoundTrigger, EventTrigger, MetricTrigger, Posture, SequenceTrigger
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7


def trigger(*expected: str, **fields: Any) -> EventTrigger:
    return EventTrigger(expect=set(expected), **fields)


def create(orchestrator: Any, name: str = "a", **fields: Any) -> Automation:
    values = {"trigger": trigger("x"), "actions": [DoNothing()], **fields}
    return orchestrator.send(automations.create_automation(AutomationCreate(name=name, **values)))


def read(orchestrator: Any, automation: Automation) -> Automation:
    return orchestrator.send(automations.read_automation(automation.id))


def find(orchestrator: Any, **options: Any) -> list[str]:
    filters = options.pop("automations", None)
    selected = None if filters is None else AutomationFilter.model_validate(filters)
    found = orchestrator.send(automations.read_automations(automations=selected, **options))
    return [automation.name for automation in found]


def test_an_automation_is_read_as_it_was_created(orchestrator: Any) -> None:
    request = AutomationCreate(
        name="dinner",
        description="when it gets late",
        enabled=False,
        tags=["b", "a"],
        trigger=CompoundTrigger(
            require="any",
            within=60,
            triggers=[
                trigger("acme.*", after={"acme.hungry"}, for_each={"prefect.resource.id"}, threshold=3, within=20),
                SequenceTrigger(triggers=[trigger("one"), trigger("two", posture=Posture.Proactive, within=30)]),
            ],
        ),
        actions=[RunDeployment(deployment_id=uuid7(), parameters={"n": "{{ event.id }}"}, schedule_after=5)],
        actions_on_trigger=[
            SendNotification(block_document_id=uuid7(), body="{% if flow %}{{ flow.name }}{% endif %}")
        ],
        actions_on_resolve=[PauseDeployment(source="inferred"), CallWebhook(block_document_id=uuid7(), payload="{}")],
    )
    created = orchestrator.send(automations.create_automation(request))
    assert created.created == created.updated == orchestrator.clock.now
    assert read(orchestrator, created) == created
    fields = set(AutomationCreate.model_fields)
    assert created.model_dump(include=fields) == request.model_dump(include=fields)
    assert created.trigger.id == request.trigger.id


def test_an_automation_that_is_none_is_not_found(orchestrator: Any) -> None:
    update = AutomationUpdate(name="x", trigger=trigger("x"), actions=[])
    for call in (
        automations.read_automation(uuid7()),
        automations.update_automation(uuid7(), update),
        automations.patch_automation(uuid7(), AutomationPartialUpdate(enabled=True)),
        automations.delete_automation(uuid7()),
    ):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(call)


def test_an_automation_is_replaced_and_keeps_what_was_not_said(orchestrator: Any) -> None:
    created = create(orchestrator, description="old", tags=["t"], owner_resource="prefect.deployment.d")
    orchestrator.clock.pass_by(1)
    update = AutomationUpdate(name="new", trigger=trigger("y"), actions=[], enabled=False)
    orchestrator.send(automations.update_automation(created.id, update))
    changed = read(orchestrator, created)
    assert (changed.name, changed.description, changed.tags, changed.enabled) == ("new", "", [], False)
    assert (changed.actions, changed.owner_resource) == ([], "prefect.deployment.d")
    assert (changed.created, changed.updated) == (created.created, orchestrator.clock.now)
    assert changed.trigger.id == update.trigger.id != created.trigger.id


def test_triggers_that_stay_the_same_keep_their_ids(orchestrator: Any) -> None:
    def made(last: str) -> Any:
        return CompoundTrigger(require="all", triggers=[trigger("one"), SequenceTrigger(triggers=[trigger(last)])])

    created = create(orchestrator, trigger=made("two"))

    def ids(automation: Automation) -> list[UUID]:
        whole: Any = automation.trigger
        return [whole.id, whole.triggers[0].id, whole.triggers[1].id, whole.triggers[1].triggers[0].id]

    before = ids(created)
    for last, same in (("two", [True] * 4), ("three", [False, True, False, False])):
        update = AutomationUpdate(name="new", trigger=made(last), actions=[])
        orchestrator.send(automations.update_automation(created.id, update))
        now = ids(read(orchestrator, created))
        assert [one == other for one, other in zip(before, now, strict=True)] == same


def test_an_automation_is_paused_and_resumed(orchestrator: Any) -> None:
    created = create(orchestrator)
    for enabled in (False, True):
        orchestrator.send(automations.patch_automation(created.id, AutomationPartialUpdate(enabled=enabled)))
        changed = read(orchestrator, created)
        assert changed.enabled is enabled
        assert changed.trigger == created.trigger


def test_an_automation_is_deleted(orchestrator: Any) -> None:
    created, kept = create(orchestrator), create(orchestrator, "kept")
    orchestrator.send(automations.delete_automation(created.id))
    assert find(orchestrator) == ["kept"]
    assert read(orchestrator, kept) == kept


# -- what is refused


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({"actions": [RunDeployment(source="inferred", parameters={"a": "{{ b"})]}, r"actions\.0\.parameters\.a: "),
        (
            {"actions": [DoNothing(), RunDeployment(source="inferred", parameters={"a": [{"b": "{% x %}"}]})]},
            r"a\.0\.b",
        ),
        (
            {
                "actions": [
                    RunDeployment(source="inferred", parameters={"a": {"__prefect_kind": "jinja", "template": "{"}})
                ]
            },
            None,
        ),
        (
            {
                "actions": [
                    RunDeployment(source="inferred", parameters={"a": {"__prefect_kind": "jinja", "template": "{{"}})
                ]
            },
            r"parameters\.a: Invalid jinja",
        ),
        (
            {
                "actions": [
                    RunDeployment(source="inferred", parameters={"a": {"__prefect_kind": "json", "value": "{{"}})
                ]
            },
            None,
        ),
        (
            {"actions_on_trigger": [SendNotification(block_document_id=uuid7(), subject="{{", body="{% for x %}")]},
            r"actions_on_trigger\.0\.subject: .*; actions_on_trigger\.0\.body: ",
        ),
        ({"actions_on_resolve": [CallWebhook(block_document_id=uuid7(), payload="{{ a }")]}, r"resolve\.0\.payload: "),
        ({"actions": [SendNotification(block_document_id=uuid7(), body="x" * 100_001)]}, "100001 characters"),
        ({"actions": [SendNotification(block_document_id=uuid7(), body="{% if a %}" * 3000)]}, r"actions\.0\.body"),
    ],
)
def test_templates_that_are_none_are_refused_with_their_place(
    orchestrator: Any, actions: Any, words: str | None
) -> None:
    if words is None:
        assert create(orchestrator, **actions)
        return
    created = create(orchestrator)
    update = AutomationUpdate(**{"name": "x", "trigger": trigger("x"), "actions": [], **actions})
    for attempt in (
        lambda: create(orchestrator, **actions),
        lambda: orchestrator.send(automations.update_automation(created.id, update)),
    ):
        with pytest.raises(PrefectHTTPStatusError, match=words) as refused:
            attempt()
        assert refused.value.response.status_code == 422
    assert find(orchestrator) == ["a"]
    assert read(orchestrator, created) == created


@pytest.mark.parametrize(
    "fields",
    [
        {"trigger": {"type": "metric"}},
        {"trigger": {"type": "nope"}},
        {"trigger": {"type": "event", "posture": "Proactive", "within": 3}},
        {"trigger": {"type": "compound", "require": 2, "triggers": [{"type": "event"}]}},
        {"actions": [{"type": "declare-incident"}]},
        {"actions": [{"type": "pause-work-pool"}]},
        {"actions": [{"type": "pause-work-pool", "source": "inferred", "work_pool_id": str(UUID(int=1))}]},
        {"unknown": 1},
    ],
    ids=str,
)
def test_requests_that_make_no_sense_are_refused(fields: Any) -> None:
    request = {"name": "a", "trigger": {"type": "event", "posture": "Reactive"}, "actions": [{"type": "do-nothing"}]}
    AutomationCreate.model_validate(request)
    with pytest.raises(ValidationError):
        AutomationCreate.model_validate({**request, **fields})


@pytest.mark.parametrize("validate", [automations.validate_automation_template, administration.validate_template])
def test_templates_are_validated(orchestrator: Any, validate: Any) -> None:
    twice = "{% for a in b %}{% for c in a %}{{ c }}{% endfor %}{% endfor %}"
    thrice = f"{{% for x in y %}}{twice}{{% endfor %}}"
    for good in ("", "plain", "{{ a.b|nofilter }}", "{% if a %}{{ a }}{% endif %}", twice, twice + twice):
        assert orchestrator.send(validate(good)) is None
    for wrong, words in (
        ("{{ a", "Line 1 of the template: unexpected end"),
        ("a\n{% endfor %}", "Line 2 of the template"),
        (thrice, "nested for loops at a depth of 3"),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", "template"),
        ("x" * 100_001, "at most 100000"),
    ):
        with pytest.raises(PrefectHTTPStatusError, match=words) as refused:
            orchestrator.send(validate(wrong))
        assert refused.value.response.status_code == 422


# -- what they are related to


def related(orchestrator: Any, resource_id: str) -> list[str]:
    found = orchestrator.send(automations.read_resource_related_automations(resource_id))
    return [automation.name for automation in found]


def test_automations_are_related_to_who_owns_them_and_to_what_they_run(orchestrator: Any) -> None:
    first, second = uuid7(), uuid7()
    runs = RunDeployment(deployment_id=first)
    create(orchestrator, "b", actions=[runs, RunDeployment(deployment_id=second)])
    create(orchestrator, "a", actions=[], actions_on_resolve=[runs], owner_resource=f"prefect.deployment.{first}")
    create(orchestrator, "c", actions=[PauseDeployment(deployment_id=first), RunDeployment(source="inferred")])
    assert related(orchestrator, f"prefect.deployment.{first}") == ["a", "b"]
    assert related(orchestrator, f"prefect.deployment.{second}") == ["b"]
    assert related(orchestrator, "prefect.deployment.*") == []
    assert related(orchestrator, f"prefect.flow.{first}") == []


def test_what_an_automation_runs_may_change(orchestrator: Any) -> None:
    ids = (uuid7(), uuid7())
    first, second = (f"prefect.deployment.{identifier}" for identifier in ids)
    created = create(orchestrator, actions=[RunDeployment(deployment_id=ids[0])], owner_resource="acme.owner")
    for run in (ids[1], ids[1]):
        update = AutomationUpdate(name="a", trigger=trigger("x"), actions=[RunDeployment(deployment_id=run)])
        orchestrator.send(automations.update_automation(created.id, update))
    assert [related(orchestrator, resource) for resource in (first, second, "acme.owner")] == [[], ["a"], ["a"]]
    assert read(orchestrator, created).owner_resource == "acme.owner"


def test_an_owner_that_is_run_stays_the_owner(orchestrator: Any) -> None:
    deployment = uuid7()
    owner, runs = f"prefect.deployment.{deployment}", [RunDeployment(deployment_id=deployment)]
    created = create(orchestrator, actions=runs, owner_resource=owner)
    update = AutomationUpdate(name="a", trigger=trigger("x"), actions=runs)
    orchestrator.send(automations.update_automation(created.id, update))
    assert related(orchestrator, owner) == ["a"]
    assert read(orchestrator, created).owner_resource == owner


def test_what_a_resource_owns_is_deleted_with_it(orchestrator: Any) -> None:
    deployment = uuid7()
    resource = f"prefect.deployment.{deployment}"
    create(orchestrator, "owned", owner_resource=resource)
    create(orchestrator, "owned too", owner_resource=resource)
    create(orchestrator, "other", owner_resource="acme.other")
    create(orchestrator, "runs it", actions=[RunDeployment(deployment_id=deployment)])
    orchestrator.send(automations.delete_resource_owned_automations(resource))
    orchestrator.send(automations.delete_resource_owned_automations("acme.nobody"))
    assert find(orchestrator) == ["other", "runs it"]
    assert related(orchestrator, resource) == ["runs it"]


# -- lists


def test_automations_are_listed_in_orders_and_pages(orchestrator: Any) -> None:
    for name in ("b", "c", "a"):
        create(orchestrator, name)
        orchestrator.clock.pass_by(1)
    changed = orchestrator.send(automations.read_automations(sort=AutomationSort.NAME_DESC))[1]
    orchestrator.send(automations.patch_automation(changed.id, AutomationPartialUpdate(enabled=False)))
    assert find(orchestrator) == find(orchestrator, sort=AutomationSort.NAME_ASC) == ["a", "b", "c"]
    assert find(orchestrator, sort=AutomationSort.CREATED_DESC) == ["a", "c", "b"]
    assert find(orchestrator, sort=AutomationSort.UPDATED_DESC) == ["b", "a", "c"]
    assert find(orchestrator, limit=2, offset=1) == ["b", "c"]
    with pytest.raises(PrefectHTTPStatusError, match="limit 201"):
        find(orchestrator, limit=201)


def test_automations_are_selected(orchestrator: Any) -> None:
    one = create(orchestrator, "one", tags=["x", "y"])
    moment = orchestrator.clock.now
    orchestrator.clock.pass_by(60)
    create(orchestrator, "two", tags=["y"])
    create(orchestrator, "three")
    for filters, expected in (
        ({}, ["one", "three", "two"]),
        ({"id": {"any_": [one.id]}}, ["one"]),
        ({"name": {"any_": ["two", "three", "four"]}}, ["three", "two"]),
        ({"created": {"before_": moment}}, ["one"]),
        ({"tags": {"all_": ["x", "y"]}}, ["one"]),
        ({"tags": {"any_": ["x", "y"]}}, ["one", "two"]),
        ({"tags": {"is_null_": True}}, ["three"]),
        ({"tags": {"is_null_": False}, "name": {"any_": ["two"]}}, ["two"]),
        ({"operator": "or_", "name": {"any_": ["three"]}, "id": {"any_": [one.id]}}, ["one", "three"]),
    ):
        assert find(orchestrator, automations=filters) == expected
        selected = AutomationFilter.model_validate(filters)
        assert orchestrator.send(automations.count_automations(selected)) == len(expected)
    assert orchestrator.send(automations.count_automations()) == 3


def test_changes_of_automations_are_told(orchestrator: Any) -> None:
    created = create(orchestrator, "told", owner_resource="acme.owner")
    orchestrator.send(automations.patch_automation(created.id, AutomationPartialUpdate(enabled=False)))
    orchestrator.clock.pass_by(1)
    orchestrator.send(automations.delete_resource_owned_automations("acme.owner"))
    filter = EventFilter.model_validate({"resource": {"id": [f"prefect.automation.{created.id}"]}, "order": "ASC"})
    found: list[Event] = orchestrator.send(events.read_events(filter)).events
    assert [event.event for event in found] == [
        "prefect.automation.created",
        "prefect.automation.updated",
        "prefect.automation.deleted",
    ]
    assert [event.payload["enabled"] for event in found] == [True, False, False]
    assert found[0].resource.name == "told"


# -- clients


def core(name: str, **fields: Any) -> AutomationCore:
    return AutomationCore(**{"name": name, "trigger": trigger("x"), "actions": [DoNothing()], **fields})


def test_the_sync_client(orchestrator: Any) -> None:
    client = SyncPrefectClient(orchestrator.transport)
    identifier = client.create_automation(core("One", owner_resource="acme.owner"))
    assert client.read_automation(str(identifier)).name == "One"
    for wanted in (identifier, str(identifier), "One", "oNE"):
        found = client.find_automation(wanted)
        assert found is not None
        assert found.id == identifier
    assert client.find_automation("Two") is None
    assert client.find_automation(str(uuid7())) is None
    with pytest.raises(ObjectNotFound):
        client.find_automation(uuid7())
    assert [each.id for each in client.read_automations_by_name("One")] == [identifier]
    client.pause_automation(identifier)
    assert client.read_automation(identifier).enabled is False
    client.resume_automation(identifier)
    client.update_automation(identifier, client.read_automation(identifier).model_copy(update={"name": "Three"}))
    assert [(each.name, each.enabled) for each in client.read_automations(limit=5)] == [("Three", True)]
    assert len(client.read_resource_related_automations("acme.owner")) == 1
    client.delete_resource_owned_automations("acme.owner")
    with pytest.raises(ObjectNotFound):
        client.delete_automation(identifier)
    metric = {"name": "successes", "threshold": 1, "operator": "<"}
    made = client.create_automation(core("x", trigger=MetricTrigger(metric=metric)))
    assert client.read_automation(made).trigger.metric.threshold == 1


@pytest.mark.anyio
async def test_the_async_client(orchestrator: Any) -> None:
    client = PrefectClient(orchestrator.transport)
    identifier = await client.create_automation(core("One"))
    await client.pause_automation(identifier)
    found = await client.find_automation("one")
    assert found is not None
    assert (found.id, found.enabled) == (identifier, False)
    await client.delete_automation(identifier)
    assert await client.read_automations() == []


def test_an_automation_of_similar_name_is_found_among_many(orchestrator: Any) -> None:
    for number in range(201):
        create(orchestrator, f"a {number:03}")
    last = create(orchestrator, "Z")
    found = SyncPrefectClient(orchestrator.transport).find_automation("z")
    assert found is not None
    assert found.id == last.id
