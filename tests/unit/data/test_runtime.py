from datetime import datetime, timezone
from types import SimpleNamespace
from uuid import uuid4

import pytest

from prefect import runtime
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import deployment, flow_run, task_run
from prefect.settings import temporary_settings


@pytest.fixture
def run():
    return SimpleNamespace(
        id=uuid4(),
        name="my-run",
        tags=["b", "a"],
        run_count=2,
        flow_id=uuid4(),
        flow_version="v1",
        parameters={"x": 1},
        parent_task_run_id=None,
        deployment_id=None,
        deployment_version=None,
        job_variables={"cpu": 1},
        expected_start_time=datetime(2020, 1, 1, tzinfo=timezone.utc),
    )


@pytest.fixture
def in_flow(run):
    flow = SimpleNamespace(name="my-flow", version="v2")
    with FlowRunContext(flow=flow, flow_run=run, task_runner=None, parameters={"x": 1, "y": 2}, result_store=None):
        yield


def test_outside_of_runs_there_is_nothing():
    assert flow_run.id is None
    assert flow_run.tags == []
    assert flow_run.parameters == {}
    assert flow_run.run_count == 0
    assert flow_run.scheduled_start_time <= datetime.now(timezone.utc)
    for name in (
        "name",
        "flow_name",
        "flow_version",
        "parent_flow_run_id",
        "parent_deployment_id",
        "root_flow_run_id",
        "api_url",
        "ui_url",
        "job_variables",
    ):
        assert getattr(flow_run, name) is None
    assert (task_run.id, task_run.name, task_run.task_name, task_run.api_url, task_run.ui_url) == (None,) * 5
    assert (task_run.tags, task_run.parameters, task_run.run_count) == ([], {}, 0)
    assert (deployment.id, deployment.name, deployment.flow_run_id) == (None, None, None)
    assert (deployment.version, deployment.parameters) == (None, {})


def test_a_flow_run_knows_itself(in_flow, run):
    assert flow_run.id == str(run.id) == runtime.flow_run.get_id() == deployment.flow_run_id
    assert (flow_run.name, flow_run.tags, flow_run.run_count) == ("my-run", ["a", "b"], 2)
    assert (flow_run.flow_name, flow_run.flow_version) == ("my-flow", "v2")
    assert flow_run.parameters == {"x": 1, "y": 2} == deployment.parameters
    assert flow_run.scheduled_start_time == run.expected_start_time
    assert (flow_run.parent_flow_run_id, flow_run.root_flow_run_id) == (None, str(run.id))
    assert flow_run.job_variables == {"cpu": 1}
    assert flow_run.api_url is None
    assert deployment.name is None  # the run is of no deployment


def test_a_task_run_knows_itself(run):
    own = SimpleNamespace(id=uuid4(), name="add-1", tags=["t"], run_count=1, flow_run_id=run.id)
    with TaskRunContext(task=SimpleNamespace(name="add"), task_run=own, parameters={"a": 1}, result_store=None):
        assert (task_run.id, task_run.name, task_run.task_name) == (str(own.id), "add-1", "add")
        assert (task_run.tags, task_run.parameters, task_run.run_count) == (["t"], {"a": 1}, 1)
        assert flow_run.id == str(run.id)
        with temporary_settings({"PREFECT_API_URL": "http://host/api"}):
            assert task_run.api_url == f"http://host/api/task_runs/{own.id}"
            assert task_run.ui_url == f"http://host/runs/task-run/{own.id}"
            assert flow_run.api_url == f"http://host/api/flow_runs/{run.id}"
            assert flow_run.ui_url == f"http://host/runs/flow-run/{run.id}"
        with temporary_settings({"PREFECT_UI_URL": "http://pages"}):
            assert task_run.ui_url == f"http://pages/runs/task-run/{own.id}"
            assert flow_run.ui_url == f"http://pages/runs/flow-run/{run.id}"


def test_environment_variables_stand_in(monkeypatch, in_flow):
    for name, text in {
        "FLOW_RUN__NAME": "mock",
        "FLOW_RUN__RUN_COUNT": "7",
        "FLOW_RUN__NEW": "extra",
        "DEPLOYMENT__ID": "d",
        "DEPLOYMENT__NAME": "nightly",
        "FLOW_RUN__SCHEDULED_START_TIME": "2021-02-03T00:00:00Z",
    }.items():
        monkeypatch.setenv(f"PREFECT__RUNTIME__{name}", text)
    assert (flow_run.name, flow_run.run_count, flow_run.new) == ("mock", 7, "extra")
    assert (deployment.id, deployment.name) == ("d", "nightly")
    assert flow_run.scheduled_start_time == datetime(2021, 2, 3, tzinfo=timezone.utc)
    assert flow_run.get_name() == "my-run"


def test_environment_variables_cannot_stand_for_collections(monkeypatch):
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__TAGS", "a,b")
    with pytest.raises(ValueError, match="PREFECT__RUNTIME__FLOW_RUN__TAGS cannot stand for a value of type 'list'"):
        flow_run.tags


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        flow_run.nonsense
    assert {"id", "name", "get_id"} <= set(dir(flow_run))
