"""Flow runs as tasks of ECS: a real worker, boto3's HTTP, tasks that are processes."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from prefect.exceptions import InfrastructureError, InfrastructureNotAvailable, InfrastructureNotFound
from prefect.settings.context import temporary_settings
from prefect.testing.conformance import WorkerContract, WorkerFailuresContract
from prefect_aws import AwsClientParameters, AwsCredentials
from prefect_aws.ecs.calls import ask_again, client_of, waits_to_register, waits_to_run
from prefect_aws.ecs.definitions import Definitions, covers
from prefect_aws.ecs.errors import ExhaustedError
from prefect_aws.ecs.logs import LogStream
from prefect_aws.ecs.network import network_of
from prefect_aws.ecs.tasks import ending_of
from prefect_aws.settings import AwsSettings
from prefect_aws.testing import FakeEcs
from prefect_aws.workers import ECSWorker
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, parse_identifier

IMPATIENT = {"retries": {"mode": "standard", "max_attempts": 1}}
BRIEF = {"command": "true"}
"""Job variables of runs of which only the task matters: it ends at once, and the run crashes, as it has said nothing."""

FAST = {
    "PREFECT_INTEGRATIONS_AWS_ECS_WORKER_CREATE_TASK_RUN_MIN_DELAY_SECONDS": "0",
    "PREFECT_INTEGRATIONS_AWS_ECS_WORKER_CREATE_TASK_RUN_MAX_DELAY_JITTER_SECONDS": "0",
    "PREFECT_INTEGRATIONS_AWS_ECS_WORKER_REGISTER_TASK_DEFINITION_INITIAL_DELAY_SECONDS": "0",
}


@pytest.fixture(scope="module")
def running_ecs(endpoint):
    with FakeEcs(endpoint) as ecs:
        yield ecs


@pytest.fixture
def ecs(running_ecs):
    running_ecs.requests.clear()
    running_ecs.forgive()
    yield running_ecs
    running_ecs.forgive()
    running_ecs.placement_failures.clear()


@pytest.fixture
def let_in(ecs):
    return AwsCredentials(
        aws_access_key_id="an-id",
        aws_secret_access_key="a-secret-key",
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=ecs.address, config=IMPATIENT),
    )


class _Suite:
    @pytest.fixture(autouse=True)
    def fast(self, monkeypatch):
        for name, value in FAST.items():
            monkeypatch.setenv(name, value)

    @pytest.fixture
    def worker_class(self):
        return ECSWorker

    @pytest.fixture
    def job_variables(self, ecs, let_in):
        shown = let_in.model_dump(mode="json", context={"include_secrets": True})
        return {
            "aws_credentials": shown,
            "task_watch_poll_interval": 0.1,
            "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
            "image": "any",
        }


class TestWorker(_Suite, WorkerContract):
    def test_task_definitions_are_reused_and_hold_no_secret_in_clear(self, order, ecs, let_in) -> None:
        with temporary_settings({"PREFECT_API_KEY": "key-that-nobody-sees"}):
            runs = [order(BRIEF), order(BRIEF)]
            assert "exit code 0" in self.look(ECSWorker, runs[0]).state.message
            state = self.look(ECSWorker, order()).state  # another worker: it remembers nothing
            assert state.is_completed(), state.message
        assert len(ecs.calls("RegisterTaskDefinition")) <= 1  # none if another test has registered an equal one
        assert "key-that-nobody-sees" not in json.dumps(ecs.requests)
        started = ecs.calls("RunTask")
        assert len(started) == 3
        [definition] = {request["taskDefinition"] for request in started}
        found = let_in.get_client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
        assert "key-that-nobody-sees" not in json.dumps(found, default=str)
        secrets = {each["name"]: each["valueFrom"] for each in found["containerDefinitions"][0]["secrets"]}
        arn, _, version = secrets["PREFECT_API_KEY"].partition(":::")
        kept = let_in.get_client("secretsmanager").get_secret_value(SecretId=arn, VersionId=version)
        assert kept["SecretString"] == "key-that-nobody-sees"

    def test_what_the_request_says(self, order, ecs, let_in) -> None:
        variables = {"labels": {"team": "a b!"}, "cpu": 512, "memory": 1024, "env": {"GREETING": "hello"}}
        run = order({**BRIEF, **variables})
        assert "exit code 0 without a last word" in self.look(ECSWorker, run).state.message
        [request] = ecs.calls("RunTask")
        assert request["launchType"] == "FARGATE"
        assert request["startedBy"] == str(run)
        assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
        assert {"key": "team", "value": "a b-"} in request["tags"]
        [container] = request["overrides"]["containerOverrides"]
        assert {"name": "GREETING", "value": "hello"} in container["environment"]
        definition = let_in.get_client("ecs").describe_task_definition(taskDefinition=request["taskDefinition"])
        found = definition["taskDefinition"]
        assert (found["cpu"], found["memory"], found["networkMode"]) == ("512", "1024", "awsvpc")

    def test_an_answer_that_is_lost_starts_no_second_task(self, order, ecs) -> None:
        run = order(BRIEF)
        ecs.refuse(2, "DescribeTasks")  # a task that cannot be looked at is as it was
        ecs.refuse(1, "RunTask", "ServerException")
        assert "exit code 0" in self.look(ECSWorker, run).state.message
        tokens = [request["clientToken"] for request in ecs.calls("RunTask")]
        assert len(tokens) == 2
        assert len({*tokens}) == 1

    def test_a_full_cluster_is_asked_again(self, order, ecs) -> None:
        run = order(BRIEF)
        ecs.placement_failures.append("RESOURCE:MEMORY")
        assert "exit code 0" in self.look(ECSWorker, run).state.message
        ecs.placement_failures.extend(["RESOURCE:CPU"] * 20)
        state = self.look(ECSWorker, order()).state
        assert state.is_crashed()
        assert "RESOURCE:CPU" in state.message

    def test_a_run_whose_machine_is_taken_away_is_offered_again(self, order, ecs) -> None:
        run = order(seconds=600)

        async def both() -> None:
            with anyio.fail_after(60):
                async with anyio.create_task_group() as group:
                    group.start_soon(partial(ECSWorker("pool").start, run_once=True, printer=lambda text: None))
                    while not (await self._state(run)).is_running():  # noqa: ASYNC110
                        await anyio.sleep(0.1)
                    [arn] = [arn for arn, task in ecs._tasks.items() if task["startedBy"] == str(run)]
                    ecs.take_away(arn)

        anyio.run(both)
        state = anyio.run(self._state, run)
        assert state.name == "AwaitingRetry"
        assert "Spot" in state.message

    def test_a_definition_that_is_given_is_used_as_it_is(self, order, ecs, let_in, orchestrator) -> None:
        client = let_in.get_client("ecs")
        made = client.register_task_definition(
            family="own", containerDefinitions=[{"name": "mine", "image": "any", "memory": 128}]
        )
        arn = made["taskDefinition"]["taskDefinitionArn"]
        state = self.look(ECSWorker, order({"task_definition_arn": arn})).state
        # The harness has the address of its database in a setting that counts as a secret.
        assert state.is_crashed()
        assert "has no secret PREFECT" in state.message
        assert ecs.calls("RunTask") == []

    def test_definitions_are_deregistered_when_that_is_wanted(self, order, ecs, let_in) -> None:
        wanted = {**BRIEF, "auto_deregister_task_definition": True, "family": "short-lived"}
        for _ in range(2):
            assert "exit code 0" in self.look(ECSWorker, order(wanted)).state.message
        arns = [request["taskDefinition"] for request in ecs.calls("RunTask")]
        assert len({*arns}) == 2
        assert [request["taskDefinition"] for request in ecs.calls("DeregisterTaskDefinition")] == arns

    def test_a_task_that_does_not_start_in_time_is_stopped(self, order, ecs) -> None:
        ecs.starts_nothing = True
        state = self.look(ECSWorker, order({"task_start_timeout_seconds": 1})).state
        ecs.starts_nothing = False
        assert state.is_crashed()
        assert "task_start_timeout_seconds" in state.message
        assert len(ecs.calls("StopTask")) == 1

    def test_what_a_container_printed_last_is_in_the_logs_of_its_run(self, order, ecs, caplog) -> None:
        place = {"awslogs-group": "none-of-that-name"}
        variables = {"configure_cloudwatch_logs": True, "cloudwatch_logs_options": place, "command": "sh -c 'exit 3'"}
        run = order(variables)
        assert self.look(ECSWorker, run).state.is_crashed()
        [told] = [record for record in caplog.records if "exit code 3" in record.getMessage()]
        assert told.name == "prefect.flow_runs.worker"
        assert "It printed last:\n(It cannot be read: " in told.getMessage()

    def test_secrets_need_a_role_that_may_read_them(self, order, job_variables) -> None:
        state = self.look(ECSWorker, order({"execution_role_arn": None})).state
        assert state.is_crashed()
        assert "execution_role_arn" in state.message

    def test_many_runs_are_looked_at_together(self, order, ecs) -> None:
        runs = [order({"task_watch_poll_interval": 0.5, "command": "sleep 2"}) for _ in range(3)]
        assert "exit code 0" in self.look(ECSWorker, runs[0]).state.message
        looks = ecs.calls("DescribeTasks")
        assert any(len(request["tasks"]) == 3 for request in looks)


class TestWorkerFailures(_Suite, WorkerFailuresContract):
    @pytest.fixture
    def broken_variables(self, ecs):
        ecs.images_that_fail.add("missing:1")
        return {"image": "missing:1"}

    @pytest.fixture
    def transient_failures(self, ecs):
        return ecs.refuse


def test_what_ends_mean():
    stopped = {"lastStatus": "STOPPED", "startedAt": 1, "containers": [{"name": "a", "exitCode": 0}]}
    assert ending_of(stopped, "a").kind == "succeeded"
    killed = {**stopped, "containers": [{"name": "x", "exitCode": 0}, {"name": "a", "exitCode": 137, "reason": "OOM"}]}
    assert (ending_of(killed, "a").exit_code, "OOM" in ending_of(killed, "a").reason) == (137, True)
    assert ending_of({**killed, "stopCode": "SpotInterruption"}, "a").kind == "disrupted"
    unstarted = {"stopCode": "TaskFailedToStart", "stoppedReason": "no image", "containers": []}
    assert ending_of(unstarted, "a").kind == "unstarted"


def test_equal_definitions():
    wanted = {"family": "f", "cpu": "256", "containerDefinitions": [{"name": "a", "image": "i"}]}
    filled = {"name": "a", "image": "i", "cpu": 0, "essential": True, "mountPoints": [], "environment": []}
    assert covers(wanted, {"family": "f", "cpu": 256, "revision": 3, "containerDefinitions": [filled]})
    secret = {**filled, "secrets": [{"name": "A", "valueFrom": "arn"}]}
    assert not covers(wanted, {"family": "f", "cpu": 256, "containerDefinitions": [secret]})
    assert not covers(wanted, {"family": "f", "cpu": 512, "containerDefinitions": [filled]})


def test_old_definitions_that_workers_made_and_nothing_uses_are_deregistered(ecs, let_in):
    client, family, said = let_in.get_client("ecs"), f"family-{uuid4().hex}", []
    settings = AwsSettings().ecs.worker

    def wanted(number):
        container = {"name": "c", "image": f"i:{number}", "memory": 128, "command": ["true"]}
        return {"family": family, "containerDefinitions": [container]}

    def register(number):
        return anyio.run(
            partial(Definitions().find_or_register, client, wanted(number), settings, said.append, cluster="default")
        )

    client.register_task_definition(**wanted(1))  # somebody else's
    used = register(2)
    ecs.starts_nothing = True
    client.run_task(taskDefinition=used, cluster="default")
    ecs.starts_nothing = False
    for number in range(3, 15):
        register(number)
    ecs.refuse(1, "ListTaskDefinitions", "AccessDeniedException")
    assert register(15).endswith(":15")
    assert "are not deregistered" in said[-1]
    assert register(16).endswith(":16")
    active = client.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    revisions = sorted(int(arn.rpartition(":")[2]) for arn in active)
    assert revisions == [1, 2, *range(7, 17)]  # ten, somebody else's, and the one in use


def test_clients_are_patient_unless_the_credentials_say_otherwise(ecs, let_in):
    ecs.refuse(2, "ListTasks")
    with pytest.raises(Exception, match="Rate exceeded"):
        client_of(let_in, "ecs").list_tasks()  # with one retry
    usual = let_in.model_copy(update={"aws_client_parameters": AwsClientParameters(endpoint_url=ecs.address)})
    ecs.refuse(2, "ListTasks")
    client_of(usual, "ecs").list_tasks(cluster="default")
    assert len(ecs.calls("ListTasks")) == 5
    assert client_of(usual, "ecs").meta.config.retries["mode"] == "adaptive"


def test_registering_backs_off_twice_as_long_each_time_and_gives_up(ecs, let_in, monkeypatch):
    prefix = "PREFECT_INTEGRATIONS_AWS_ECS_WORKER_REGISTER_TASK_DEFINITION_"
    for name, value in {"MAX_ATTEMPTS": 4, "INITIAL_DELAY_SECONDS": 0.01, "MAX_DELAY_SECONDS": 0.03}.items():
        monkeypatch.setenv(prefix + name, str(value))
    settings, said = AwsSettings().ecs.worker, []
    assert list(waits_to_register(settings)) == [0.01, 0.02, 0.03]
    container = {"name": "c", "image": "i", "memory": 128}
    definition = {"family": f"family-{uuid4().hex}", "containerDefinitions": [container]}
    once = AwsClientParameters(endpoint_url=ecs.address, config={"retries": {"total_max_attempts": 1}})
    client = let_in.model_copy(update={"aws_client_parameters": once}).get_client("ecs")
    register = partial(ask_again, client.register_task_definition, say=said.append, **definition)

    ecs.refuse(3, "RegisterTaskDefinition")
    answer = anyio.run(partial(register, waits=waits_to_register(settings)))
    assert answer["taskDefinition"]["family"] == definition["family"]
    assert len(ecs.calls("RegisterTaskDefinition")) == 4
    assert len([line for line in said if "Trying again" in line and "Rate exceeded" in line]) == 3

    ecs.refuse(9, "RegisterTaskDefinition")
    with pytest.raises(ExhaustedError, match="Rate exceeded"):
        anyio.run(partial(register, waits=waits_to_register(settings)))
    assert len(ecs.calls("RegisterTaskDefinition")) == 8
    ecs.forgive()
    ecs.refuse(1, "RegisterTaskDefinition", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        anyio.run(partial(register, waits=waits_to_register(settings)))
    assert len(ecs.calls("RegisterTaskDefinition")) == 9  # what will not pass is not tried again


def test_those_who_wait_to_start_a_task_do_not_all_come_at_once():
    settings = AwsSettings().ecs.worker
    waits = [wait for _ in range(20) for wait in waits_to_run(settings)]
    least = settings.create_task_run_min_delay_seconds
    assert len({*waits}) > 1
    assert least + settings.create_task_run_min_delay_jitter_seconds <= min(waits)
    assert max(waits) <= least + settings.create_task_run_max_delay_jitter_seconds


def test_a_container_has_its_stop_timeout_to_end(ecs, let_in):
    client = let_in.get_client("ecs")
    stubborn = {
        "name": "c",
        "image": "any",
        "memory": 128,
        "stopTimeout": 1,
        "command": ["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"],
    }
    made = client.register_task_definition(family="stubborn", containerDefinitions=[stubborn])
    arn = made["taskDefinition"]["taskDefinitionArn"]
    task = client.run_task(taskDefinition=arn, cluster="default")["tasks"][0]
    configuration = ECSJobConfiguration(aws_credentials=let_in)
    place = f"{task['clusterArn']}::{task['taskArn']}"
    anyio.run(ECSWorker("pool").kill_infrastructure, place, configuration)
    until = time.monotonic() + 30
    while client.describe_tasks(cluster="default", tasks=[task["taskArn"]])["tasks"][0]["lastStatus"] != "STOPPED":
        assert time.monotonic() < until
        time.sleep(0.1)
    with pytest.raises(InfrastructureNotFound, match="has not ended"):
        anyio.run(ECSWorker("pool").kill_infrastructure, place, configuration)


def test_tasks_of_other_clusters_and_ended_ones_are_not_killed(ecs, let_in):
    configuration = ECSJobConfiguration(aws_credentials=let_in, cluster="here")
    worker = ECSWorker("pool")
    with pytest.raises(InfrastructureNotAvailable, match="in cluster 'there'"):
        anyio.run(worker.kill_infrastructure, "there::arn", configuration)
    with pytest.raises(InfrastructureNotFound):
        anyio.run(worker.kill_infrastructure, "here::arn", configuration)
    with pytest.raises(ValueError, match="CLUSTER::TASK_ARN"):
        parse_identifier("nothing")


def test_what_was_printed_is_shown(let_in):
    client, shown, said = let_in.get_client("logs"), [], []
    client.create_log_group(logGroupName="prefect")
    options = {"awslogs-group": "prefect", "awslogs-stream-prefix": "f"}
    stream = LogStream(client, options, "c", "arn/of/1", show=shown.append, say=said.append)
    anyio.run(stream.read)  # it is not there yet
    client.create_log_stream(logGroupName="prefect", logStreamName="f/c/1")
    for text in ("one", "two"):
        now = int(time.time() * 1000)
        event = {"timestamp": now, "message": text}
        client.put_log_events(logGroupName="prefect", logStreamName="f/c/1", logEvents=[event])
        anyio.run(stream.read)
    assert (shown, said) == (["one", "two"], [])
    assert anyio.run(stream.tail, 1) == ["two"]
    missing = LogStream(client, options, "c", "arn/of/2", show=shown.append, say=said.append)
    assert "It cannot be read" in anyio.run(missing.tail, 1)[0]


def test_networks(let_in):
    client = let_in.get_client("ec2")
    own = {"subnets": ["s"]}
    assert anyio.run(network_of, None, own, None) == {"awsvpcConfiguration": own}
    assert anyio.run(network_of, None, {"awsvpcConfiguration": own}, None) == {"awsvpcConfiguration": own}
    empty = client.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(InfrastructureError, match="has no subnets. Set the job variable"):
        anyio.run(network_of, lambda: client, {}, empty)


def test_all_job_variables_are_described():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Flow runs as tasks of ECS")[2].partition("##")[0]
    variables = ECSWorker.get_default_base_job_template()["variables"]["properties"]
    assert not [name for name in variables if f"`{name}`" not in table]
