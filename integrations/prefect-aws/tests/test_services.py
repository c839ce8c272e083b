"""Lambda, Batch, Glue, and waiting for anything."""

import asyncio
import io
import json
import zipfile

import pytest
from botocore.exceptions import WaiterError

from prefect import flow
from prefect.testing.conformance import BlockContract
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import AwsCredentials, LambdaFunction
from prefect_aws.batch import abatch_submit, batch_submit
from prefect_aws.client_waiter import aclient_waiter, client_waiter
from prefect_aws.glue_job import GlueJobBlock


class TestLambdaFunction(BlockContract):
    slug = "lambda-function"

    @pytest.fixture
    def block(self):
        return LambdaFunction(function_name="f", qualifier="1", aws_credentials=AwsCredentials(region_name="here"))


class TestGlueJobBlock(BlockContract):
    slug = "gluejobblock"

    @pytest.fixture
    def block(self):
        given = AwsCredentials(region_name="here")
        return GlueJobBlock(job_name="j", arguments={"--a": "1"}, job_watch_poll_interval=1, aws_credentials=given)


@pytest.fixture(scope="module")
def role(credentials):
    policy = {"Version": "2012-10-17", "Statement": []}
    made = credentials.get_client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(policy))
    return made["Role"]["Arn"]


def test_glue_jobs_are_run(credentials, role):
    client = credentials.get_client("glue")
    client.create_job(Name="clean", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://bucket/script"})
    job = GlueJobBlock(
        job_name="clean", arguments={"--a": "1"}, job_watch_poll_interval=0.01, aws_credentials=credentials
    )
    run = job.trigger()
    run.wait_for_completion()
    assert run.fetch_result() == "SUCCEEDED"
    assert client.get_job_run(JobName="clean", RunId=run.job_id)["JobRun"]["Arguments"] == {"--a": "1"}

    async def again():
        run = await job.trigger()
        await run.wait_for_completion()
        return await run.fetch_result()

    assert asyncio.run(again()) == "SUCCEEDED"


def test_waiters(credentials, bucket_name):
    place = {"Bucket": bucket_name, "WaiterConfig": {"Delay": 0, "MaxAttempts": 1}}
    own = {
        "version": 2,
        "waiters": {
            "Empty": {
                "operation": "ListObjectsV2",
                "delay": 0,
                "maxAttempts": 1,
                "acceptors": [{"matcher": "path", "argument": "KeyCount", "expected": 0, "state": "success"}],
            }
        },
    }

    @flow
    def work():
        client_waiter("s3", "bucket_exists", credentials, **place)
        client_waiter("s3", "Empty", credentials, waiter_definition=own, Bucket=bucket_name)
        with pytest.raises(WaiterError):
            client_waiter("s3", "bucket_not_exists", credentials, **place)
        with pytest.raises(ValueError, match="Waiter does not exist"):
            client_waiter("s3", "nonsense", credentials)

    @flow
    async def awaited():
        await aclient_waiter("s3", "bucket_exists", credentials, **place)

    with prefect_test_harness():
        work()
        asyncio.run(awaited())


@pytest.fixture(scope="module")
def function(credentials, role):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): return event")
    about = {"FunctionName": "f", "Runtime": "python3.11", "Role": role, "Handler": "f.handler", "Publish": True}
    credentials.get_client("lambda").create_function(**about, Code={"ZipFile": packed.getvalue()})
    return LambdaFunction(function_name="f", aws_credentials=credentials)


def test_functions_are_called(function):
    answer = function.invoke({"a": 1}, tail=True, client_context={"custom": {}})
    assert answer["StatusCode"] == 200
    assert answer["Payload"].read()
    assert asyncio.run(function.ainvoke(invocation_type="Event"))["Payload"]


@pytest.fixture(scope="module")
def queue(credentials, role):
    client = credentials.get_client("batch")
    made = client.create_compute_environment(
        computeEnvironmentName="environment", type="UNMANAGED", state="ENABLED", serviceRole=role
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    client.create_job_queue(jobQueueName="queue", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    container = {"image": "busybox", "vcpus": 1, "memory": 128}
    client.register_job_definition(jobDefinitionName="definition", type="container", containerProperties=container)
    return "queue"


def test_batch_jobs_are_submitted(credentials, queue):
    @flow
    def work():
        return batch_submit("one", queue, "definition", credentials, parameters={"a": "1"})

    @flow
    async def awaited():
        return await abatch_submit("two", queue, "definition", credentials)

    with prefect_test_harness():
        ids = [work(), asyncio.run(awaited())]
    jobs = credentials.get_client("batch").describe_jobs(jobs=ids)["jobs"]
    assert sorted(job["jobName"] for job in jobs) == ["one", "two"]
