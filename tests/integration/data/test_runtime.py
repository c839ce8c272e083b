import asyncio
import os
import subprocess
import sys

from prefect import flow, task
from prefect.flow_engine import run_flow
from prefect.runtime import deployment, flow_run, task_run
from prefect.settings import get_current_settings


def seen():
    names = (
        "id",
        "flow_name",
        "flow_version",
        "name",
        "parameters",
        "run_count",
        "parent_flow_run_id",
        "root_flow_run_id",
    )
    return {name: getattr(flow_run, name) for name in names}


def test_runs_know_themselves_and_where_they_come_from():
    facts = {}

    @task
    def inner(x):
        facts["task"] = (task_run.name, task_run.task_name, task_run.parameters, task_run.run_count, flow_run.id)

    @flow(version="2")
    def child(y):
        facts["child"] = seen()

    @task
    def calls_a_flow():
        child(2)

    @flow(name="parent flow", flow_run_name="the parent")
    def parent(a, b=1):
        facts["parent"] = seen()
        inner(5)
        child(1)
        facts["direct"] = facts["child"]
        calls_a_flow()

    parent(0)
    root = facts["parent"]["id"]
    assert facts["parent"]["name"] == "the parent"
    assert facts["parent"]["flow_name"] == "parent flow"
    assert facts["parent"]["parameters"] == {"a": 0, "b": 1}
    assert (facts["parent"]["parent_flow_run_id"], facts["parent"]["root_flow_run_id"]) == (None, root)
    assert facts["parent"]["run_count"] == 1
    assert facts["task"][1:] == ("inner", {"x": 5}, 1, root)
    for how in ("direct", "child"):
        assert facts[how]["flow_version"] == "2"
        assert facts[how]["parent_flow_run_id"] == root
        assert facts[how]["root_flow_run_id"] == root


def test_a_process_made_for_a_run_reads_it(client):
    @flow(version="7")
    def main():
        return flow_run.id

    run_id = main()
    code = (
        "from prefect.runtime import flow_run\n"
        "print(flow_run.id, flow_run.flow_name, flow_run.flow_version, flow_run.run_count, flow_run.parameters)"
    )
    env = {**os.environ, "PREFECT_HOME": str(get_current_settings().home), "PREFECT__FLOW_RUN_ID": run_id}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [run_id, "main", "7", "1", "{}"]


def test_attributes_answer_in_async_flows():
    @flow
    async def main():
        return flow_run.name, flow_run.parent_flow_run_id

    name, parent = asyncio.run(main())
    assert name
    assert parent is None


def test_runs_of_a_deployment_know_its_name(client):
    @flow(name="made")
    def main():
        return deployment.name, deployment.id

    made = client.create_deployment(client.create_flow_from_name("made"), "nightly")
    run = client.create_flow_run_from_deployment(made)
    assert run_flow(main, flow_run=run) == ("nightly", str(made))
    assert main() == (None, None)
    code = "from prefect.runtime import deployment; print(deployment.name)"
    env = {**os.environ, "PREFECT_HOME": str(get_current_settings().home), "PREFECT__FLOW_RUN_ID": str(run.id)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "nightly"
