"""What plugins say about jobs and their failures is heeded by workers."""

from __future__ import annotations

import anyio
import pytest

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.endpoints import deployments, flow_runs, flows, work_pools
from prefect.blocks.system import Secret
from prefect.client.base import current_transport
from prefect.plugins import FailureVerdict, SecretRef, register_hook
from prefect.plugins.loading import current_host
from prefect.states import Completed
from prefect.testing.utilities import prefect_test_harness
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult


class Cloud:
    """A plugin that brings environment variables and knows one failure."""

    @register_hook
    def prefect_job_environment(self, ctx):
        token = SecretRef("block", "secret/cloud-token")
        return {"REGION": "eu", "CONFIGURED": "by plugin", "TOKEN": token, "KIND": ctx.worker_type}

    @register_hook
    def prefect_classify_infrastructure_failure(self, ctx, error):
        kinds = {"throttled": "transient", "no such image": "gone"}
        kind = kinds.get(str(error))
        return FailureVerdict(kind, f"The cloud says: {error}.") if kind else None

    @register_hook
    def prefect_startup(self, ctx):
        self.roles = [*getattr(self, "roles", []), ctx.role]


class Result(BaseWorkerResult):
    pass


class CloudWorker(BaseWorker[BaseJobConfiguration, None, Result]):
    """A worker on a cloud that fails as it is told."""

    type = "cloud-for-tests"

    def __init__(self, *args, failures=(), is_there=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.failures = list(failures)
        self.is_there = is_there
        self.environments = []

    async def run(self, flow_run, configuration, task_status=None):
        self.environments.append(configuration.env)
        if self.is_there:
            task_status.started("job-1")
        if self.failures:
            raise self.failures.pop(0)
        await self.client.set_flow_run_state(flow_run.id, Completed(), force=True)
        return Result(identifier="job-1", status_code=0)


@pytest.fixture
def cloud():
    with prefect_test_harness():
        plugin = Cloud()
        current_host().register(plugin, "cloud")
        yield plugin


def worked(**options):
    """A worker that has looked once, and the run that there was to do."""
    send = current_transport().send
    variables = {"env": {"CONFIGURED": "by hand"}}
    send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="cloud-for-tests")))
    flow = send(flows.create_flow(FlowCreate(name="work"))).id
    asked = DeploymentCreate(name="d", flow_id=flow, work_pool_name="pool", job_variables=variables)
    made = send(deployments.create_deployment(asked))
    run = send(deployments.create_flow_run_from_deployment(made.id, DeploymentFlowRunCreate()))
    worker = CloudWorker("pool", **options)
    anyio.run(worker.start, True, False, lambda *_: None)
    return worker, send(flow_runs.read_flow_run(run.id)).state


def test_a_job_has_the_environment_that_plugins_want(cloud):
    Secret(value="sesame").save("cloud-token")
    worker, state = worked()
    [environment] = worker.environments
    wanted = {"REGION": "eu", "CONFIGURED": "by hand", "TOKEN": "sesame", "KIND": "cloud-for-tests"}
    assert {name: environment[name] for name in wanted} == wanted
    assert state.is_completed()


def test_a_secret_that_is_not_there_crashes_the_run_and_says_which(cloud):
    worker, state = worked()
    assert worker.environments == []
    assert state.is_crashed()
    assert "cloud-token" in state.message


def test_what_a_plugin_calls_transient_is_tried_again(cloud):
    Secret(value="sesame").save("cloud-token")
    worker, state = worked(failures=[RuntimeError("throttled")])
    assert len(worker.environments) == 2
    assert state.is_completed()


@pytest.mark.parametrize(("error", "says"), [("no such image", "The cloud says"), ("other", "RuntimeError: other")])
def test_anything_else_is_not(cloud, error, says):
    Secret(value="sesame").save("cloud-token")
    worker, state = worked(failures=[RuntimeError(error)])
    assert len(worker.environments) == 1
    assert state.is_crashed()
    assert says in state.message


def test_lost_connections_are_transient_for_the_core(cloud):
    Secret(value="sesame").save("cloud-token")
    worker, state = worked(failures=[ConnectionResetError("gone")])
    assert len(worker.environments) == 2
    assert state.is_completed()


def test_infrastructure_that_is_there_is_not_made_twice(cloud):
    Secret(value="sesame").save("cloud-token")
    worker, state = worked(failures=[RuntimeError("throttled")], is_there=True)
    assert len(worker.environments) == 1
    assert state.is_crashed()


def test_a_worker_is_announced(cloud):
    Secret(value="sesame").save("cloud-token")
    worked()
    assert cloud.roles == ["worker"]
