"""The same commands, told to a server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.integration.server.conftest import Server

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import FlowCreate
from prefect._contract.endpoints import deployments, flows
from prefect.client.base import current_transport
from prefect.settings.context import reload_settings, temporary_settings


@pytest.fixture(autouse=True)
def server(tmp_path, monkeypatch) -> Iterator[Server]:
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "server")}):
        server = Server(ephemeral=True)
    server.start()
    monkeypatch.setenv("PREFECT_API_URL", f"{server.url}/api")
    reload_settings()
    yield server
    current_transport().close()
    server.stop()


def test_limits(cli):
    cli("gcl", "create", "database", "--limit", "5")
    assert "already exists" in cli.error("gcl", "create", "database", "--limit", "5")
    cli("gcl", "update", "database", "--limit", "6")
    cli("gcl", "disable", "database")
    found = cli.json("gcl", "inspect", "database")
    assert (found["limit"], found["active"]) == (6, False)
    cli("gcl", "delete", "database")
    assert "not found" in cli.error("gcl", "inspect", "database")
    cli("concurrency-limit", "create", "gpu", "2")
    assert cli.json("concurrency-limit", "inspect", "gpu")["concurrency_limit"] == 2
    cli("concurrency-limit", "reset", "gpu")
    cli("concurrency-limit", "delete", "gpu")
    assert "No concurrency limit found" in cli.error("concurrency-limit", "inspect", "gpu")


def test_deployments(cli):
    send = current_transport().send
    flow_id = send(flows.create_flow(FlowCreate(name="greet"))).id
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    send(
        deployments.create_deployment(
            DeploymentCreate(
                name="nightly", flow_id=flow_id, parameter_openapi_schema=schema, enforce_parameter_schema=True
            )
        )
    )
    cli("deployment", "schedule", "create", "greet/nightly", "--cron", "0 1 * * *")
    (schedule,) = cli.json("deployment", "schedule", "ls", "greet/nightly")
    cli("deployment", "schedule", "pause", "greet/nightly", schedule["id"])
    assert cli.json("deployment", "inspect", "greet/nightly")["schedules"][0]["active"] is False
    cli("deployment", "run", "greet/nightly", "-p", "n=3", "--start-in", "1 hour", "--flow-run-name", "mine")
    assert [each["parameters"] for each in cli.json("flow-run", "ls")] == [{"n": 3}]
    assert "n" in cli.error("deployment", "run", "greet/nightly", "-p", "n=x")
    cli("flow-run", "cancel", "mine")
    assert [each["state"]["type"] for each in cli.json("flow-run", "ls")] == ["CANCELLED"]
    cli("deployment", "delete", "--all")
    assert "not found" in cli.error("deployment", "inspect", "greet/nightly")


def test_automations_and_blocks(cli):
    one = {"name": "one", "trigger": {"posture": "Reactive", "expect": ["a"]}, "actions": [{"type": "do-nothing"}]}
    cli("automation", "create", "-j", json.dumps(one))
    cli("automation", "pause", "one")
    assert cli.json("automation", "inspect", "one")[0]["enabled"] is False
    cli("automation", "delete", "one")
    assert "\nsecret " in cli("block", "type", "ls").stdout
    cli("block", "create", "secret", "-n", "api-key", "-s", "value=x")
    assert "already" in cli.error("block", "create", "secret", "-n", "api-key", "-s", "value=x")
    cli("block", "create", "secret", "-n", "api-key", "-s", "value=y", "--overwrite")
    assert [each["name"] for each in cli.json("block", "ls")] == ["api-key"]
    cli("block", "delete", "secret/api-key")
    assert "not found" in cli.error("block", "inspect", "secret/api-key")
