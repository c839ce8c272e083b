"""Jobs of an API are listed and started, over HTTPS as the package insists."""

from __future__ import annotations

import datetime as dt
import json
import ssl

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prefect_databricks import DatabricksCredentials
from prefect_databricks.jobs import jobs_run_now

from prefect import flow


@pytest.fixture
def over_https(http_service, tmp_path):
    """The service with a certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    http_service.server.socket = context.wrap_socket(http_service.server.socket, server_side=True)
    return http_service


def test_an_async_flow_starts_a_job(over_https):
    over_https.answer = b'{"run_id": 11, "number_in_job": 1}'
    DatabricksCredentials(
        databricks_instance=f"127.0.0.1:{over_https.port}", token="sesame", client_kwargs={"verify": False}
    ).save("cluster")

    @flow
    async def start():
        credentials = await DatabricksCredentials.load("cluster")
        return await jobs_run_now(databricks_credentials=credentials, job_id=5)

    assert anyio.run(start)["run_id"] == 11
    method, path, body = over_https.requests[-1]
    assert (method, path) == ("POST", "/api/2.1/jobs/run-now")
    assert json.loads(body)["job_id"] == 5
