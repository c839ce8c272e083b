"""Workers hear of the tasks of runs that others have started: real workers, a real server, EventBridge and SQS of moto."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from typer.testing import CliRunner

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.settings.context import temporary_settings
from prefect_aws import AwsClientParameters, AwsCredentials
from prefect_aws._cli.main import app
from prefect_aws.observers.ecs import SqsMessage, SqsSubscriber
from prefect_aws.observers.task_events import change_in, container_of, environment_of, event_of, run_of
from prefect_aws.testing import FakeEcs
from prefect_aws.workers import ECSWorker

pytestmark = pytest.mark.timeout(300)

OBSERVER = "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER"
QUEUE = "changes-of-tasks"
GROUP = "printed"
KEYS = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a-secret-key", "AWS_MAX_ATTEMPTS": "1"}
CODE = """
import os
import time
from pathlib import Path

from prefect import flow


@flow
def work(waits_for: str = "", exit_code: int = 0):
    if exit_code:
        os._exit(exit_code)
    while waits_for and not Path(waits_for).exists():
        time.sleep(0.05)
"""


class Site:
    """A server with a work pool, and an ECS that tells EventBridge what becomes of its tasks."""

    def __init__(self, api: str, endpoint: str, ecs: FakeEcs, folder: Path) -> None:
        self.api = api
        self.ecs = ecs
        self.folder = folder
        (folder / "code.py").write_text(CODE)
        parameters = AwsClientParameters(endpoint_url=ecs.address, config={"retries": {"max_attempts": 1}})
        self.credentials = AwsCredentials(
            aws_access_key_id="an-id",
            aws_secret_access_key="a-secret-key",
            region_name="us-east-1",
            aws_client_parameters=parameters,
        )
        self.client = get_client(sync_client=True)
        template = ECSWorker.get_default_base_job_template()
        shown = self.credentials.model_dump(mode="json", context={"include_secrets": True})
        template["variables"]["properties"]["aws_credentials"]["default"] = shown
        self.client.create_work_pool(WorkPoolCreate(name="pool", type="ecs", base_job_template=template))
        self.client.create_work_queue("none", work_pool_name="pool")
        self.flow_id = self.client.create_flow_from_name("work")
        patient = AwsClientParameters(
            endpoint_url=endpoint, config={"read_timeout": 240, "retries": {"max_attempts": 0}}
        )
        unhurried = self.credentials.model_copy(update={"aws_client_parameters": patient})
        unhurried.get_client("cloudformation").list_stacks()  # the emulator loads all that it has for the first one
        options = ["--queue-name", QUEUE, "--region", "us-east-1", "--endpoint-url", endpoint]
        made = CliRunner().invoke(app, ["ecs-worker", "deploy-events", *options], env=KEYS)
        assert made.exit_code == 0, made.output

    def order(self, **parameters: Any) -> FlowRun:
        deployment = self.client.create_deployment(
            self.flow_id,
            "d",
            work_pool_name="pool",
            path=str(self.folder),
            entrypoint="code.py:work",
            job_variables={
                "image": "any",
                "task_watch_poll_interval": 0.2,
                "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
                "configure_cloudwatch_logs": True,
                "cloudwatch_logs_options": {"awslogs-group": GROUP, "awslogs-stream-prefix": "p"},
            },
        )
        return self.client.create_flow_run_from_deployment(deployment, parameters=parameters)

    def state(self, run: FlowRun) -> Any:
        state = self.client.read_flow_run(run.id).state
        assert state is not None
        return state

    def until(self, what: Callable[[], Any], seconds: float = 120.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return found

    def logs(self, run: FlowRun) -> str:
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        return "\n".join(log.message for log in self.client.read_logs(wanted))

    def told(self, arn: str) -> list[Any]:
        """The events about a task, in the order in which they occurred."""
        wanted = EventFilter(event=EventNameFilter(prefix=["prefect.ecs.task."]))
        found = self.client.read_events(wanted, limit=200).events
        return sorted((each for each in found if each.resource["ecs.task-arn"] == arn), key=lambda each: each.occurred)

    @property
    def sqs(self) -> Any:
        return self.credentials.get_client("sqs")

    @property
    def queue_url(self) -> str:
        return str(self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"])

    def counts(self, url: str | None = None) -> tuple[int, int]:
        """How many messages are in a queue: those that wait, and those that somebody has received."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.queue_url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    @contextmanager
    def worker_process(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that does not watch, and can be killed."""
        variables = {
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.folder),
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            f"{OBSERVER}_ENABLED": "false",
        }
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "pool"]
        with (self.folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def task_of(self, run: FlowRun) -> str:
        return str(self.client.read_flow_run(run.id).infrastructure_pid).partition("::")[2]

    def left_alone(self, **parameters: Any) -> tuple[FlowRun, str]:
        """A run in a task whose worker is gone, and the ARN of that task."""
        run = self.order(**parameters)
        with self.worker_process():
            self.until(lambda: self.state(run).is_running())
            arn = self.until(lambda: self.task_of(run))
        return run, arn


def watch(meanwhile: Callable[[], None], workers: int = 1, queue: str = "none") -> None:
    """Do something while workers watch. They take no runs, unless they are given a queue with some."""

    async def both() -> None:
        watching = [ECSWorker("pool", work_queues=[queue], name=f"watcher-{n}") for n in range(workers)]
        for each in watching:
            each._grace_seconds = 0.3
        async with anyio.create_task_group() as group:
            for each in watching:
                group.start_soon(each.start)
            try:
                await anyio.to_thread.run_sync(meanwhile)
            finally:
                for each in watching:
                    if each._supervision is not None:
                        each._supervised.stop()

    anyio.run(both)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that does not notice by itself that the processes of tasks, which are on its machine, are gone."""
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--no-services"], env={**os.environ, "PREFECT_HOME": str(home)}, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{address}/health", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def _site(api: str, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("code")
    settings = {"PREFECT_API_URL": api, "PREFECT_HOME": str(folder), "PREFECT_WORKER_QUERY_SECONDS": "0.5"}
    with FakeEcs(endpoint, tells_changes=True) as ecs, temporary_settings(settings):
        yield Site(api, endpoint, ecs, folder)


@pytest.fixture
def site(_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, whose workers watch its queue."""
    monkeypatch.setenv(f"{OBSERVER}_SQS_QUEUE_NAME", QUEUE)
    _site.ecs.forgive()
    return _site


@pytest.fixture
def own_queue(site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a queue that workers watch, for messages that stay there."""
    name = f"own-{uuid4().hex}"
    monkeypatch.setenv(f"{OBSERVER}_SQS_QUEUE_NAME", name)
    return str(site.sqs.create_queue(QueueName=name)["QueueUrl"])


def test_the_states_of_a_task_are_told_once_by_however_many_watch(site: Site, tmp_path: Path) -> None:
    run = site.order(waits_for=str(tmp_path / "go"))

    def meanwhile() -> None:
        with site.worker_process():
            site.until(lambda: site.state(run).is_running())
            (tmp_path / "go").touch()
            site.until(lambda: site.state(run).is_completed())
            arn = site.until(lambda: site.task_of(run))
            [stopped] = site.until(lambda: [each for each in site.told(arn) if each.event.endswith("stopped")])
        again = {"taskArn": arn, "clusterArn": stopped.resource["ecs.cluster-arn"], "lastStatus": "STOPPED"}
        body = {"detail-type": "ECS Task State Change", "detail": again}
        site.sqs.send_message(QueueUrl=site.queue_url, MessageBody=json.dumps(body))
        site.sqs.send_message(QueueUrl=site.queue_url, MessageBody=json.dumps({"detail-type": "something else"}))
        site.until(lambda: site.counts() == (0, 0))

    watch(meanwhile, workers=2)
    events = site.told(site.task_of(run))
    assert [each.event.rpartition(".")[2] for each in events] == ["pending", "running", "stopped"]
    roles = {each.role: each.id for each in events[0].related}
    assert roles["flow-run"] == f"prefect.flow-run.{run.id}"
    assert {"deployment", "flow", "work-pool", "worker"} <= {*roles}
    assert events[-1].payload["exit_code"] == 0


def test_a_run_that_its_worker_has_left_crashes_with_its_task(site: Site, tmp_path: Path) -> None:
    run, arn = site.left_alone(waits_for=str(tmp_path / "never"))
    logs, stream = site.credentials.get_client("logs"), f"p/prefect/{arn.rpartition('/')[2]}"
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    said = {"timestamp": int(time.time() * 1000), "message": "the last of it"}
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[said])

    def meanwhile() -> None:
        site.ecs.kill(arn)
        site.until(lambda: site.state(run).is_crashed())
        site.until(lambda: "the last of it" in site.logs(run))
        site.until(lambda: site.counts() == (0, 0))

    watch(meanwhile, workers=2)
    assert "exit code 137" in site.state(run).message
    assert site.logs(run).count("It printed last:") == 1
    assert [each.event.rpartition(".")[2] for each in site.told(arn)][-1] == "stopped"


def test_a_run_that_its_worker_has_left_is_offered_again_if_its_machine_is_taken_away(
    site: Site, tmp_path: Path
) -> None:
    run, arn = site.left_alone(waits_for=str(tmp_path / "never"))

    def meanwhile() -> None:
        site.ecs.take_away(arn)
        site.until(lambda: site.state(run).name == "AwaitingRetry")
        site.until(lambda: site.counts() == (0, 0))

    watch(meanwhile)
    assert "Spot" in site.state(run).message
    site.client.delete_flow_run(run.id)  # else the next worker takes it


def test_a_worker_that_is_there_speaks_for_its_run_once(site: Site) -> None:
    run = site.order(exit_code=3)

    def meanwhile() -> None:
        site.until(lambda: site.state(run).is_crashed())
        site.until(lambda: "exit code 3" in site.logs(run))
        site.until(lambda: site.counts() == (0, 0))

    watch(meanwhile, queue="default")
    assert site.logs(run).count("It printed last:") == 1


def test_a_message_that_cannot_be_read_is_said_and_left_to_the_queue(
    site: Site, own_queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.sqs.send_message(QueueUrl=own_queue, MessageBody="no JSON")

    def meanwhile() -> None:
        site.until(lambda: "cannot be read: it is no JSON" in caplog.text)
        site.until(lambda: site.counts(own_queue) == (0, 1))  # received, and not deleted

    watch(meanwhile)
    assert "redrive" in caplog.text
    policy = site.sqs.get_queue_attributes(QueueUrl=site.queue_url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert f"{QUEUE}-unhandled" in policy["RedrivePolicy"]


def test_a_message_that_cannot_be_handled_now_is_not_deleted(
    site: Site, own_queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.ecs.refuse(2, "DescribeTasks")  # the client tries twice
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/default/{uuid4().hex}"
    detail = {"taskArn": arn, "clusterArn": "default", "lastStatus": "RUNNING", "startedBy": str(uuid4())}
    body = {"detail-type": "ECS Task State Change", "detail": detail}
    site.sqs.send_message(QueueUrl=own_queue, MessageBody=json.dumps(body))

    def meanwhile() -> None:
        site.until(lambda: "cannot be read now" in caplog.text)
        site.until(lambda: site.counts(own_queue) == (0, 1))

    watch(meanwhile)
    assert site.told(arn) == []


def test_what_comes_for_one_that_has_left_is_given_to_others(site: Site, own_queue: str) -> None:
    name = own_queue.rpartition("/")[2]

    async def both() -> list[SqsMessage]:
        left, other = (SqsSubscriber(site.sqs, name, 600) for _ in range(2))
        with anyio.move_on_after(1):
            await left.receive()
        await anyio.to_thread.run_sync(partial(site.sqs.send_message, QueueUrl=own_queue, MessageBody="hello"))
        with anyio.fail_after(60):
            while not (found := await other.receive()):
                pass
            await other.delete(found[0])
        return found

    assert [each.body for each in anyio.run(both)] == ["hello"]
    assert site.counts(own_queue) == (0, 0)


def test_without_a_queue_workers_say_what_makes_one(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(f"{OBSERVER}_SQS_QUEUE_NAME", "none-of-that-name")
    watch(lambda: site.until(lambda: "there is no queue 'none-of-that-name'" in caplog.text))
    assert "prefect-aws ecs-worker deploy-events" in caplog.text
    assert f"{OBSERVER}_ENABLED=false" in caplog.text


@pytest.mark.slow
def test_the_stack_can_be_deployed_again_and_is_what_is_printed(site: Site, endpoint: str, tmp_path: Path) -> None:
    from cfnlint.api import lint_all

    run = CliRunner()
    printed = run.invoke(app, ["ecs-worker", "print-events", "--queue-name", "q", "--cluster", "prod"])
    assert printed.exit_code == 0
    found = [str(each) for each in lint_all(printed.output)]
    assert [each for each in found if not each.startswith("[I")] == []  # those are advice
    where = ["--region", "us-east-1", "--endpoint-url", endpoint, "--stack-name", "other"]
    options = ["ecs-worker", "deploy-events", "--queue-name", "q", "--cluster", "prod", *where]
    assert "is made" in run.invoke(app, options, env=KEYS).output
    again = run.invoke(app, options, env=KEYS).output
    assert "is unchanged" in again or "is updated" in again

    def change(cluster: str) -> dict[str, str]:
        detail = {"taskArn": "t", "clusterArn": f"arn:aws:ecs:us-east-1:1:cluster/{cluster}", "lastStatus": "RUNNING"}
        return {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": json.dumps(detail)}

    site.credentials.get_client("events").put_events(Entries=[change("prod"), change("test")])
    messages = site.sqs.receive_message(
        QueueUrl=site.sqs.get_queue_url(QueueName="q")["QueueUrl"], MaxNumberOfMessages=10
    )
    [heard] = [change_in(each["Body"]) for each in messages["Messages"]]
    assert heard is not None
    assert heard["clusterArn"].endswith("cluster/prod")


def test_what_aws_refuses_is_said_without_a_traceback() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    refused = CliRunner().invoke(
        app,
        ["ecs-worker", "deploy-events", "--region", "us-east-1", "--endpoint-url", address],
        env=KEYS,
    )
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: AWS does not do it: Could not connect")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("[]", "no 'detail-type'"),
        ('{"detail-type": "ECS Task State Change"}', "no 'taskArn', 'clusterArn', 'lastStatus'"),
        ('{"detail-type": "ECS Task State Change", "detail": {"taskArn": "a", "clusterArn": "c"}}', "no 'lastStatus'"),
    ],
)
def test_what_a_message_must_have(body: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        change_in(body)


def test_what_a_task_says() -> None:
    run = uuid4()
    own = {
        "name": "mine",
        "environment": [{"name": "PREFECT__FLOW_RUN_ID", "value": str(run)}, {"name": "A", "value": "1"}],
    }
    task = {
        "taskArn": "arn:aws:ecs:r:1:task/c/t",
        "clusterArn": "arn:aws:ecs:r:1:cluster/c",
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "startedBy": str(run),
        "startedAt": "2026-01-01T00:00:00Z",
        "containers": [{"name": "beside", "exitCode": 0}, {"name": "mine", "exitCode": 3}],
        "overrides": {"containerOverrides": [{"name": "beside"}, own]},
    }
    assert (run_of(task), container_of(task)) == (run, "mine")
    assert environment_of(task)["A"] == "1"
    event = event_of(task)
    assert (event.event, event.payload["exit_code"]) == ("prefect.ecs.task.stopped", 3)
    assert event.id == event_of({**task, "version": 7}).id
    assert [each.id for each in event.related] == [f"prefect.flow-run.{run}"]
    assert run_of({"startedBy": "ecs-svc/123"}) is None
    assert (container_of({}), environment_of({})) == ("", {})
