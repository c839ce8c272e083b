"""Bundles in S3, and flows that run as tasks of ECS wherever they are called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prefect import flow, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import WorkPoolStorageConfiguration
from prefect.testing.utilities import prefect_test_harness
from prefect_aws.bundles.execute import download_bundle_from_s3
from prefect_aws.bundles.upload import upload_bundle_to_s3
from prefect_aws.decorators import ecs
from prefect_aws.testing import FakeEcs
from prefect_aws.workers import ECSWorker


@flow
def read(name: str) -> str:
    return f"{name}: {Path('data/greeting.txt').read_text()}"


def test_a_flow_runs_as_a_task_with_its_code_and_files_from_s3(endpoint, credentials, bucket_name, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "greeting.txt").write_text("hello")
    options = {"bucket": bucket_name, "aws_credentials_block_name": "moto", "launcher": [sys.executable]}
    storage = WorkPoolStorageConfiguration(
        bundle_upload_step={"prefect_aws.bundles.upload": options},
        bundle_execution_step={"prefect_aws.bundles.execute": options},
    )
    with prefect_test_harness(), FakeEcs(endpoint) as fake:
        credentials.model_copy(deep=True).save("moto")
        parameters = credentials.aws_client_parameters.model_copy(update={"endpoint_url": fake.address})
        at_ecs = credentials.model_copy(update={"aws_client_parameters": parameters})
        template = ECSWorker.get_default_base_job_template()
        with get_client(sync_client=True) as client:
            client.create_work_pool(
                WorkPoolCreate(name="pool", type="ecs", base_job_template=template, storage_configuration=storage)
            )
        bind = ecs(
            "pool",
            include_files=["data/"],
            aws_credentials=at_ecs.model_dump(mode="json", context={"include_secrets": True}),
            execution_role_arn="arn:aws:iam::123456789012:role/execution",
            task_watch_poll_interval=0.1,
            image="any",
        )
        bound = bind(read).with_options(include_files_base_dir=str(tmp_path), persist_result=True)
        assert bound.submit("Ada").result() == "Ada: hello"
        keys = [each["Key"] for each in credentials.get_s3_client().list_objects_v2(Bucket=bucket_name)["Contents"]]
        assert len(keys) == 2
        assert upload_bundle_to_s3(__file__, bucket_name, "", "moto") == {
            "bucket": bucket_name,
            "key": Path(__file__).name,
        }
        found = download_bundle_from_s3(bucket_name, Path(__file__).name, str(tmp_path / "got"), "moto")
        assert Path(found["local_path"]).read_text() == Path(__file__).read_text()
        with pytest.raises(ValueError, match="There is no file 'nothing'"):
            upload_bundle_to_s3("nothing", bucket_name, "")
