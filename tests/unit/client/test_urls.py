"""The addresses of objects."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import pytest

from prefect.blocks.system import Secret
from prefect.client.schemas.objects import ConcurrencyLimit, Flow, FlowRun, WorkPool, WorkQueue
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events import ReceivedEvent, Resource
from prefect.futures import PrefectConcurrentFuture
from prefect.settings import temporary_settings
from prefect.utilities.urls import url_for
from prefect.variables import Variable

ID = UUID(int=1)


@pytest.fixture
def bases() -> Iterator[None]:
    with temporary_settings({"PREFECT_API_URL": "http://host/api", "PREFECT_UI_URL": "http://pages/"}):
        yield


def saved() -> Secret[str]:
    block = Secret(value="hush")
    block._block_document_id = ID
    return block


def event() -> ReceivedEvent:
    moment = datetime(2026, 1, 2, 3, tzinfo=timezone.utc)
    return ReceivedEvent(id=ID, event="e", occurred=moment, received=moment, resource={"prefect.resource.id": "x"})


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize(
    ("asked", "page", "route"),
    [
        (("flow-run", ID), f"runs/flow-run/{ID}", f"flow_runs/{ID}"),
        (("task-run", str(ID)), f"runs/task-run/{ID}", f"task_runs/{ID}"),
        (("work-pool", "my pool"), "work-pools/work-pool/my%20pool", "work_pools/my%20pool"),
        ((FlowRun(id=ID, flow_id=ID),), f"runs/flow-run/{ID}", f"flow_runs/{ID}"),
        ((Flow(id=ID, name="f"),), f"flows/flow/{ID}", f"flows/{ID}"),
        ((DeploymentResponse(id=ID, name="d", flow_id=ID),), f"deployments/deployment/{ID}", f"deployments/{ID}"),
        ((WorkPool(id=ID, name="p", type="process"),), "work-pools/work-pool/p", "work_pools/p"),
        ((WorkQueue(id=ID, name="q", work_pool_id=ID),), f"work-queues/work-queue/{ID}", f"work_queues/{ID}"),
        (
            (ConcurrencyLimit(id=ID, tag="t", concurrency_limit=1),),
            f"concurrency-limits/concurrency-limit/{ID}",
            f"concurrency_limits/{ID}",
        ),
        ((Variable(name="v", value=1),), None, "variables/name/v"),
        ((saved(),), f"blocks/block/{ID}", f"block_documents/{ID}"),
        ((Secret(value="not saved"),), None, None),
        ((PrefectConcurrentFuture(ID, Future()),), f"runs/task-run/{ID}", f"task_runs/{ID}"),
        ((event(),), f"events/event/2026-01-02/{ID}", None),
        ((Resource({"prefect.resource.id": f"prefect.flow-run.{ID}"}),), f"runs/flow-run/{ID}", f"flow_runs/{ID}"),
        (
            (Resource({"prefect.resource.id": f"prefect.work-pool.{ID}", "prefect.resource.name": "p"}),),
            "work-pools/work-pool/p",
            "work_pools/p",
        ),
        ((Resource({"prefect.resource.id": f"prefect.work-pool.{ID}"}),), None, None),
        ((Resource({"prefect.resource.id": f"acme.flow-run.{ID}"}),), None, None),
        (("nonsense", ID), None, None),
    ],
)
def test_addresses(asked: tuple[Any, ...], page: str | None, route: str | None) -> None:
    assert url_for(*asked) == (page and f"http://pages/{page}")
    assert url_for(*asked, url_type="api") == (route and f"http://host/api/{route}")


def test_the_default_base_stands_in_for_what_is_not_set(bases: None) -> None:
    assert url_for("flow", ID, default_base_url="http://d") == f"http://pages/flows/flow/{ID}"
    with temporary_settings(restore_defaults={"PREFECT_API_URL", "PREFECT_UI_URL"}):
        assert url_for("flow", ID) is None
        assert url_for("flow", ID, "api") is None
        assert url_for("flow", ID, default_base_url="http://d/") == f"http://d/flows/flow/{ID}"
        assert url_for("flow", ID, "api", "http://d/api") == f"http://d/api/flows/{ID}"


@pytest.mark.usefixtures("bases")
def test_what_is_missing_is_said() -> None:
    assert url_for("worker", "w", work_pool_name="p") == "http://pages/work-pools/work-pool/p/worker/w"
    with pytest.raises(ValueError, match=r"The URL of a worker needs work_pool_name: url_for\(\.\.\., work_pool_name="):
        url_for("worker", "w")
    with pytest.raises(ValueError, match=r"url_for\('flow-run'\) needs the id of the object"):
        url_for("flow-run")
    with pytest.raises(ValueError, match="There is no URL type 'web'. Use 'ui' or 'api'"):
        url_for("flow-run", ID, url_type="web")
