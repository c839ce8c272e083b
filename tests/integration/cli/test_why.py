"""`prefect flow-run why`."""

from __future__ import annotations

from datetime import timedelta

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate
from prefect._contract.endpoints.flow_runs import create_flow_run
from prefect._contract.endpoints.flows import create_flow
from prefect.client.base import current_transport
from prefect.utilities.time import now


def make_run(name: str, state: dict[str, object]) -> str:
    send = current_transport().send
    flow = send(create_flow(FlowCreate(name="f")))
    body = FlowRunCreate.model_validate({"flow_id": flow.id, "name": name, "state": state})
    return str(send(create_flow_run(body)).id)


class TestWhy:
    def test_it_says_what_keeps_a_run_from_running(self, cli):
        due = (now() + timedelta(hours=1)).isoformat()
        run = make_run("later", {"type": "SCHEDULED", "state_details": {"scheduled_time": due}})
        shown = " ".join(cli("flow-run", "why", run).stdout.split())
        assert "Flow run 'later' is Scheduled." in shown
        assert "It is scheduled for " in shown

    def test_a_run_is_found_by_its_name(self, cli):
        run = make_run("paused-one", {"type": "PAUSED"})
        told = cli.json("flow-run", "why", "paused-one")
        assert (told["flow_run_id"], [each["code"] for each in told["causes"]]) == (run, ["paused"])
        assert f"prefect flow-run resume {run}" in told["causes"][0]["message"]

    def test_a_run_that_has_ended_can_be_run_again(self, cli):
        run = make_run("over", {"type": "FAILED"})
        assert f"prefect flow-run retry {run}" in " ".join(cli("flow-run", "why", run).stdout.split())

    def test_a_run_that_does_not_exist_is_an_error(self, cli):
        done = cli("flow-run", "why", "00000000-0000-0000-0000-000000000000", code=1)
        assert "00000000-0000-0000-0000-000000000000" in done.stdout + done.stderr
