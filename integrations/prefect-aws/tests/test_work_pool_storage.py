"""`prefect work-pool storage configure s3`: work pools whose flows go to their infrastructure by way of S3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.testing.cli import invoke_and_assert
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import AwsCredentials

CONFIGURE = ["work-pool", "storage", "configure", "s3", "far", "--bucket", "code"]


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    with prefect_test_harness(), get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="far", type="ecs"))
        yield


def configured() -> dict[str, object]:
    with get_client(sync_client=True) as client:
        return client.read_work_pool("far").storage_configuration.model_dump()


def test_code_and_results_go_to_a_bucket() -> None:
    AwsCredentials(region_name="eu-central-1").save("mine")
    invoke_and_assert([*CONFIGURE, "--aws-credentials-block-name", "mine"], expected_output_contains="'code'")
    options = {"requires": "prefect-aws", "bucket": "code", "aws_credentials_block_name": "mine"}
    found = configured()
    assert found["bundle_upload_step"] == {"prefect_aws.bundles.upload": options}
    assert found["bundle_execution_step"] == {"prefect_aws.bundles.execute": options}
    results = Block.load("s3-bucket/default-far-result-storage")
    assert (results._block_document_id, results.bucket_name) == (found["default_result_storage_block_id"], "code")
    assert results.credentials.region_name == "eu-central-1"
    shown = invoke_and_assert(["work-pool", "storage", "inspect", "far", "-o", "json"]).stdout
    assert "prefect_aws.bundles.execute" in shown


def test_launchers_take_the_place_of_uv() -> None:
    invoke_and_assert([*CONFIGURE, "--launcher", "python3", "--launcher-arg=-I", "--upload-launcher", "py"])
    found = configured()
    assert found["bundle_upload_step"] == {"prefect_aws.bundles.upload": {"bucket": "code", "launcher": ["py"]}}
    assert found["bundle_execution_step"] == {
        "prefect_aws.bundles.execute": {"bucket": "code", "launcher": ["python3", "-I"]}
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--aws-credentials-block-name", "nobody"], "nobody"),
        (["--launcher-arg", "x"], "--launcher-arg needs --launcher"),
    ],
)
def test_what_is_wrong_changes_nothing(options: list[str], said: str) -> None:
    invoke_and_assert([*CONFIGURE, *options], expected_code=1, expected_output_contains=said)
    assert not any(configured().values())
