"""The suites that every plugin, block type and result storage must pass."""

import pytest

import prefect_aws
from prefect.cli.block import blocks_in
from prefect.testing.conformance import BlockContract, PluginContract, ResultStorageContract
from prefect_aws import AwsClientParameters, AwsCredentials, AwsSecret, MinIOCredentials, S3Bucket


class TestPlugin(PluginContract):
    @pytest.fixture
    def module(self):
        return "prefect_aws.plugins"


PARAMETERS = AwsClientParameters(endpoint_url="http://localhost:9000", config={"connect_timeout": 3})


def credentials_with_all():
    """Made anew: a saved block knows where it was saved."""
    return AwsCredentials(
        aws_access_key_id="an-id",
        aws_secret_access_key="a-secret-key",
        aws_session_token="a-token",
        profile_name="work",
        region_name="eu-west-1",
        aws_client_parameters=PARAMETERS,
        assume_role_arn="arn:aws:iam::123456789012:role/reader",
        assume_role_kwargs={"ExternalId": "x"},
    )


class TestAwsCredentials(BlockContract):
    slug = "aws-credentials"

    @pytest.fixture
    def block(self):
        return credentials_with_all()


class TestMinIOCredentials(BlockContract):
    slug = "minio-credentials"

    @pytest.fixture
    def block(self):
        return MinIOCredentials(
            minio_root_user="user",
            minio_root_password="a-password",
            region_name="here",
            aws_client_parameters=PARAMETERS,
        )


class TestS3Bucket(BlockContract):
    slug = "s3-bucket"

    @pytest.fixture(params=["aws", "minio"])
    def block(self, request):
        minio = MinIOCredentials(minio_root_user="user", minio_root_password="a-password")
        given = minio if request.param == "minio" else credentials_with_all()
        return S3Bucket(bucket_name="bucket", bucket_folder="base/sub", credentials=given)


class TestAwsSecret(BlockContract):
    slug = "aws-secret"

    @pytest.fixture
    def block(self):
        return AwsSecret(aws_credentials=credentials_with_all(), secret_name="password")


class TestS3BucketAsResultStorage(ResultStorageContract):
    large = 9 * 1024 * 1024  # more than one part of an upload

    @pytest.fixture
    def storage(self, bucket):
        return bucket


class TestWholeBucketAsResultStorage(ResultStorageContract):
    large = 1024

    @pytest.fixture
    def storage(self, bucket):
        return bucket.model_copy(update={"bucket_folder": ""})


def test_the_block_types_are_found_in_the_package():
    found = {block.get_block_type_slug() for block in blocks_in(prefect_aws)}
    assert found == {"aws-credentials", "aws-secret", "lambda-function", "minio-credentials", "s3-bucket"}
