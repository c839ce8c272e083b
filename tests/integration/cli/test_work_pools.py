"""`prefect work-pool` and `prefect work-queue`."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.endpoints.deployments import create_deployment, create_flow_run_from_deployment
from prefect._contract.endpoints.flows import create_flow
from prefect.client.base import current_transport


def order(pool: str, **fields):
    """A run that waits in a work pool."""
    send = current_transport().send
    flow = send(create_flow(FlowCreate(name="f"))).id
    deployment = send(create_deployment(DeploymentCreate(name="d", flow_id=flow, work_pool_name=pool, **fields)))
    return send(create_flow_run_from_deployment(deployment.id, DeploymentFlowRunCreate()))


class TestWorkPools:
    def test_they_are_created_with_the_template_of_their_type(self, cli):
        assert "'p'" in cli("work-pool", "create", "p", "--type", "process").stdout
        (pool,) = cli.json("work-pool", "ls")
        assert (pool["name"], pool["type"], pool["is_paused"]) == ("p", "process", False)
        assert pool["base_job_template"]["job_configuration"]["command"] == "{{ command }}"
        assert "working_dir" in pool["base_job_template"]["variables"]["properties"]
        assert "p" in cli("work-pools", "ls").stdout

    def test_with_a_template_of_ones_own(self, cli, tmp_path: Path):
        template = {"job_configuration": {"command": "{{ c }}"}, "variables": {"properties": {"c": {"type": "string"}}}}
        file = tmp_path / "template.json"
        file.write_text(json.dumps(template))
        cli("work-pool", "create", "p", "--type", "ecs", "--base-job-template", str(file), "--paused")
        found = cli.json("work-pool", "inspect", "p")
        assert (found["base_job_template"], found["is_paused"]) == (template, True)
        assert "{{ c }}" in cli("work-pool", "inspect", "p").stdout
        file.write_text("[]")
        assert "must be a JSON object" in cli.error("work-pool", "update", "p", "--base-job-template", str(file))

    def test_they_are_overwritten_if_that_is_asked_for(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        assert "already exists" in cli.error("work-pool", "create", "p", "--type", "process")
        cli("work-pool", "create", "p", "--type", "process", "--overwrite", "--paused")
        assert cli.json("work-pool", "inspect", "p")["is_paused"] is True

    def test_they_are_changed(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        cli("work-pool", "update", "p", "--description", "mine", "--concurrency-limit", "3")
        found = cli.json("work-pool", "inspect", "p")
        assert (found["description"], found["concurrency_limit"]) == ("mine", 3)
        cli("work-pool", "clear-concurrency-limit", "p")
        assert cli.json("work-pool", "inspect", "p")["concurrency_limit"] is None
        cli("work-pool", "set-concurrency-limit", "p", "5")
        assert cli.json("work-pool", "inspect", "p")["concurrency_limit"] == 5
        assert "Nothing to change" in cli.error("work-pool", "update", "p")

    def test_they_are_paused_and_resumed(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        cli("work-pool", "pause", "p")
        assert cli.json("work-pool", "inspect", "p")["status"] == "PAUSED"
        cli("work-pool", "resume", "p")
        assert cli.json("work-pool", "inspect", "p")["is_paused"] is False

    def test_they_are_deleted(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        cli("--prompt", "work-pool", "delete", "p", input="n\n", code=1)
        cli("work-pool", "delete", "p")
        assert cli.json("work-pool", "ls") == []

    def test_one_is_the_default(self, cli):
        cli("work-pool", "create", "p", "--type", "process", "--set-as-default")
        assert "DEFAULT_WORK_POOL_NAME='p'" in cli("config", "view").stdout

    def test_the_template_of_a_type_is_shown(self, cli, tmp_path: Path):
        shown = json.loads(cli("work-pool", "get-default-base-job-template", "--type", "process").stdout)
        cli("work-pool", "get-default-base-job-template", "--type", "process", "--file", str(tmp_path / "t.json"))
        assert json.loads((tmp_path / "t.json").read_text()) == shown

    def test_runs_that_are_due_are_shown(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        assert "No runs are due" in cli("work-pool", "preview", "p").stdout
        run = order("p")
        assert [each["id"] for each in cli.json("work-pool", "preview", "p")] == [str(run.id)]
        assert [each["id"] for each in cli.json("work-queue", "preview", "default", "--pool", "p")] == [str(run.id)]
        assert "1 runs" in cli("work-queue", "read-runs", "default", "--pool", "p").stdout

    def test_slots_are_shown(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        assert cli.json("work-pool", "slots", "p")["active_slots"] == 0
        assert "0 of any number slots are taken" in cli("work-pool", "slots", "p").stdout
        assert cli.json("work-queue", "slots", "default", "-p", "p")["active_slots"] == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            ["inspect", "x"],
            ["pause", "x"],
            ["delete", "x"],
            ["preview", "x"],
            ["slots", "x"],
            ["update", "x", "-cl", "1"],
        ],
    )
    def test_one_that_does_not_exist_is_named(self, cli, arguments):
        assert "Work pool 'x' not found" in cli.error("work-pool", *arguments)

    @pytest.mark.skipif(find_spec("prefect_gcp") is not None, reason="prefect-gcp is installed")
    def test_storage_of_a_package_that_is_not_installed_names_it(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        assert (
            "pip install prefect-gcp"
            in cli("work-pool", "storage", "configure", "gcs", "p", "--bucket", "b", code=1).stderr
        )
        assert "No storage" in cli("work-pool", "storage", "inspect", "p").stdout

    def test_a_type_without_a_worker_is_named(self, cli):
        message = cli.error("work-pool", "create", "p", "--type", "vertex-ai")
        assert "'vertex-ai'" in message
        assert "Installed: " in message


class TestWorkQueues:
    def test_they_are_created_listed_and_shown(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        cli("work-queue", "create", "urgent", "--pool", "p", "--priority", "1", "--limit", "2")
        listed = cli.json("work-queue", "ls", "--pool", "p")
        assert [(each["name"], each["priority"]) for each in listed] == [("urgent", 1), ("default", 2)]
        assert [each["name"] for each in cli.json("work-queues", "ls", "--match", "ur")] == ["urgent"]
        found = cli.json("work-queue", "inspect", "urgent", "--pool", "p")
        assert (found["concurrency_limit"], found["status_details"]["late_runs_count"]) == (2, 0)
        assert "urgent" in cli("work-queue", "inspect", found["id"]).stdout

    def test_without_a_pool_they_are_of_the_default_one(self, cli):
        cli("work-queue", "create", "q")
        assert cli.json("work-queue", "inspect", "q")["work_pool_name"] == "default-agent-pool"

    def test_they_are_changed_and_deleted(self, cli):
        cli("work-pool", "create", "p", "--type", "process")
        cli("work-queue", "create", "q", "-p", "p")
        cli("work-queue", "pause", "q", "-p", "p")
        assert cli.json("work-queue", "inspect", "q", "-p", "p")["is_paused"] is True
        cli("work-queue", "resume", "q", "-p", "p")
        cli("work-queue", "set-concurrency-limit", "q", "4", "-p", "p")
        found = cli.json("work-queue", "inspect", "q", "-p", "p")
        assert (found["is_paused"], found["concurrency_limit"]) == (False, 4)
        cli("work-queue", "clear-concurrency-limit", "q", "-p", "p")
        assert cli.json("work-queue", "inspect", "q", "-p", "p")["concurrency_limit"] is None
        cli("work-queue", "delete", "q", "-p", "p")
        assert [each["name"] for each in cli.json("work-queue", "ls", "-p", "p")] == ["default"]

    def test_what_does_not_exist_is_named(self, cli):
        assert "Work pool 'x' not found" in cli.error("work-queue", "create", "q", "--pool", "x")
        cli("work-pool", "create", "p", "--type", "process")
        assert "Work queue 'q' not found in work pool 'p'" in cli.error("work-queue", "pause", "q", "-p", "p")
        cli("work-queue", "create", "q", "-p", "p")
        assert "already exists" in cli.error("work-queue", "create", "q", "-p", "p")
