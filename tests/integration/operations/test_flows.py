"""Flows."""

from __future__ import annotations

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowUpdate
from prefect._contract.endpoints import flow_runs, flows
from prefect._contract.filters import FlowFilter, FlowFilterName, FlowRunFilter, TaskRunFilter
from prefect._contract.sorting import FlowSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7


def test_a_flow_is_created_once(orchestrator) -> None:
    created = orchestrator.send(flows.create_flow(FlowCreate(name="a", tags=["x"], labels={"team": "core"})))
    orchestrator.clock.pass_by(1)
    again = orchestrator.send(flows.create_flow(FlowCreate(name="a", tags=["other"])))
    assert again == created
    assert orchestrator.send(flows.read_flow(created.id)) == created
    assert orchestrator.send(flows.read_flow_by_name("a")) == created
    assert (created.tags, created.labels, created.created) == (["x"], {"team": "core"}, created.updated)


def test_a_flow_is_changed(orchestrator) -> None:
    flow_id = orchestrator.flow(tags=["a"])
    moment = orchestrator.clock.pass_by(5)
    orchestrator.send(flows.update_flow(flow_id, FlowUpdate(tags=["b"])))
    changed = orchestrator.send(flows.read_flow(flow_id))
    assert (changed.tags, changed.updated) == (["b"], moment)
    orchestrator.send(flows.update_flow(flow_id, FlowUpdate()))
    assert orchestrator.send(flows.read_flow(flow_id)).tags == ["b"]


def test_flows_are_listed_counted_and_paged(orchestrator) -> None:
    for name in "cadbe":
        orchestrator.clock.pass_by(1)
        orchestrator.flow(name)
    names = lambda **options: [flow.name for flow in orchestrator.send(flows.read_flows(**options))]
    assert names() == list("abcde")
    assert names(sort=FlowSort.NAME_DESC) == list("edcba")
    assert names(sort=FlowSort.CREATED_DESC) == list("ebdac")
    assert names(limit=2, offset=1) == list("bc")
    assert names(limit=0) == []
    assert orchestrator.send(flows.count_flows()) == 5
    page = orchestrator.send(flows.paginate_flows(limit=2, page=3))
    assert ([flow.name for flow in page.results], page.count, page.pages, page.page, page.limit) == (["e"], 5, 3, 3, 2)
    chosen = FlowFilter(name=FlowFilterName(any_=["a", "b"]))
    assert orchestrator.send(flows.count_flows(flow_filter=chosen)) == 2
    assert orchestrator.send(flows.paginate_flows(flow_filter=chosen)).count == 2


def test_flows_are_found_by_their_runs(orchestrator) -> None:
    orchestrator.flow("idle")
    busy, working = orchestrator.flow("busy"), orchestrator.flow("working")
    orchestrator.flow_run(flow_id=busy, name="r")
    run = orchestrator.flow_run(flow_id=working, name="s")
    orchestrator.task_run(flow_run_id=run.id)
    names = lambda **options: [flow.name for flow in orchestrator.send(flows.read_flows(**options))]
    assert names(flow_run_filter=FlowRunFilter(name={"any_": ["r"]})) == ["busy"]
    assert names(flow_run_filter=FlowRunFilter()) == ["busy", "working"]
    assert names(task_run_filter=TaskRunFilter()) == ["working"]


def test_deleting_a_flow_deletes_its_runs(orchestrator) -> None:
    flow_id = orchestrator.flow("gone")
    run = orchestrator.flow_run(flow_id=flow_id)
    task_run = orchestrator.task_run(flow_run_id=run.id)
    orchestrator.send(flows.delete_flow(flow_id))
    for gone in (run, task_run):
        with pytest.raises(ObjectNotFound):
            orchestrator.read(gone)
    with pytest.raises(ObjectNotFound, match=f"no flow with id {flow_id}"):
        orchestrator.send(flows.read_flow(flow_id))


def test_flows_are_deleted_in_bulk(orchestrator) -> None:
    ids = [orchestrator.flow(name) for name in ("a1", "a2", "b")]
    run = orchestrator.flow_run(flow_id=ids[0])
    chosen = FlowFilter(name=FlowFilterName(like_="a"))
    assert orchestrator.send(flows.bulk_delete_flows(chosen)).deleted == ids[:2]
    assert [flow.name for flow in orchestrator.send(flows.read_flows())] == ["b"]
    assert orchestrator.send(flow_runs.count_flow_runs()) == 0
    with pytest.raises(ObjectNotFound):
        orchestrator.read(run)


@pytest.mark.parametrize(
    "call",
    [
        flows.read_flow(uuid7()),
        flows.read_flow_by_name("nobody"),
        flows.update_flow(uuid7(), FlowUpdate(tags=[])),
        flows.delete_flow(uuid7()),
    ],
    ids=lambda call: call.method,
)
def test_a_flow_that_does_not_exist_is_not_found(orchestrator, call) -> None:
    with pytest.raises(ObjectNotFound, match="There is no flow with"):
        orchestrator.send(call)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limit": 201}, "Invalid limit 201: must be between 0 and 200"),
        ({"limit": -1}, "Invalid limit -1"),
        ({"offset": -1}, "Invalid offset -1"),
        ({"offset": 10**20}, "Invalid offset 100000000000000000000"),
    ],
)
def test_lists_are_bounded(orchestrator, options, reason) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=reason) as refused:
        orchestrator.send(flows.read_flows(**options))
    assert refused.value.response.status_code == 422


def test_pages_are_counted_from_one(orchestrator) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="pages are counted from 1"):
        orchestrator.send(flows.paginate_flows(page=0))
