"""Flow runs whose pods are containers, of podman, in a fake cluster."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import prefect
from prefect.testing.podman import EMPTY_IMAGE, SYSTEM, Podman
from prefect_kubernetes.testing import FakeCluster

if TYPE_CHECKING:
    from conftest import Site
    from prefect.client.schemas.objects import FlowRun

MISSING = [name for name in ("podman", "runc") if not shutil.which(name)] + ["root"] * (os.geteuid() != 0)
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
    pytest.mark.timeout(240),
    pytest.mark.slow,
]

CODE = """
import os
import time

from prefect import flow


@flow(log_prints=True)
def work(exit_code: int = 0, seconds: float = 0.0):
    print("in a container:", os.path.exists("/run/.containerenv"))
    if exit_code:
        os._exit(exit_code)
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[FakeCluster]:
    """A cluster whose pods are containers that see the Python of this machine."""
    packages = Path(prefect.__file__ or "").parents[1]
    variables = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": "/tmp", "PREFECT_HOME": "/tmp"}
    with ExitStack() as stack:
        try:
            podman = stack.enter_context(
                Podman(seen={sys.prefix, sys.base_prefix, str(packages), *SYSTEM}, shared=[folder])
            )
        except RuntimeError as error:
            pytest.skip(str(error))
        yield stack.enter_context(FakeCluster(variables, podman=podman))


@pytest.fixture
def site(site: Site) -> Site:
    """The site, with code that tells where it is executed."""
    (site.folder / "code.py").write_text(CODE)
    return site


def order(site: Site, parameters: dict[str, Any] | None = None, image: str = EMPTY_IMAGE) -> FlowRun:
    return site.order(parameters, image=image, image_pull_policy="Never", pod_watch_timeout_seconds=30)


def test_a_run_is_executed_in_a_container(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    run = order(site)
    site.work()
    assert site.state(run).is_completed(), site.logs(run)
    assert "in a container: True" in capsys.readouterr().out


def test_the_exit_code_of_a_container_is_said(site: Site) -> None:
    run = order(site, {"exit_code": 3})
    site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert "exit code 3" in state.message


def test_an_image_that_is_not_there_is_named(site: Site) -> None:
    run = order(site, image="localhost/nobody:1")
    site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert "localhost/nobody:1" in state.message


def test_an_evicted_container_is_ended_and_its_run_offered_again(site: Site) -> None:
    run = order(site, {"seconds": 600})
    site.work(lambda: site.cluster.evict(site.until_it_runs(run)))
    assert site.state(run).name == "AwaitingRetry"
    site.until(lambda: all(site.cluster.has_ended(pod["metadata"]["name"]) for pod in site.pods()))
    site.client.delete_flow_run(run.id)
