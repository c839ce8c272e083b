"""Tasks and steps, in flows."""

import asyncio
import os

import pytest

from prefect import flow
from prefect.deployments.steps.core import run_steps
from prefect.filesystems import PathNotFoundError
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import AwsClientParameters, AwsSecret, s3, secrets_manager as secrets


@pytest.fixture(autouse=True, scope="module")
def orchestrator():
    with prefect_test_harness():
        yield


def test_tasks_on_objects(bucket_name, credentials):
    place = {"bucket": bucket_name, "aws_credentials": credentials}
    within = {"source_bucket_name": bucket_name, "aws_credentials": credentials}

    @flow
    def work():
        fresh = s3.upload_to_bucket(b"12", **place)
        assert s3.upload_to_bucket(b"1", key="k", **place) == "k"
        assert s3.copy_objects("k", "k2", **within) == "k2"
        assert s3.move_objects("k2", "k3", **within) == "k3"
        assert s3.download_from_bucket(key="k3", **place) == b"1"
        assert [found["Key"] for found in s3.list_objects(prefix="k", **place)] == ["k", "k3"]
        assert s3.list_objects(jmespath_query="Contents[?Size > `1`][].Key", **place) == [fresh]
        with pytest.raises(PathNotFoundError):
            s3.download_from_bucket(key="k2", **place)

    work()


def test_tasks_on_objects_in_async_flows(bucket_name, credentials):
    place = {"bucket": bucket_name, "aws_credentials": credentials}
    within = {"source_bucket_name": bucket_name, "aws_credentials": credentials}

    @flow
    async def work():
        await s3.aupload_to_bucket(b"1", key="k", **place)
        await s3.acopy_objects("k", "k2", **within)
        await s3.amove_objects("k2", "k3", **within)
        assert await s3.adownload_from_bucket(key="k3", **place) == b"1"
        assert len(await s3.alist_objects(**place)) == 2

    asyncio.run(work())


def test_other_client_parameters_go_before_those_of_the_credentials(bucket_name, credentials, endpoint):
    nowhere = credentials.model_copy(
        update={"aws_client_parameters": AwsClientParameters(endpoint_url="http://127.0.0.1:1")}
    )

    @flow
    def work():
        given = AwsClientParameters(endpoint_url=endpoint)
        return s3.list_objects(bucket_name, nowhere, aws_client_parameters=given)

    assert work() == []


def test_tasks_on_secrets(credentials, bucket_name):
    about = {"secret_name": bucket_name, "aws_credentials": credentials}

    @flow
    async def work():
        made = await secrets.create_secret(secret_value="one", description="a", **about)
        assert made.keys() == {"ARN", "Name", "VersionId"}
        assert await secrets.read_secret(**about) == "one"
        changed = await secrets.update_secret(secret_value=b"two", **about)
        assert await secrets.read_secret(**about) == b"two"
        assert await secrets.read_secret(version_id=made["VersionId"], **about) == "one"
        assert changed["ARN"] == made["ARN"]
        with pytest.raises(ValueError, match="between 7 and 30 days, got 3"):
            await secrets.delete_secret(recovery_window_in_days=3, **about)
        gone = await secrets.delete_secret(force_delete_without_recovery=True, **about)
        assert gone.keys() == {"ARN", "Name", "DeletionDate"}

    asyncio.run(work())


def test_a_secret_as_a_block(credentials, bucket_name):
    secret = AwsSecret(aws_credentials=credentials, secret_name=bucket_name)
    arn = secret.write_secret(b"one")
    assert secret.write_secret(b"two") == arn
    assert secret.read_secret() == secret.read_secret(VersionStage="AWSCURRENT") == b"two"
    assert secret.read_secret(VersionStage="AWSPREVIOUS") == b"one"
    with pytest.raises(ValueError, match="between 7 and 30 days, got 31"):
        secret.delete_secret(recovery_window_in_days=31)
    with pytest.raises(ValueError, match="Give one of them"):
        secret.delete_secret(recovery_window_in_days=10, force_delete_without_recovery=True)

    async def run():
        value = await secret.aread_secret()
        return value, await secret.adelete_secret(force_delete_without_recovery=True)

    assert asyncio.run(run()) == (b"two", arn)


def test_code_goes_to_a_bucket_and_back(bucket_name, credentials, endpoint, tmp_path, monkeypatch):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for made in (project / "flows", elsewhere):
        made.mkdir(parents=True)
    (project / "flows" / "a.py").write_text("a = 1")
    (project / "secret.txt").write_text("")
    (project / ".prefectignore").write_text("secret.txt\n.prefectignore\n")
    credentials.save("steps", overwrite=True)
    inputs = {"bucket": bucket_name, "folder": "code", "credentials": "{{ prefect.blocks.aws-credentials.steps }}"}
    monkeypatch.chdir(project)
    pushed = asyncio.run(run_steps([{"prefect_aws.deployments.steps.push_to_s3": inputs}]))
    assert pushed == {"bucket": bucket_name, "folder": "code"}
    monkeypatch.chdir(elsewhere)
    fields = {"aws_access_key_id": "an-id", "aws_secret_access_key": "a-secret-key"}
    inputs = {**inputs, "credentials": fields, "client_parameters": {"endpoint_url": endpoint}}
    pulled = asyncio.run(run_steps([{"prefect_aws.deployments.steps.pull_from_s3": inputs}]))
    assert pulled == {"bucket": bucket_name, "folder": "code", "directory": os.getcwd()}
    assert sorted(str(file.relative_to(elsewhere)) for file in elsewhere.rglob("*")) == ["flows", "flows/a.py"]
