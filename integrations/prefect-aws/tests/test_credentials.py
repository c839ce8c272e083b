"""Credentials, and the clients that use them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from prefect_aws import AwsClientParameters, AwsCredentials, MinIOCredentials
from prefect_aws.assume_role_parameters import AssumeRoleParameters
from prefect_aws.credentials import ClientType


def test_the_same_credentials_share_their_clients(credentials):
    client = credentials.get_client("s3")
    assert AwsCredentials(**dict(credentials)).get_client(ClientType.S3) is client
    assert credentials.get_s3_client() is client
    assert credentials.get_secrets_manager_client() is not client
    other = credentials.model_copy(update={"region_name": "eu-west-1"})
    assert other.get_client("s3") is not client


def test_what_the_environment_says_is_seen_when_it_changes(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert AwsCredentials().get_client("sqs").meta.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = AwsCredentials().get_client("sqs")
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-2", endpoint)


def test_clients_of_minio(endpoint):
    parameters = AwsClientParameters(endpoint_url=endpoint)
    minio = MinIOCredentials(minio_root_user="me", minio_root_password="secret", aws_client_parameters=parameters)
    assert minio.get_client().meta.endpoint_url == minio.get_s3_client().meta.endpoint_url == endpoint


def test_a_role_is_assumed_with_what_was_given_for_it(credentials):
    arn = "arn:aws:iam::123456789012:role/reader"
    roles = AssumeRoleParameters(RoleSessionName="nightly", DurationSeconds=900)
    acting = credentials.model_copy(update={"assume_role_arn": arn, "assume_role_kwargs": roles})
    identity = acting.get_client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/reader/nightly"
    assert acting.get_boto3_session().get_credentials().refresh_needed(refresh_in=900)


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ({}, {"use_ssl": True}),
        ({"verify": False, "verify_cert_path": __file__}, {"use_ssl": True, "verify": False}),
        ({"verify": Path(__file__)}, {"use_ssl": True, "verify": __file__}),
        ({"use_ssl": False, "verify_cert_path": __file__}, {"use_ssl": False, "verify": __file__}),
        (
            {"endpoint_url": "http://x", "api_version": "2006-03-01"},
            {"use_ssl": True, "endpoint_url": "http://x", "api_version": "2006-03-01"},
        ),
    ],
)
def test_parameters_of_clients(given, params):
    assert AwsClientParameters(**given).get_params_override() == params


def test_options_of_botocore():
    from botocore import UNSIGNED

    given = AwsClientParameters(config={"connect_timeout": 3, "signature_version": "unsigned"})
    config = given.get_params_override()["config"]
    assert (config.connect_timeout, config.signature_version) == (3, UNSIGNED)


def test_a_file_of_authorities_must_be_there():
    with pytest.raises(ValidationError, match="verify_cert_path"):
        AwsClientParameters(verify_cert_path="/no/such/file")
