"""The fake cluster is honest enough for `kubectl`, which knows nothing of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from prefect_kubernetes.testing import FakeCluster

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")

CONTAINER = {"name": "main", "image": "any", "command": ["sh", "-c", "echo hello; exit $CODE"]}


def job(name: str, code: int) -> str:
    container = {**CONTAINER, "env": [{"name": "CODE", "value": str(code)}]}
    spec = {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    return json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec})


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[..., str]:
    with FakeCluster() as cluster:
        cluster.server.needs_token = False
        (tmp_path / "config").write_text(yaml.safe_dump(cluster.kubeconfig["config"]))

        def kubectl(*arguments: str, given: str = "", code: int = 0) -> str:
            command = ["kubectl", "--kubeconfig", str(tmp_path / "config"), "--cache-dir", str(tmp_path), *arguments]
            done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
            assert done.returncode == code, done.stderr
            return done.stdout + done.stderr

        yield kubectl


def test_a_job_is_made_watched_read_and_deleted(kubectl: Callable[..., str]) -> None:
    kubectl("create", "--validate=false", "-f", "-", given=job("hello", 0))
    kubectl("wait", "--for=condition=complete", "job/hello", "--timeout=30s")
    assert kubectl("get", "jobs", "-o", "name") == "job.batch/hello\n"
    [pod] = kubectl("get", "pods", "-l", "job-name=hello", "-o", "name").split()
    assert kubectl("logs", pod) == "hello\n"
    assert kubectl("get", pod, "-o", "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}") == "0"
    kubectl("delete", "job", "hello", "--timeout=30s")
    assert "NotFound" in kubectl("get", "job", "hello", code=1)


def test_failures_and_mistakes_are_told(kubectl: Callable[..., str]) -> None:
    kubectl("create", "--validate=false", "-f", "-", given=job("fails", 3))
    kubectl("wait", "--for=condition=failed", "job/fails", "--timeout=30s")
    assert "AlreadyExists" in kubectl("create", "--validate=false", "-f", "-", given=job("fails", 3), code=1)
    broken = job("broken", 0).replace("restartPolicy", "restartsWhen")
    assert "Job is invalid" in kubectl("create", "--validate=false", "-f", "-", given=broken, code=1)
