"""Public names say where users import them from, and mask what nobody shall see."""

import pickle
from importlib import import_module

import cloudpickle
import pytest

from prefect_aws import AwsCredentials, S3Bucket
from prefect_aws.s3 import get_s3_client, upload_to_bucket
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, mask_api_key, mask_sensitive_env_values

PUBLIC = [
    "prefect_aws.batch",
    "prefect_aws.client_waiter",
    "prefect_aws.credentials",
    "prefect_aws.glue_job",
    "prefect_aws.lambda_function",
    "prefect_aws.s3",
    "prefect_aws.secrets_manager",
    "prefect_aws.settings",
    "prefect_aws.workers.ecs_worker",
]


@pytest.mark.parametrize("home", PUBLIC)
def test_public_names_carry_their_public_module(home):
    module = import_module(home)
    elsewhere = {}
    for name in module.__all__:
        found = getattr(module, name)
        told = getattr(getattr(found, "fn", found), "__module__", None)  # of a task, its function
        if told != home:
            elsewhere[name] = told
    of_ours = {
        "prefect_aws.s3": {"s3_storage"},
        "prefect_aws.workers.ecs_worker": {"mask_api_key", "mask_sensitive_env_values"},
    }
    assert module.__all__
    assert {*elsewhere} == of_ours.get(home, set())  # functions that nobody pickles or looks up


def test_what_carries_its_public_module_can_be_pickled():
    bucket = S3Bucket(bucket_name="b")
    assert pickle.loads(pickle.dumps(bucket)) == bucket
    assert pickle.loads(pickle.dumps(ECSJobConfiguration)) is ECSJobConfiguration
    again = pickle.loads(cloudpickle.dumps(upload_to_bucket))
    assert (again.name, again.fn.__module__) == ("upload_to_bucket", "prefect_aws.s3")


def test_a_client_is_made_as_steps_make_it(bucket_name, credentials):
    given = credentials.model_dump(context={"include_secrets": True}, mode="json")
    endpoint = given.pop("aws_client_parameters")
    client = get_s3_client(given, {"endpoint_url": endpoint["endpoint_url"]})
    client.put_object(Bucket=bucket_name, Key="k", Body=b"1")
    assert get_s3_client(credentials).get_object(Bucket=bucket_name, Key="k")["Body"].read() == b"1"
    minio = get_s3_client({"minio_root_user": "u", "minio_root_password": "p"}, {"endpoint_url": "http://localhost:9"})
    assert minio.meta.endpoint_url == "http://localhost:9"
    assert AwsCredentials(**given).get_s3_client().meta.endpoint_url != endpoint["endpoint_url"]


def test_requests_are_shown_without_secrets():
    variables = [
        {"name": "PREFECT_API_KEY", "value": "a-key"},
        {"name": "PREFECT_API_AUTH_STRING", "value": "user:word"},
        {"name": "TOKEN", "value": "a-token"},
        {"name": "GREETING", "value": "hello"},
    ]
    request = {"cluster": "c", "overrides": {"containerOverrides": [{"name": "prefect", "environment": variables}]}}

    def values(shown):
        return [each["value"] for each in shown["overrides"]["containerOverrides"][0]["environment"]]

    assert values(mask_api_key(request)) == ["***", "user:word", "a-token", "hello"]
    assert values(mask_sensitive_env_values(request)) == ["***", "***", "a-token", "hello"]
    assert values(mask_sensitive_env_values(request, {"TOKEN"}, replace_with="?"))[2] == "?"
    assert values(request)[0] == "a-key"
    assert mask_api_key({"cluster": "c"}) == {"cluster": "c"}
    bare = {"overrides": {"containerOverrides": [{"name": "prefect"}]}}
    assert mask_api_key(bare) == bare
