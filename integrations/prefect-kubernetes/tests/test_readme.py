"""What the README shows works."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import kubernetes_validate
import yaml

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.testing.utilities import prefect_test_harness
from prefect_kubernetes.worker import KubernetesWorker

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_python_runs(tmp_path: Path) -> None:
    template = KubernetesWorker.get_default_base_job_template()
    with prefect_test_harness():
        client = get_client(sync_client=True)
        client.create_work_pool(WorkPoolCreate(name="kubernetes-pool", type="kubernetes", base_job_template=template))
        for number, block in enumerate(blocks("python")):
            path = tmp_path / f"shown_{number}.py"
            path.write_text(block, encoding="utf-8")
            runpy.run_path(str(path), run_name="__main__")
        assert client.read_deployment_by_name("train/nightly").job_variables["memory_limit"] == "16Gi"


def test_its_manifest_is_one() -> None:
    [manifest] = blocks("yaml")
    kubernetes_validate.validate(yaml.safe_load(manifest), "1.31", strict=True)


def test_all_job_variables_are_described() -> None:
    table = README.partition("## Job variables")[2].partition("##")[0]
    variables = KubernetesWorker.get_default_base_job_template()["variables"]["properties"]
    assert not [name for name in variables if f"`{name}`" not in table]
