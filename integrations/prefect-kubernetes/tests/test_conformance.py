"""What every worker must be able to do, on a fake cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prefect.testing.conformance import WorkerContract, WorkerFailuresContract
from prefect_kubernetes.testing import FakeCluster
from prefect_kubernetes.worker import KubernetesWorker


@pytest.fixture(scope="module")
def running() -> Iterator[FakeCluster]:
    with FakeCluster() as cluster:
        yield cluster


class _Suite:
    @pytest.fixture
    def cluster(self, running: FakeCluster) -> Iterator[FakeCluster]:
        yield running
        running.server.refusals.clear()
        running.images_that_fail.clear()

    @pytest.fixture
    def worker_class(self) -> type[KubernetesWorker]:
        return KubernetesWorker

    @pytest.fixture
    def job_variables(self, cluster: FakeCluster) -> dict[str, Any]:
        return {"cluster_config": cluster.kubeconfig}


class TestWorker(_Suite, WorkerContract):
    pass


class TestWorkerFailures(_Suite, WorkerFailuresContract):
    @pytest.fixture
    def broken_variables(self, cluster: FakeCluster) -> dict[str, Any]:
        cluster.fail_image("registry.example.com/missing:1", "InvalidImageName")
        return {"image": "registry.example.com/missing:1"}

    @pytest.fixture
    def transient_failures(self, cluster: FakeCluster) -> Callable[[int], None]:
        return cluster.refuse
