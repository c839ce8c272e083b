"""The graph of assets, as events tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from prefect._contract.endpoints.assets import read_asset_graph
from prefect._contract.endpoints.events import create_events
from prefect._contract.events import Event
from prefect.exceptions import ObjectNotFound


def tell(orchestrator: Any, what: str, key: str, *read: str, **labels: str) -> None:
    orchestrator.clock.pass_by(1)
    related = [{"prefect.resource.id": each, "prefect.resource.role": "asset"} for each in read]
    run = {"prefect.resource.id": "prefect.flow-run.r1", "prefect.resource.role": "flow-run"}
    event = Event(
        event=f"prefect.asset.{what}",
        occurred=orchestrator.clock.now,
        resource={"prefect.resource.id": key, **labels},
        related=[*related, run],
    )
    orchestrator.send(create_events([event]))


@pytest.fixture
def lake(orchestrator: Any) -> Any:
    """raw -> clean -> report, raw -> copy; and something else."""
    tell(orchestrator, "referenced", "s3://raw")
    tell(orchestrator, "materialization.succeeded", "s3://clean", "s3://raw", **{"prefect.asset.owners": '["data"]'})
    tell(orchestrator, "materialization.succeeded", "s3://copy", "s3://raw")
    tell(orchestrator, "materialization.failed", "s3://report", "s3://clean", **{"prefect.resource.name": "Report"})
    tell(orchestrator, "materialization.succeeded", "s3://other")
    return orchestrator


def keys(graph: Any) -> list[str]:
    return [each.key.removeprefix("s3://") for each in graph.assets]


def links(graph: Any) -> list[tuple[str, str]]:
    return [(each.upstream.removeprefix("s3://"), each.downstream.removeprefix("s3://")) for each in graph.links]


def test_all_assets_and_links(lake: Any) -> None:
    graph = lake.send(read_asset_graph())
    assert keys(graph) == ["clean", "copy", "other", "raw", "report"]
    assert links(graph) == [("clean", "report"), ("raw", "clean"), ("raw", "copy")]
    assert graph.is_complete


def test_what_is_known_of_an_asset(lake: Any) -> None:
    by_key = {each.key: each for each in lake.send(read_asset_graph()).assets}
    report, raw, clean = (by_key[f"s3://{name}"] for name in ("report", "raw", "clean"))
    assert (report.name, report.last_succeeded, report.flow_run_id) == ("Report", False, "r1")
    assert (raw.last_materialized, raw.last_succeeded) == (None, None)
    assert clean.owners == ["data"]


@pytest.mark.parametrize(
    ("key", "connected"),
    [
        ("clean", ["clean", "raw", "report"]),
        ("raw", ["clean", "copy", "raw", "report"]),
        ("copy", ["copy", "raw"]),
        ("other", ["other"]),
    ],
)
def test_what_an_asset_is_connected_with(lake: Any, key: str, connected: list[str]) -> None:
    assert keys(lake.send(read_asset_graph(f"s3://{key}"))) == connected


def test_circles_end(orchestrator: Any) -> None:
    tell(orchestrator, "materialization.succeeded", "s3://a", "s3://b")
    tell(orchestrator, "materialization.succeeded", "s3://b", "s3://a", "s3://b")
    assert keys(orchestrator.send(read_asset_graph("s3://a"))) == ["a", "b"]


def test_an_asset_that_nobody_told_of_is_not_there(lake: Any) -> None:
    with pytest.raises(ObjectNotFound, match="s3://none"):
        lake.send(read_asset_graph("s3://none"))


def test_labels_that_make_no_sense_do_no_harm(orchestrator: Any) -> None:
    tell(orchestrator, "materialization.succeeded", "s3://a", **{"prefect.asset.owners": "nobody"})
    assert orchestrator.send(read_asset_graph()).assets[0].owners == []
