"""`prefect run`."""

from __future__ import annotations

import pytest

FLOWS = """
from prefect import flow, task

@flow
def sync(number: int = 1): print(f"number {number!r}")

@flow
async def coroutine(number: int = 1): print(f"number {number!r}")

@flow
def generator(number: int = 1):
    yield number
    print(f"number {number!r}")

@flow
async def async_generator(number: int = 1):
    yield number
    print(f"number {number!r}")

@flow
def exits(): raise SystemExit(7)
"""


@pytest.fixture(autouse=True)
def flows(script):
    script(FLOWS, "flows_to_run.py")


@pytest.mark.parametrize("name", ["sync", "coroutine", "generator", "async_generator"])
def test_flows_of_all_colours(cli, name):
    result = cli("run", f"flows_to_run.py:{name}", "-p", "number=3")
    printed, summary = result.stdout.splitlines()
    assert printed == "number 3"
    assert summary.startswith(f"Completed | flow '{name.replace('_', '-')}' | run '")
    assert summary.split(" | ")[-2] == "tasks: none"
    (run,) = cli.json("flow-run", "ls")
    assert summary.endswith(f"id {run['id']}")
    assert run["labels"]["prefect.flow.entrypoint"].endswith(f"flows_to_run.py:{name}")


def test_a_module(cli):
    assert cli("run", "flows_to_run:sync").stdout.startswith("number 1\n")


def test_values_that_do_not_fit(cli):
    result = cli("run", "flows_to_run.py:sync", "-p", "number=many", code=1)
    assert result.stdout.startswith("Failed | ")
    (run,) = cli.json("flow-run", "ls")
    assert "valid integer" in cli("flow-run", "inspect", run["id"]).stdout


def test_names_that_do_not_fit_make_no_run(cli):
    assert "has no parameter 'nubmer'" in cli.error("run", "flows_to_run.py:sync", "-p", "nubmer=1", code=2)
    assert cli.json("flow-run", "ls") == []


def test_a_flow_that_exits(cli):
    assert cli("run", "flows_to_run.py:exits", code=1).stdout.startswith("Crashed | ")


def test_what_is_not_there(cli):
    assert "There is no flow 'snyc' in flows_to_run.py." in cli.error("run", "flows_to_run.py:snyc")
    assert "Missing argument 'FLOW'" in cli.error("run", code=2)
