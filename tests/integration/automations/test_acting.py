"""From an event to what is done: stored at each step, and done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from prefect._contract.actions import WorkPoolCreate
from prefect._contract.automation_actions import (
    CancelFlowRun,
    ChangeFlowRunState,
    DeleteFlowRun,
    DoNothing,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    ResumeAutomation,
    ResumeDeployment,
    ResumeFlowRun,
    ResumeWorkPool,
    ResumeWorkQueue,
    RunDeployment,
    SuspendFlowRun,
)
from prefect._contract.automations import AutomationPartialUpdate, AutomationUpdate
from prefect._contract.endpoints import automations, deployments, flow_runs, work_pools, work_queues
from prefect._contract.triggers import CompoundTrigger, EventTrigger
from prefect.exceptions import ObjectNotFound


def runs_of(server: Any) -> list[Any]:
    return sorted(server.send(flow_runs.read_flow_runs()), key=lambda run: run.id)


class TestFiring:
    def test_an_event_leads_to_an_action_and_all_of_it_is_told(self, server: Any) -> None:
        automation = server.automate(DoNothing(), actions_on_trigger=[DoNothing()], actions_on_resolve=[DoNothing()])
        event = server.emit()
        server.settle()
        (triggered,) = server.told("triggered")
        assert triggered.resource.id == f"prefect.automation.{automation.id}"
        assert triggered.payload["triggering_event"]["id"] == str(event.id)
        begun, done = server.told("action.triggered"), server.told("action.executed")
        assert [each.payload["action_index"] for each in begun] == [0, 1]
        assert sorted(each.payload["action_index"] for each in done) == [0, 1]
        assert {each.follows for each in begun} == {event.id}
        assert {each.follows for each in done} == {each.id for each in begun}
        assert begun[0].resource.get("prefect.posture") == "Reactive"
        roles = [(each.role, each.id) for each in done[0].related]
        assert roles == [
            ("automation-triggered-event", f"prefect.event.{triggered.id}"),
            ("triggering-event", f"prefect.event.{event.id}"),
        ]

    def test_each_event_is_heard_once(self, server: Any) -> None:
        server.automate()
        for _ in range(3):
            server.emit()
            server.settle()
        server.settle()
        assert len(server.told("action.executed")) == 3

    def test_what_occurred_before_there_was_an_automation_is_not_heard(self, server: Any) -> None:
        server.emit()
        server.automate()
        server.settle()
        assert server.told("triggered") == []

    def test_an_automation_that_is_paused_does_nothing_and_begins_anew(self, server: Any) -> None:
        automation = server.automate(trigger=EventTrigger(expect={"go"}, threshold=2))
        other = server.automate(name="other", trigger=EventTrigger(expect={"never"}))
        server.emit()
        server.settle()
        server.send(automations.patch_automation(automation.id, AutomationPartialUpdate(enabled=False)))
        server.emit()
        server.settle()
        server.send(automations.patch_automation(automation.id, AutomationPartialUpdate(enabled=True)))
        server.emit()
        server.settle()
        assert server.told("triggered") == []
        server.emit()
        server.settle()
        assert len(server.told("triggered")) == 1
        assert other.enabled

    def test_a_trigger_that_stays_the_same_keeps_what_it_has_counted(self, server: Any) -> None:
        kept = EventTrigger(expect={"go"}, threshold=2)
        automation = server.automate(trigger=kept)
        server.emit()
        server.settle()
        asked = AutomationUpdate(name="renamed", trigger=kept.model_copy(update={"id": uuid4()}), actions=[DoNothing()])
        server.send(automations.update_automation(automation.id, asked))
        server.emit()
        server.settle()
        assert [event.resource.name for event in server.told("triggered")] == ["renamed"]

    def test_silence_is_noticed_by_the_clock(self, server: Any) -> None:
        trigger = EventTrigger(
            posture="Proactive",
            after={"begin"},
            expect={"done"},
            for_each={"prefect.resource.id"},
            within=timedelta(seconds=30),
        )
        server.automate(trigger=trigger)
        began = server.emit("begin", "r.1")
        server.emit("begin", "r.2")
        server.emit("done", "r.2", seconds=10)
        server.settle()
        assert server.told("triggered") == []
        server.clock.pass_by(31)
        server.settle()
        server.settle()
        (triggered,) = server.told("triggered")
        assert triggered.payload["triggering_labels"] == {"prefect.resource.id": "r.1"}
        assert triggered.payload["triggering_event"]["id"] == str(began.id)

    def test_what_waits_from_the_start_waits_again_after_a_pause(self, server: Any) -> None:
        trigger = EventTrigger(posture="Proactive", expect={"beat"}, within=timedelta(seconds=10))
        automation = server.automate(trigger=trigger)
        server.send(automations.patch_automation(automation.id, AutomationPartialUpdate(enabled=False)))
        server.clock.pass_by(60)
        server.settle()
        server.send(automations.patch_automation(automation.id, AutomationPartialUpdate(enabled=True)))
        server.clock.pass_by(9)
        server.settle()
        assert server.told("triggered") == []
        server.clock.pass_by(2)
        server.settle()
        assert len(server.told("triggered")) == 1

    def test_parts_are_gathered_over_several_looks(self, server: Any) -> None:
        parts = [EventTrigger(expect={"a"}), EventTrigger(expect={"b"})]
        server.automate(trigger=CompoundTrigger(triggers=parts, require="all", within=timedelta(minutes=1)))
        server.emit("a")
        server.settle()
        last = server.emit("b")
        server.settle()
        (triggered,) = server.told("triggered")
        assert triggered.payload["triggering_event"]["id"] == str(last.id)

    def test_an_automation_does_not_react_to_itself_but_to_others(self, server: Any) -> None:
        server.automate(trigger=EventTrigger(expect={"prefect.automation.action.executed"}), name="watcher")
        server.automate(name="actor")
        server.emit()
        server.settle()
        assert sorted(event.resource.name for event in server.told("triggered")) == ["actor", "watcher"]

    def test_a_thousand_events_are_heard(self, server: Any) -> None:
        server.automate(trigger=EventTrigger(expect={"go"}, threshold=100))
        for _ in range(450):
            server.emit()
        server.settle()
        assert len(server.told("triggered")) == 4

    def test_the_state_of_a_run_is_an_event_like_others(self, server: Any) -> None:
        server.automate(trigger=EventTrigger(expect={"prefect.flow-run.Failed"}))
        server.flow_run("FAILED")
        server.settle()
        (triggered,) = server.told("triggered")
        assert triggered.payload["triggering_event"]["event"] == "prefect.flow-run.Failed"


class TestActions:
    def act(self, server: Any, action: Any, related: Any = ()) -> None:
        server.automate(action)
        server.emit(related=related)
        server.settle()

    def test_a_deployment_is_run_with_what_the_event_says(self, server: Any) -> None:
        deployment = server.deployment(parameters={"kept": 1})
        parameters = {
            "text": "{{ event.resource.id }}/{{ automation.name }}",
            "plain": 3,
            "deep": [{"n": "{{ event.payload.n }}"}],
            "typed": {
                "__prefect_kind": "json",
                "value": {"__prefect_kind": "jinja", "template": "{{ event.payload | tojson }}"},
            },
        }
        server.automate(RunDeployment(deployment_id=deployment.id, parameters=parameters))
        server.emit(payload={"n": 7})
        server.settle()
        (run,) = runs_of(server)
        assert run.parameters == {"kept": 1, "text": "r.1/mine", "plain": 3, "deep": [{"n": "7"}], "typed": {"n": 7}}
        (done,) = server.told("action.executed")
        assert [(each.role, each.id) for each in done.related][-2:] == [
            ("target", f"prefect.deployment.{deployment.id}"),
            ("flow-run", f"prefect.flow-run.{run.id}"),
        ]

    def test_a_run_may_be_for_later(self, server: Any) -> None:
        deployment = server.deployment()
        self.act(server, RunDeployment(deployment_id=deployment.id, schedule_after=timedelta(hours=1)))
        (run,) = runs_of(server)
        assert run.next_scheduled_start_time == server.clock.now + timedelta(hours=1)

    def test_a_deployment_is_inferred(self, server: Any) -> None:
        deployment = server.deployment()
        self.act(server, RunDeployment(source="inferred"), [("deployment", f"prefect.deployment.{deployment.id}")])
        assert [run.deployment_id for run in runs_of(server)] == [deployment.id]

    def test_schedules_are_paused_and_resumed(self, server: Any) -> None:
        deployment = server.deployment()
        for action, paused in ((PauseDeployment, True), (ResumeDeployment, False)):
            self.act(server, action(deployment_id=deployment.id))
            assert server.send(deployments.read_deployment(deployment.id)).paused is paused

    @pytest.mark.parametrize(
        ("action", "state"),
        [
            (CancelFlowRun(), ("CANCELLING", "Cancelling", "Asked for by the automation 'mine'.")),
            (SuspendFlowRun(), ("PAUSED", "Suspended", "Asked for by the automation 'mine'.")),
            (ChangeFlowRunState(state="CRASHED", name="Zombie", message="gone"), ("CRASHED", "Zombie", "gone")),
            (ChangeFlowRunState(state="COMPLETED"), ("COMPLETED", "Completed", "Asked for by the automation 'mine'.")),
        ],
    )
    def test_a_flow_run_changes_its_state(self, server: Any, action: Any, state: Any) -> None:
        run_id = server.flow_run()
        self.act(server, action, [("flow-run", f"prefect.flow-run.{run_id}")])
        assert (server.reasons(), server.state(run_id)) == ([], state)

    def test_a_flow_run_is_resumed(self, server: Any) -> None:
        run_id = server.flow_run()
        related = [("flow-run", f"prefect.flow-run.{run_id}")]
        self.act(server, SuspendFlowRun(), related)
        server.send(automations.delete_automation(server.send(automations.read_automations())[0].id))
        self.act(server, ResumeFlowRun(), related)
        assert server.state(run_id)[:2] == ("SCHEDULED", "Resuming")

    def test_a_flow_run_is_deleted(self, server: Any) -> None:
        run_id = server.flow_run()
        self.act(server, DeleteFlowRun(), [("flow-run", f"prefect.flow-run.{run_id}")])
        with pytest.raises(ObjectNotFound, match="There is no flow run"):
            server.state(run_id)

    def test_work_pools_and_queues_are_paused_and_resumed(self, server: Any) -> None:
        pool = server.send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
        for action, paused in ((PauseWorkPool, True), (ResumeWorkPool, False)):
            self.act(server, action(work_pool_id=pool.id))
            assert server.send(work_pools.read_work_pool("pool")).is_paused is paused
        for action, paused in ((PauseWorkQueue, True), (ResumeWorkQueue, False)):
            self.act(server, action(work_queue_id=pool.default_queue_id))
            assert server.send(work_queues.read_work_queue(pool.default_queue_id)).is_paused is paused

    def test_automations_are_paused_and_resumed(self, server: Any) -> None:
        other = server.automate(name="other", trigger=EventTrigger(expect={"never"}))
        for action, enabled in ((PauseAutomation, False), (ResumeAutomation, True)):
            self.act(server, action(automation_id=other.id))
            assert server.send(automations.read_automation(other.id)).enabled is enabled

    @pytest.mark.parametrize(
        ("action", "reason"),
        [
            (CancelFlowRun(), "No flow run could be inferred. The event names no flow run."),
            (PauseWorkPool(work_pool_id=UUID(int=7)), f"There is no work pool with the id {UUID(int=7)}."),
            (RunDeployment(deployment_id=UUID(int=7)), "There is no"),
            (PauseAutomation(automation_id=UUID(int=7)), "There is no"),
        ],
    )
    def test_what_cannot_be_done_is_told_and_leaves_nothing(self, server: Any, action: Any, reason: str) -> None:
        server.automate(action, DoNothing())
        server.emit()
        server.settle()
        (said,) = server.reasons()
        assert reason in said
        assert len(server.told("action.executed")) == 1
        server.settle()
        assert len(server.reasons()) == 1

    def test_a_template_that_cannot_be_filled_in_runs_nothing(self, server: Any) -> None:
        deployment = server.deployment()
        self.act(server, RunDeployment(deployment_id=deployment.id, parameters={"x": "{{ event.no.such }}"}))
        assert runs_of(server) == []
        assert "Invalid jinja" in server.reasons()[0]


class TestSeveralServers:
    def test_two_of_them_do_everything_once(self, server: Any) -> None:
        other = server.make_loops()
        server.automate()
        for _ in range(5):
            server.emit()
            for name in ("triggers", "actions"):
                server.step(name)
                server.step(name, other)
        assert len(server.told("action.executed")) == 5

    def test_another_one_takes_over_what_was_noted(self, server: Any) -> None:
        server.automate()
        server.emit()
        server.step("triggers")
        server.clock.pass_by(60)  # the first one is gone, and its leases
        server.step("actions", server.make_loops())
        assert len(server.told("action.executed")) == 1
