"""Task runs that stand for subflows follow them, unless a process of ours reports them itself."""

from __future__ import annotations

from tests.integration.operations.conftest import Orchestrator

from prefect._contract.endpoints.states import read_task_run_states
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.objects import FlowRun, TaskRun
from prefect.utilities.ids import uuid7


def family(orchestrator: Orchestrator) -> tuple[FlowRun, TaskRun, FlowRun]:
    parent = orchestrator.flow_run()
    stand_in = orchestrator.task_run(flow_run_id=parent.id)
    return parent, stand_in, orchestrator.flow_run(parent_task_run_id=stand_in.id)


def test_a_stand_in_follows_its_subflow(orchestrator: Orchestrator) -> None:
    _, stand_in, child = family(orchestrator)
    for kind in ("RUNNING", "COMPLETED"):
        orchestrator.clock.pass_by(1)
        orchestrator.propose(child, kind, message="said")
    names = [state.name for state in orchestrator.send(read_task_run_states(stand_in.id))]
    assert names == ["Pending", "Running", "Completed"]
    after = orchestrator.read(stand_in)
    assert (after.run_count, after.state.message) == (1, "said")
    assert after.state.state_details.child_flow_run_id == child.id
    assert after.state.state_details.task_run_id == stand_in.id
    assert after.end_time is not None


def test_a_stand_in_of_ours_is_reported_by_its_process(orchestrator: Orchestrator) -> None:
    parent, stand_in, child = family(orchestrator)
    orchestrator.propose(parent, "RUNNING", lease=LeaseRequest(uuid7(), ProcessIdentity.current(), 90))
    orchestrator.propose(child, "RUNNING")
    assert orchestrator.read(stand_in).state.name == "Pending"
