"""The graph of a flow run."""

from __future__ import annotations

import pytest

from prefect._contract.actions.runs import ArtifactCreate, StateCreate
from prefect._contract.endpoints import artifacts, flow_runs
from prefect._contract.objects import Constant, TaskRunResult
from prefect.client.embedded import EmbeddedTransport
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import Bounds

RUNNING = StateCreate(type="RUNNING")


@pytest.fixture
def run(orchestrator):
    """A flow run: `first` calls `inside`; `second` is a subflow; `third` uses the results of both; `later` has not begun."""
    run = orchestrator.flow_run(flow_id=orchestrator.flow("main"), state=RUNNING)

    def task(name, **fields):
        orchestrator.clock.pass_by(1)
        return orchestrator.task_run(flow_run_id=run.id, name=name, dynamic_key=name, **{"state": RUNNING, **fields})

    first = task("first")
    inside = task("inside", task_inputs={"x": [Constant(type="int")], "__parents__": [TaskRunResult(id=first.id)]})
    second = task("second")
    sub = orchestrator.flow_run(
        flow_id=orchestrator.flow("sub"), name="subrun", parent_task_run_id=second.id, state=RUNNING
    )
    inputs = {
        "a": [TaskRunResult(id=first.id)],
        "b": [TaskRunResult(id=second.id)],
        "wait_for": [TaskRunResult(id=first.id)],
    }
    third = task("third", task_inputs=inputs)
    later = task("later", state=None)
    orchestrator.clock.pass_by(1)
    orchestrator.propose(first, "COMPLETED")
    orchestrator.ids = {"first": first.id, "inside": inside.id, "second": second.id, "sub": sub.id, "third": third.id}
    orchestrator.ids["later"] = later.id
    return run


def read(orchestrator, run, **options):
    return orchestrator.send(flow_runs.read_flow_run_graph(run.id, **options))


def test_nodes_are_what_has_started_in_that_order(orchestrator, run) -> None:
    graph, ids = read(orchestrator, run), orchestrator.ids
    assert [id for id, _ in graph.nodes] == [ids["first"], ids["inside"], ids["sub"], ids["third"]]
    nodes = {node.label: node for _, node in graph.nodes}
    assert list(nodes) == ["first", "inside", "sub / subrun", "third"]
    edges = lambda found: [edge.id for edge in found]
    assert nodes["sub / subrun"].kind == "flow-run"
    assert edges(nodes["third"].parents) == [ids["first"], ids["sub"]]
    assert edges(nodes["first"].children) == edges(nodes["sub / subrun"].children) == [ids["third"]]
    assert edges(nodes["inside"].encapsulating) == [ids["first"]]
    assert nodes["inside"].parents == []
    assert graph.root_node_ids == [ids["first"], ids["inside"], ids["sub"]]
    assert (nodes["first"].state_type, nodes["first"].end_time) == ("COMPLETED", orchestrator.clock.now)
    assert (graph.start_time, graph.end_time) == (run.start_time, None)
    assert [(state.type, state.name) for state in graph.states] == [("RUNNING", "Running")]


def test_what_ended_before_is_left_out(orchestrator, run) -> None:
    since = orchestrator.clock.pass_by(1)
    graph = read(orchestrator, run, since=since)
    assert [node.label for _, node in graph.nodes] == ["inside", "sub / subrun", "third"]
    assert [edge.id for edge in dict(graph.nodes)[orchestrator.ids["third"]].parents] == [orchestrator.ids["sub"]]


def test_artifacts_are_shown_at_their_runs(orchestrator, run) -> None:
    make = lambda **fields: orchestrator.send(artifacts.create_artifact(ArtifactCreate(flow_run_id=run.id, **fields)))
    old = make(key="k", type="markdown", data="x", task_run_id=orchestrator.ids["first"])
    new = make(key="k", type="markdown", data="y", task_run_id=orchestrator.ids["third"])
    progress = make(type="progress", data=50)
    make(type="result", data="hidden")
    graph = read(orchestrator, run)
    assert [(found.id, found.data, found.is_latest) for found in graph.artifacts] == [(progress.id, 50, True)]
    shown = {
        node.label: [(found.id, found.data, found.is_latest) for found in node.artifacts] for _, node in graph.nodes
    }
    assert (shown["first"], shown["third"]) == ([(old.id, None, False)], [(new.id, None, True)])


def test_a_graph_has_a_bound(orchestrator, run, tmp_path) -> None:
    bounded = EmbeddedTransport(orchestrator.transport.database, Vault(tmp_path / "key"), Bounds(graph_nodes=3))
    with pytest.raises(PrefectHTTPStatusError, match="more than 3 nodes") as refused:
        bounded.send(flow_runs.read_flow_run_graph(run.id))
    assert refused.value.response.status_code == 400


def test_dependencies_name_where_values_came_from(orchestrator, run) -> None:
    ids = orchestrator.ids
    found = orchestrator.send(flow_runs.read_flow_run_dependencies(run.id))
    upstream = {result.name: [item.id for item in result.upstream_dependencies] for result in found}
    assert upstream == {"first": [], "inside": [], "second": [], "third": [ids["first"], ids["second"]], "later": []}
    assert found[0].state.is_completed()
    assert found[0].untrackable_result is False
