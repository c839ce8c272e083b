"""`prefect worker start` installs what its type of workers is part of, by pip, from a folder with one package."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGIN = """
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult


class DockerWorker(BaseWorker[BaseJobConfiguration, None, BaseWorkerResult]):
    type = "docker"

    async def run(self, flow_run, configuration, task_status=None):
        raise NotImplementedError
"""
FILES = {
    "prefect_docker/__init__.py": PLUGIN,
    "prefect_docker-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: prefect-docker\nVersion: 9.9\n",
    "prefect_docker-9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "prefect_docker-9.9.dist-info/entry_points.txt": "[prefect.collections]\nprefect_docker = prefect_docker\n",
    "prefect_docker-9.9.dist-info/RECORD": "",
}


@pytest.fixture
def start(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "prefect_docker-9.9-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)

    def begin(policy: str, *, packages: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PREFECT_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(tmp_path / "site"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(packages),
            "PIP_TARGET": str(tmp_path / "site"),
        }
        command = ["worker", "start", "--pool", "p", "--type", "docker", "--run-once", "--install-policy", policy]
        return subprocess.run(
            [sys.executable, "-m", "prefect", *command],
            env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return begin


@pytest.mark.slow
def test_a_type_that_is_not_installed_is_installed_and_the_worker_begins(start, tmp_path):
    refused = start("never")
    assert (refused.returncode, "prefect-docker" in refused.stderr) == (1, True)
    begun = start("if-not-present")
    assert (begun.returncode, "Traceback" in begun.stderr) == (0, False), begun.stderr
    assert "Installs prefect-docker." in begun.stdout
    assert "takes runs from work pool 'p'" in begun.stdout
    assert "Installs" not in start("if-not-present").stdout


def test_what_cannot_be_installed_is_said(start, tmp_path):
    failed = start("always", packages=tmp_path / "nothing")
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False)
    assert "prefect-docker could not be installed" in failed.stderr
