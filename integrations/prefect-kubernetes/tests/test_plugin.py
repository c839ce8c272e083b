"""What every plugin must be able to do, and what this one provides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from prefect.plugins.registries import blocks, settings, workers
from prefect.testing.conformance import PluginContract
from prefect.workers.base import BaseWorker
from prefect_kubernetes import KubernetesClusterConfig, KubernetesCredentials


class TestPlugin(PluginContract):
    @pytest.fixture
    def module(self) -> str:
        return "prefect_kubernetes.plugin"


def test_it_is_found_by_its_entry_points() -> None:
    assert workers.spec("kubernetes").target == "prefect_kubernetes.worker:KubernetesWorker"
    assert blocks.get("kubernetes-credentials") is KubernetesCredentials
    assert settings.get("integrations.kubernetes").__name__ == "KubernetesSettings"


def test_a_template_is_made_without_the_sdk() -> None:
    script = """
import sys
from prefect_kubernetes.worker import KubernetesWorker
KubernetesWorker.get_default_base_job_template()
assert not {"kubernetes_asyncio", "aiohttp"} & {name.partition(".")[0] for name in sys.modules}
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_template_has_the_variables() -> None:
    worker = BaseWorker.get_worker_class_from_type("kubernetes")
    assert worker is not None
    assert set(worker.get_default_base_job_template()["variables"]["properties"]) == {
        "annotations",
        "backoff_limit",
        "cluster_config",
        "command",
        "cpu_limit",
        "cpu_request",
        "env",
        "finished_job_ttl",
        "image",
        "image_pull_policy",
        "job_watch_timeout_seconds",
        "labels",
        "memory_limit",
        "memory_request",
        "name",
        "namespace",
        "pod_watch_timeout_seconds",
        "service_account_name",
        "stream_output",
    }


def test_a_kubeconfig_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({"current-context": "home", "contexts": [{"name": "home"}, {"name": "work"}]}))
    assert KubernetesClusterConfig.from_file(path).context_name == "home"
    assert KubernetesClusterConfig.from_file(path, "work").context_name == "work"
    with pytest.raises(ValueError, match="has no context 'moon'. It has: home, work."):
        KubernetesClusterConfig.from_file(path, "moon")
