"""What these tests share: a server that answers as AWS does, on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from uuid import uuid4

import pytest

from prefect_aws import AwsClientParameters, AwsCredentials, S3Bucket

# Nothing that a developer has configured may change what tests see.
for name in [name for name in os.environ if name.startswith(("AWS_", "PREFECT_"))]:
    del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def isolated_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of a `moto_server` process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(server, f"{url}/moto-api/data.json")
        _configure(url)
        yield url
    finally:
        server.kill()  # it has nothing to lose, and waits for its connections if it is asked to end
        server.wait(10)


def _configure(url: str) -> None:
    """Functions and jobs need no containers: their outcome is made up."""
    made_up = {"lambda": {"use_docker": False}, "batch": {"use_docker": False}}
    urllib.request.urlopen(f"{url}/moto-api/config", json.dumps(made_up).encode()).close()


def _wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, "moto_server has ended"
            assert time.monotonic() < until, "moto_server did not answer"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def credentials(endpoint: str) -> AwsCredentials:
    return AwsCredentials(
        aws_access_key_id="an-id",
        aws_secret_access_key="a-secret-key",
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=endpoint),
    )


@pytest.fixture
def bucket_name(credentials: AwsCredentials) -> str:
    name = f"bucket-{uuid4().hex}"
    credentials.get_s3_client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def bucket(bucket_name: str, credentials: AwsCredentials) -> S3Bucket:
    return S3Bucket(bucket_name=bucket_name, credentials=credentials, bucket_folder="base")
