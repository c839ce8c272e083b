"""Automations: their triggers and actions keep their kinds, and make sense."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import TypeAdapter, ValidationError

from prefect._contract.automation_actions import (
    ActionTypes,
    CallWebhook,
    ChangeFlowRunState,
    DeclareIncident,
    DoNothing,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    ResumeAutomation,
    ResumeDeployment,
    ResumeWorkPool,
    ResumeWorkQueue,
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
from prefect._contract.triggers import (
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    MetricTriggerQuery,
    Posture,
    SequenceTrigger,
    TriggerTypes,
    trigger_discriminator,
)

ID = UUID(int=1)
QUERY = {"name": "lateness", "threshold": 5, "operator": ">"}


# -- actions ----------------------------------------------------------------------------------------------------------

TARGETED = [
    RunDeployment,
    PauseDeployment,
    ResumeDeployment,
    PauseWorkPool,
    ResumeWorkPool,
    PauseWorkQueue,
    ResumeWorkQueue,
    PauseAutomation,
    ResumeAutomation,
]


@pytest.mark.parametrize("action", TARGETED)
def test_what_is_acted_on_is_selected_or_inferred(action):
    (name,) = [field for field in action.model_fields if field.endswith("_id")]
    assert getattr(action(**{name: ID}), name) == ID
    assert getattr(action(source="inferred"), name) is None
    with pytest.raises(ValidationError, match=f"{name} is required"):
        action()
    with pytest.raises(ValidationError, match=f"{name} is not allowed"):
        action(source="inferred", **{name: ID})


ACTIONS = [
    *(action(source="inferred") for action in TARGETED),
    RunDeployment(deployment_id=ID, parameters={"a": 1}, schedule_after=60),
    DoNothing(),
    ChangeFlowRunState(state="FAILED", message="m", force=True),
    SendNotification(block_document_id=ID, body="b"),
    CallWebhook(block_document_id=ID, payload="p"),
    DeclareIncident(),
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.type)
def test_an_action_is_itself_again_also_when_only_what_was_given_is_sent(action):
    adapter = TypeAdapter(ActionTypes)
    for sent in (action.model_dump_json(), action.model_dump_json(exclude_unset=True)):
        again = adapter.validate_json(sent)
        assert type(again) is type(action)
        assert again == action


def test_an_unknown_action_is_refused_by_name():
    with pytest.raises(ValidationError, match="'dance' found using 'type'"):
        TypeAdapter(ActionTypes).validate_python({"type": "dance"})


def test_actions_are_described():
    assert [action.describe_for_cli() for action in ACTIONS[-6:]] == [
        "Run deployment",
        "Do nothing",
        "Change flow run state",
        "Send notification",
        "Call webhook",
        "Declare incident",
    ]


def test_a_delay_is_not_negative():
    assert RunDeployment(source="inferred", schedule_after="PT1H").schedule_after == timedelta(hours=1)
    with pytest.raises(ValidationError, match="schedule_after must be non-negative. It is -1.0 seconds"):
        RunDeployment(source="inferred", schedule_after=-1)


def test_a_mapping_is_sent_as_json():
    payload = CallWebhook(block_document_id=ID, payload={"a": 1}).payload
    assert json.loads(payload) == {"a": 1}


# -- triggers ---------------------------------------------------------------------------------------------------------


def test_a_proactive_trigger_needs_ten_seconds():
    assert EventTrigger(posture="Proactive").within == timedelta(seconds=10)
    assert EventTrigger(posture="Proactive", within=11).within == timedelta(seconds=11)
    assert EventTrigger(within=5).within == timedelta(seconds=5)
    with pytest.raises(ValidationError, match="greater than or equal to 10 seconds. It is 5.0 seconds"):
        EventTrigger(posture="Proactive", within=5)
    with pytest.raises(ValidationError, match="greater than or equal to 0 seconds"):
        EventTrigger(within=-1)
    with pytest.raises(ValidationError, match="Reactive"):
        EventTrigger(posture="Metric")


def test_triggers_are_equal_when_they_act_at_the_same_times():
    one, other = EventTrigger(expect={"x"}), EventTrigger(expect={"x"})
    assert one.id != other.id
    assert one == other
    assert one != EventTrigger(expect={"y"})
    assert one != "x"
    both = [CompoundTrigger(triggers=[trigger], require="all") for trigger in (one, other)]
    assert both[0] == both[1]
    assert both[0] != SequenceTrigger(triggers=[one])


def test_what_a_trigger_looks_at_is_a_specification():
    trigger = EventTrigger(match={"a": ["b*"]}, match_related=[{"c": "d"}, {"e": "!f"}])
    assert trigger.match.matches_every_resource() is False
    assert [dict(part.items()) for part in trigger.match_related] == [{"c": ["d"]}, {"e": ["!f"]}]
    assert EventTrigger().match.matches_every_resource()


def test_a_metric_is_measured_for_five_minutes():
    with pytest.raises(ValidationError, match="minimum range is 300 seconds"):
        MetricTriggerQuery(**QUERY, range=299)
    with pytest.raises(ValidationError, match="minimum range is 300 seconds"):
        MetricTriggerQuery(**QUERY, firing_for=299)


@pytest.mark.parametrize(
    ("require", "message"),
    [
        (0, "at least 1. It is 0"),
        (3, "less than or equal to the number of triggers. It is 3, and there are 2"),
        ("some", "'any' or 'all'"),
    ],
)
def test_a_compound_trigger_that_could_never_act_is_refused(require, message):
    with pytest.raises(ValidationError, match=message):
        CompoundTrigger(triggers=[EventTrigger(), EventTrigger()], require=require)


NESTED = CompoundTrigger(
    triggers=[
        EventTrigger(expect={"x"}, threshold=2),
        SequenceTrigger(triggers=[EventTrigger(expect={"b", "a"}, posture="Proactive", within=30)], within=9),
        MetricTrigger(metric=QUERY),
    ],
    require="all",
)


def test_triggers_are_described():
    assert NESTED.describe_for_cli() == (
        "All of:\n"
        "  Reactive: expecting 2 of {'x'}\n"
        "  In this order:\n"
        "    Proactive: expecting 1 {'a', 'b'} event within 0:00:30\n"
        "  Metric: lateness > 5.0 for 0:05:00"
    )
    assert CompoundTrigger(triggers=[EventTrigger()], require=1).describe_for_cli(2).startswith("  1 of:\n    Reactive")


@pytest.mark.parametrize("options", [{}, {"exclude_unset": True}])
def test_triggers_keep_their_kinds_and_ids(options):
    assert set(EventTrigger().model_dump(exclude_unset=True)) == {"type", "posture"}
    assert {"type", "within"} < set(NESTED.model_dump(exclude_unset=True))
    again = TypeAdapter(TriggerTypes).validate_json(NESTED.model_dump_json(**options))
    assert again == NESTED
    if not options:
        assert [trigger.id for trigger in again.triggers] == [trigger.id for trigger in NESTED.triggers]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "event"),
        ({"type": "compound"}, "compound"),
        ({"type": "other"}, "other"),
        ({"posture": "Metric"}, "metric"),
        ({"posture": Posture.Metric}, "metric"),
        (EventTrigger(), "event"),
        (NESTED, "compound"),
        (None, "event"),
    ],
)
def test_the_kind_of_a_trigger_is_told(value, kind):
    assert trigger_discriminator(value) == kind


def test_a_trigger_of_a_deployment_runs_it():
    trigger = EventTrigger(expect={"x"})
    assert trigger.owner_resource() is None
    for ask in (trigger.actions, trigger.as_automation):
        with pytest.raises(ValueError, match="part of no deployment yet"):
            ask()
    trigger.set_deployment_id(ID)
    automation = trigger.as_automation()
    assert automation.name == f"Automation for deployment {ID}"
    assert automation.trigger == trigger
    assert automation.actions == [RunDeployment(deployment_id=ID)]
    assert automation.owner_resource == f"prefect.deployment.{ID}"


# -- automations ------------------------------------------------------------------------------------------------------


def test_what_users_define_is_what_is_asked_for():
    core = AutomationCore(name="n", tags=["t"], trigger={"expect": ["x"]}, actions=[DoNothing()], owner_resource="o")
    create, update = AutomationCreate.of(core), AutomationUpdate.of(core)
    assert create.model_dump() == core.model_dump()
    assert update.model_dump() == core.model_dump(exclude={"owner_resource"})
    assert create.trigger.id == core.trigger.id
    answered = Automation.model_validate({**create.model_dump(mode="json"), "id": uuid4()})
    assert AutomationUpdate.of(answered) == update
    assert AutomationPartialUpdate().enabled is True


@pytest.mark.parametrize("trigger", [MetricTrigger(metric=QUERY), NESTED])
def test_metrics_are_among_what_is_asked_for(trigger):
    core = AutomationCore(name="n", trigger=trigger, actions=[])
    assert AutomationCreate.of(core).trigger == trigger


def test_what_an_orchestrator_cannot_do_is_refused():
    core = AutomationCore(name="n", trigger=EventTrigger(), actions=[DeclareIncident()])
    with pytest.raises(ValidationError, match="'declare-incident' found"):
        AutomationCreate.of(core)


def test_requests_refuse_what_they_do_not_know():
    for model in (AutomationCreate, AutomationUpdate, AutomationPartialUpdate):
        with pytest.raises(ValidationError, match="invented"):
            model.model_validate({"invented": 1})
    AutomationCore.model_validate({"name": "n", "trigger": {}, "actions": [], "invented": 1})
