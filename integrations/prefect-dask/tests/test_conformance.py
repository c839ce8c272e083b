"""Dask does what every task runner must be able to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from prefect.testing.conformance import TaskRunnerContract
from prefect_dask import DaskTaskRunner

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=1, threads_per_worker=4, processes=False, dashboard_address=":0") as cluster:
        yield cluster


class TestDaskTaskRunner(TaskRunnerContract):
    @pytest.fixture
    def runner(self, cluster: LocalCluster) -> DaskTaskRunner:
        return DaskTaskRunner(cluster=cluster)
