"""Deployments that are made in Python, as the orchestrator hears of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.deployments.conftest import Project, Repository

from prefect import deploy, flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleUpdate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import InvalidNameError
from prefect.runner.storage import LocalStorage
from prefect.schedules import Cron, Interval
from prefect.types.entrypoint import EntrypointType

PROCESSES = {
    "job_configuration": {"env": "{{ env }}"},
    "variables": {"type": "object", "properties": {"env": {"type": "object"}}},
}
IMAGES = {
    "job_configuration": {"image": "{{ image }}"},
    "variables": {"type": "object", "properties": {"image": {"type": "string"}}},
}


@pytest.fixture
def pool(client: SyncPrefectClient) -> SyncPrefectClient:
    client.create_work_pool(WorkPoolCreate(name="processes", type="process", base_job_template=PROCESSES))
    client.create_work_pool(WorkPoolCreate(name="images", type="docker", base_job_template=IMAGES))
    return client


def test_what_the_orchestrator_hears(project: Project, client: SyncPrefectClient) -> None:
    made = project.load("greet").to_deployment(
        "nightly",
        cron="0 9 * * *",
        parameters={"name": "me", "times": 2},
        tags=["a"],
        concurrency_limit=ConcurrencyLimitConfig(limit=2, collision_strategy="CANCEL_NEW"),
    )
    assert made.full_name == "greet/nightly"
    assert made.entrypoint_type is EntrypointType.FILE_PATH
    there = client.read_deployment(made.apply())
    assert there.entrypoint == "flows.py:greet"
    assert there.path == "."
    assert there.description == "Greets.\n\nArgs:\n    name: Who."
    assert there.version == made.version is not None
    assert there.parameters == {"name": "me", "times": 2}
    assert there.parameter_openapi_schema["properties"]["name"]["description"] == "Who."
    assert there.global_concurrency_limit is not None
    assert there.global_concurrency_limit.limit == 2
    assert there.concurrency_options.collision_strategy == "CANCEL_NEW"
    assert there.paused is False
    assert there.enforce_parameter_schema
    assert [schedule.schedule.cron for schedule in there.schedules] == ["0 9 * * *"]


def test_deploying_again_changes_only_what_was_changed(project: Project, client: SyncPrefectClient) -> None:
    greet = project.load("greet")

    def apply(**options: Any) -> Any:
        schedules = [Cron("0 9 * * *", slug="daily"), Interval(timedelta(hours=1))]
        return client.read_deployment(greet.to_deployment("d", schedules=schedules, **options).apply())

    first = apply()
    client.pause_deployment(first.id)
    client.update_deployment_schedule(first.id, first.schedules[0].id, active=False)
    again = apply(tags=["new"])
    assert again.id == first.id
    assert {each.id for each in again.schedules} == {each.id for each in first.schedules}
    assert again.paused
    assert [each.active for each in again.schedules if each.id == first.schedules[0].id] == [False]
    assert again.tags == ["new"]
    assert not apply(paused=False).paused


def test_the_orchestrator_hears_how_often_runs_are_tried(project: Project, client: SyncPrefectClient) -> None:
    greet = project.load("greet")

    def policy(flow: Any) -> Any:
        id = flow.to_deployment("d").apply()
        return client.create_flow_run_from_deployment(id, parameters={"name": "me"}).empirical_policy

    assert policy(greet).retries is None
    tough = policy(greet.with_options(retries=4, retry_delay_seconds=2.5))
    assert (tough.retries, tough.retry_delay) == (4, 3)
    assert policy(greet).retries is None


def test_by_module(project: Project, client: SyncPrefectClient) -> None:
    project.write("package_of_flows/__init__.py", "")
    project.write("package_of_flows/inner.py", "from prefect import flow\n\n@flow\ndef deep():\n    return 1\n")
    from package_of_flows.inner import deep  # type: ignore[import-not-found]

    made = deep.to_deployment("m", entrypoint_type=EntrypointType.MODULE_PATH)
    assert made.entrypoint == "package_of_flows.inner.deep"
    there = client.read_deployment(made.apply())
    assert there.path is None
    assert made.entrypoint_type is EntrypointType.MODULE_PATH
    from_entrypoint = RunnerDeployment.from_entrypoint("package_of_flows.inner:deep", "m", tags=["x"])
    assert client.read_deployment(from_entrypoint.apply()).id == there.id


def test_in_async_code(project: Project, client: SyncPrefectClient) -> None:
    greet = project.load("greet")

    async def make() -> Any:
        made = await greet.to_deployment("d")
        assert await (await greet.ato_deployment("d")).aapply() == await made.apply()
        return await made.aapply()

    assert client.read_deployment(asyncio.run(make())).name == "d"


def test_triggers_are_automations_of_the_deployment(project: Project, client: SyncPrefectClient) -> None:
    greet = project.load("greet")
    event = DeploymentEventTrigger(expect={"order.placed"}, parameters={"name": "x"}, name="on order")
    as_dict = {"type": "event", "expect": ["order.sent"], "enabled": True}

    def apply(*triggers: Any) -> list[Any]:
        made = greet.to_deployment("d", triggers=list(triggers)).apply()
        return client.read_resource_related_automations(f"prefect.deployment.{made}")

    first = apply(event, as_dict)
    assert sorted(each.name for each in first) == ["greet/d__automation_2", "on order"]
    client.pause_automation(first[0].id)
    again = apply(event, as_dict)
    assert {each.id for each in again} == {each.id for each in first}
    assert [each.enabled for each in again if each.id == first[0].id] == [False]
    assert [each.name for each in apply(event)] == ["on order"]
    assert apply() == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"name": "a/b"}, InvalidNameError, "not a possible deployment name"),
        ({"name": ""}, InvalidNameError, "not a possible deployment name"),
        ({"cron": "@daily", "interval": 3}, ValueError, "Found: interval, cron"),
        ({"cron": "nonsense"}, ValueError, "Invalid cron string"),
        ({"parameters": {"nmae": "x"}}, ValueError, "takes no parameter 'nmae'. It takes: name, times"),
        ({"_sla": [1]}, ValueError, "Service level agreements"),
        ({"triggers": [{"type": "nonsense"}]}, ValueError, "nonsense"),
    ],
)
def test_what_cannot_be_a_deployment(
    project: Project, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        project.load("greet").to_deployment(**{"name": "d", **options})


def test_flows_that_no_other_process_finds(project: Project) -> None:
    @flow
    def inner() -> None: ...

    with pytest.raises(ValueError, match="defined within a function"):
        inner.to_deployment("d")


def test_what_needs_a_work_pool(project: Project, client: SyncPrefectClient) -> None:
    greet = project.load("greet")
    for options in ({"work_queue_name": "q"}, {"job_variables": {"a": 1}}):
        with pytest.raises(ValueError, match="can only be provided when registering a deployment with a work pool"):
            greet.to_deployment("d", **options).apply()
    with pytest.raises(DeploymentApplyError, match='Work pool "none" not found'):
        greet.to_deployment("d", work_pool_name="none").apply()
    with pytest.raises(ValueError, match="'name'.*no JSON form"):
        greet.to_deployment("d", parameters={"name": object()}).apply()
    with pytest.raises(DeploymentApplyError, match="'times'.*'many' is not of type 'integer'"):
        greet.to_deployment("d", parameters={"times": "many"}).apply()
    assert client.read_deployments() == []
    assert greet.to_deployment("d", parameters={"times": "many"}, enforce_parameter_schema=False).apply()


def test_schedules_may_be_those_of_an_update(project: Project, client: SyncPrefectClient) -> None:
    made = project.load("greet").to_deployment("d")
    made.schedules = [DeploymentScheduleUpdate(schedule=CronSchedule(cron="@daily"), slug="s")]
    (schedule,) = client.read_deployment(made.apply()).schedules
    assert (schedule.slug, schedule.active) == ("s", True)
    (schedule,) = client.read_deployment(made.apply(schedules=[{"schedule": {"cron": "@hourly"}}])).schedules
    assert schedule.schedule.cron == "@hourly"  # type: ignore[union-attr]


def test_deploying_to_a_work_pool(
    project: Project, pool: SyncPrefectClient, capsys: pytest.CaptureFixture[str]
) -> None:
    greet = project.load("greet")
    made = greet.deploy("d", work_pool_name="images", image="acme/etl:1", build=False, push=False, work_queue_name="q")
    there = pool.read_deployment(made)
    assert there.job_variables == {"image": "acme/etl:1"}
    assert (there.work_pool_name, there.work_queue_name) == ("images", "q")
    shown = capsys.readouterr().out
    assert "greet/d  applied" in shown
    assert "prefect worker start --pool 'images'" in shown
    assert "prefect deployment run 'greet/d'" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "A work pool is needed"),
        ({"work_pool_name": "none"}, "Could not find work pool 'none'"),
        ({"work_pool_name": "processes"}, "Either an image or remote storage"),
        ({"work_pool_name": "processes", "image": "x"}, "does not support custom Docker images"),
    ],
)
def test_workers_that_could_not_get_at_the_code(
    project: Project, pool: SyncPrefectClient, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        project.load("greet").deploy("d", **options)
    assert pool.read_deployments() == []


def test_several_at_once(project: Project, pool: SyncPrefectClient, capsys: pytest.CaptureFixture[str]) -> None:
    flows = [flow.from_source(str(project.folder), f"flows.py:{name}") for name in ("greet", "part")]
    ids = deploy(*(each.to_deployment("d") for each in flows), work_pool_name="processes")
    assert [pool.read_deployment(each).name for each in ids] == ["d", "d"]
    assert "its workers must run here, too" in capsys.readouterr().out
    bad = flows[0].to_deployment("bad", job_variables={"env": "no mapping"})
    with pytest.raises(DeploymentApplyError, match="greet/bad"):
        deploy(bad, flows[1].to_deployment("good"), work_pool_name="processes", ignore_warnings=True)
    shown = capsys.readouterr().out
    assert "greet/bad  failed" in shown
    assert "part/good  applied" in shown
    with pytest.raises(ValueError, match="Nothing to deploy"):
        deploy(work_pool_name="processes")


def test_from_a_repository(project: Project, repository: Repository, pool: SyncPrefectClient) -> None:
    loaded = flow.from_source(repository.url, "flows.py:greet")
    assert loaded.name == "greet"
    assert loaded(name="called") == "called"
    there = pool.read_deployment(loaded.with_options(name="other").deploy("d", work_pool_name="processes"))
    assert there.pull_steps == [{"prefect.deployments.steps.git_clone": {"repository": repository.url, "branch": None}}]
    assert there.entrypoint == "flows.py:greet"
    assert there.version is not None
    assert list(there.parameter_openapi_schema["properties"]) == ["name", "times"]


def test_code_that_cannot_run_here_is_read(project: Project, client: SyncPrefectClient) -> None:
    project.write(
        "far.py",
        'import not_installed_here\nfrom prefect import flow\n\n@flow(name="far away")\ndef far(x: int): ...\n',
    )
    loaded = flow.from_source(project.folder, "far.py:far")
    made = loaded.to_deployment("d")
    there = client.read_deployment(made.apply())
    assert made.full_name == "far away/d"
    assert there.parameter_openapi_schema["properties"]["x"]["type"] == "integer"
    storage = LocalStorage(str(project.folder))
    same = RunnerDeployment.from_storage(storage, "far.py:far", "d", tags=["x"])
    assert client.read_deployment(same.apply()).id == there.id
    with pytest.raises(TypeError, match="Invalid source: 3"):
        flow.from_source(3, "far.py:far")
