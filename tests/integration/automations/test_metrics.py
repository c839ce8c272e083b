"""Metric triggers: what is measured of flow runs, and what follows from it; and triggers that are resolved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate
from prefect._contract.automation_actions import DoNothing
from prefect._contract.endpoints import flow_runs, flows
from prefect._contract.triggers import EventTrigger, MetricTrigger
from prefect.server.operations.metrics import measure


def trigger(name: str = "successes", operator: str = "<", threshold: float = 0.5, **fields: Any) -> MetricTrigger:
    return MetricTrigger(metric={"name": name, "operator": operator, "threshold": threshold}, **fields)


def flow_of(server: Any, name: str = "flow") -> UUID:
    return server.send(flows.create_flow(FlowCreate(name=name))).id


def run(server: Any, *states: str, flow: str = "flow", seconds: float = 10, late: float = 0) -> None:
    """A flow run that was to begin `late` seconds before it does, and is `seconds` long in each state."""
    state = StateCreate(type="SCHEDULED", state_details={"scheduled_time": server.clock.now})
    made = server.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow_of(server, flow), state=state)))
    server.clock.pass_by(late)
    for kind in states:
        server.send(flow_runs.set_flow_run_state(made.id, StateCreate(type=kind), force=True))
        server.clock.pass_by(seconds)


def measured(server: Any, what: MetricTrigger) -> float | None:
    return server.performer.do(lambda work: measure(work, what), write=False)


def pass_minutes(server: Any, minutes: int, *states: str) -> None:
    """Let time pass, in which a flow run ends each minute if it is said how."""
    for _ in range(minutes):
        if states:
            run(server, *states, seconds=1)
        server.clock.pass_by(61)
        server.settle()


class TestMeasuring:
    def test_the_share_of_runs_that_completed(self, server: Any) -> None:
        assert measured(server, trigger()) is None
        for last in ("COMPLETED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            run(server, "RUNNING", last)
        assert measured(server, trigger()) == pytest.approx(0.5)
        server.clock.pass_by(301)
        assert measured(server, trigger()) is None

    def test_the_last_state_of_a_run_counts(self, server: Any) -> None:
        run(server, "RUNNING", "FAILED", "SCHEDULED", "RUNNING", "COMPLETED")
        assert measured(server, trigger()) == 1

    def test_how_long_runs_take(self, server: Any) -> None:
        run(server, "RUNNING", "COMPLETED", seconds=20)
        run(server, "RUNNING", "FAILED", seconds=40)
        run(server, "RUNNING", seconds=5)
        assert measured(server, trigger("duration")) == pytest.approx(30)

    def test_how_late_runs_begin(self, server: Any) -> None:
        run(server, "RUNNING", late=30)
        run(server, "RUNNING", "COMPLETED", late=10)
        assert measured(server, trigger("lateness")) == pytest.approx(20)

    def test_only_runs_that_are_meant_are_measured(self, server: Any) -> None:
        run(server, "COMPLETED", flow="good")
        run(server, "FAILED", flow="bad")
        related = {"prefect.resource.role": "flow", "prefect.resource.name": "bad"}
        assert measured(server, trigger(match_related=related)) == 0
        assert measured(server, trigger(match={"prefect.resource.id": "prefect.flow-run.*"})) == pytest.approx(0.5)
        assert measured(server, trigger(match={"prefect.resource.id": "other.*"})) is None

    def test_events_of_others_about_runs_do_no_harm(self, server: Any) -> None:
        server.emit("prefect.flow-run.Failed", "prefect.flow-run.none")
        run(server, "COMPLETED")
        assert measured(server, trigger()) == 1


class TestActing:
    def test_it_acts_when_too_few_runs_succeed_and_is_resolved_when_enough_do(self, server: Any) -> None:
        server.automate(DoNothing(), trigger=trigger(), actions_on_resolve=[DoNothing(), DoNothing()])
        pass_minutes(server, 5, "FAILED")
        assert server.told("triggered") == []
        pass_minutes(server, 4, "FAILED")
        (acted,) = server.told("triggered")
        assert acted.payload["metric"] == {"name": "successes", "operator": "<", "threshold": 0.5, "value": 0.0}
        assert acted.resource.get("prefect.posture") == "Metric"
        assert len(server.told("action.executed")) == 1
        pass_minutes(server, 6, "COMPLETED")
        (resolved,) = server.told("resolved")
        assert resolved.payload["metric"]["value"] >= 0.5
        assert len(server.told("action.executed")) == 3
        assert [each.payload["action_index"] for each in server.told("action.executed")] == [0, 0, 1]

    def test_a_server_that_takes_over_goes_by_what_is_known(self, server: Any) -> None:
        server.automate(DoNothing(), trigger=trigger())
        pass_minutes(server, 4, "FAILED")
        server.loops = server.make_loops()
        pass_minutes(server, 4, "FAILED")
        assert len(server.told("triggered")) == 1


def test_a_proactive_automation_is_resolved(server: Any) -> None:
    silence = EventTrigger(posture="Proactive", expect={"beat"}, within=timedelta(seconds=60))
    automation = server.automate(DoNothing(), trigger=silence, actions_on_resolve=[DoNothing()])
    server.clock.pass_by(61)
    server.settle()
    assert (len(server.told("triggered")), len(server.told("resolved"))) == (1, 0)
    beat = server.emit("beat")
    server.settle()
    (resolved,) = server.told("resolved")
    assert resolved.resource.id == f"prefect.automation.{automation.id}"
    assert resolved.payload["triggering_event"]["id"] == str(beat.id)
    begun = server.told("action.triggered")[-1]
    assert (begun.payload["action_index"], begun.follows) == (0, beat.id)
    assert len(server.told("action.executed")) == 2
