"""What a user interface asks for besides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from prefect._contract.actions.runs import StateCreate
from prefect._contract.actions.settings import VariableCreate
from prefect._contract.endpoints import flow_runs, ui, variables
from prefect._contract.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect._contract.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7


def test_task_runs_are_counted_by_flow_run(orchestrator: Any) -> None:
    parent, other = orchestrator.flow_run(), orchestrator.flow_run()
    for key in ("a", "b"):
        orchestrator.task_run(flow_run_id=parent.id, dynamic_key=key)
    call = orchestrator.task_run(flow_run_id=parent.id, dynamic_key="call")
    orchestrator.flow_run(parent_task_run_id=call.id)
    unknown = uuid7()
    counts = orchestrator.send(ui.count_task_runs_by_flow_run([parent.id, other.id, unknown]))
    assert counts == {parent.id: 2, other.id: 0, unknown: 0}
    assert orchestrator.send(ui.count_task_runs_by_flow_run([])) == {}
    with pytest.raises(PrefectHTTPStatusError, match="1001 flow runs. At most 1000"):
        orchestrator.send(ui.count_task_runs_by_flow_run([uuid7() for _ in range(1001)]))


def test_flow_runs_are_points(orchestrator: Any) -> None:
    flow, begun = orchestrator.flow(), orchestrator.clock.now
    due = begun + timedelta(hours=1)
    details = {"scheduled_time": due}
    scheduled = orchestrator.flow_run(flow_id=flow, state=StateCreate(type="SCHEDULED", state_details=details))
    run = orchestrator.flow_run(flow_id=flow)
    orchestrator.clock.pass_by(5)
    orchestrator.propose(run, "RUNNING")
    orchestrator.clock.pass_by(2)
    later, first = orchestrator.send(ui.read_flow_run_points())
    assert (later.id, later.state_type, later.timestamp) == (scheduled.id, "SCHEDULED", due)
    assert (later.duration, later.lateness) == (timedelta(0), timedelta(0))
    assert (first.id, first.timestamp) == (run.id, begun + timedelta(seconds=5))
    assert (first.duration, first.lateness) == (timedelta(seconds=2), timedelta(seconds=5))
    orchestrator.propose(run, "FAILED")
    orchestrator.clock.pass_by(60)
    (ended,) = orchestrator.send(
        ui.read_flow_run_points(flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": ["FAILED"]}}}))
    )
    assert (ended.duration, ended.lateness) == (timedelta(seconds=2), timedelta(seconds=5))


def test_points_are_selected_ordered_and_paged(orchestrator: Any) -> None:
    flow = orchestrator.flow("one")
    runs = []
    for _ in range(3):
        runs.append(orchestrator.flow_run(flow_id=flow).id)
        orchestrator.clock.pass_by(1)
    orchestrator.flow_run(flow_id=orchestrator.flow("two"))
    of_flow = FlowFilter.model_validate({"name": {"any_": ["one"]}})
    read = lambda **page: [
        point.id for point in orchestrator.send(ui.read_flow_run_points(flow_filter=of_flow, **page))
    ]
    assert read() == runs[::-1]
    assert read(sort=FlowRunSort.START_TIME_ASC) == runs
    assert read(limit=1, offset=1) == [runs[1]]
    for limit in (-1, 1001):
        with pytest.raises(PrefectHTTPStatusError, match="between 0 and 1000"):
            read(limit=limit)


def test_task_runs_are_counted_by_state(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run()
    for key, *states in (("a", "RUNNING", "COMPLETED"), ("b", "RUNNING"), ("c",), ("d", "RUNNING", "CRASHED")):
        run = orchestrator.task_run(flow_run_id=flow_run.id, dynamic_key=key)
        for state in states:
            orchestrator.propose(run, state, force=True)
    orchestrator.task_run(dynamic_key="elsewhere")
    counts = orchestrator.send(ui.count_task_runs_by_state())
    assert {name: number for name, number in counts.model_dump().items() if number} == {
        "COMPLETED": 1,
        "CRASHED": 1,
        "PENDING": 2,
        "RUNNING": 1,
    }
    of_run = FlowRunFilter.model_validate({"id": {"any_": [flow_run.id]}})
    assert orchestrator.send(ui.count_task_runs_by_state(flow_run_filter=of_run)).PENDING == 1


def dashboard(orchestrator: Any, flow_run_filter: Any = None, **start_time: Any) -> list[tuple[int, int]]:
    filter = TaskRunFilter.model_validate({"start_time": start_time} if start_time else {})
    counts = orchestrator.send(ui.read_dashboard_task_run_counts(filter, flow_run_filter=flow_run_filter))
    return [(each.completed, each.failed) for each in counts]


def test_a_dashboard_shows_what_completed_and_what_failed(orchestrator: Any) -> None:
    begun, flow_run = orchestrator.clock.now, orchestrator.flow_run()
    for number, state in enumerate(("COMPLETED", "FAILED", "CRASHED", "COMPLETED", "CANCELLED", None)):
        run = orchestrator.task_run(dynamic_key=str(number), flow_run_id=flow_run.id)
        orchestrator.propose(run, "RUNNING", force=True)
        if state is not None:
            orchestrator.propose(run, state, force=True)
        orchestrator.clock.pass_by(3)
    bars = dashboard(orchestrator, after_=begun, before_=begun + timedelta(seconds=20))
    assert bars == [(1, 0), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (1, 0), *[(0, 0)] * 10]
    until_now = dashboard(orchestrator, after_=begun - timedelta(seconds=2))
    assert [sum(kind) for kind in zip(*until_now, strict=True)] == [2, 2]
    none = FlowRunFilter.model_validate({"id": {"any_": [uuid7()]}})
    assert dashboard(orchestrator, none, after_=begun) == [(0, 0)] * 20
    assert dashboard(orchestrator, after_=begun, before_=begun - timedelta(hours=1)) == [(0, 0)] * 20


def test_a_dashboard_must_know_since_when(orchestrator: Any) -> None:
    for start_time in ({}, {"before_": orchestrator.clock.now}):
        with pytest.raises(PrefectHTTPStatusError, match="start_time.after_ is required") as refused:
            dashboard(orchestrator, **start_time)
        assert refused.value.response.status_code == 422


def test_the_last_moment_belongs_to_the_last_bar(orchestrator: Any) -> None:
    begun = orchestrator.clock.now
    run = orchestrator.task_run()
    orchestrator.clock.pass_by(20)
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "COMPLETED")
    assert dashboard(orchestrator, after_=begun, before_=orchestrator.clock.now)[-1] == (1, 0)


def test_a_task_run_has_the_name_of_its_flow_run(orchestrator: Any) -> None:
    flow_run = orchestrator.flow_run(name="early")
    within, alone = orchestrator.task_run(flow_run_id=flow_run.id), orchestrator.task_run()
    read = lambda run: orchestrator.send(ui.read_task_run_with_flow_run_name(run.id))
    assert (read(within).flow_run_name, read(alone).flow_run_name) == ("early", None)
    assert read(within).model_dump(exclude={"flow_run_name"}) == orchestrator.read(within).model_dump()
    orchestrator.send(flow_runs.update_flow_run(flow_run.id, name="later"))
    assert read(within).flow_run_name == "later"
    with pytest.raises(ObjectNotFound):
        orchestrator.send(ui.read_task_run_with_flow_run_name(uuid7()))


# -- values and schemas

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"},
        "b": {"type": "array", "items": {"type": "string"}},
        "c": {"type": "object", "properties": {"d": {"type": "number", "minimum": 3}}, "required": ["d"]},
        "e": {"enum": ["x", "y"]},
        "f": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "g": {"type": "array", "items": {"type": "object", "properties": {"h": {"type": "integer"}}}},
    },
    "required": ["a", "z"],
}


def flaws(orchestrator: Any, values: dict[str, Any], schema: Any = None) -> list[Any]:
    answer = orchestrator.send(ui.validate_schema_values(schema or SCHEMA, values))
    assert answer.valid is not bool(answer.errors)
    return answer.model_dump()["errors"]


def in_(name: str, *errors: Any) -> dict[str, Any]:
    return {"property": name, "errors": list(errors)}


def at(index: int, *errors: Any) -> dict[str, Any]:
    return {"index": index, "errors": list(errors)}


def kind(name: str, **fields: Any) -> dict[str, Any]:
    return {"__prefect_kind": name, **fields}


MISSING = "'a' is a required property"


@pytest.mark.parametrize(
    ("values", "expected"),
    [  # as Prefect 3 answers
        ({"a": 1, "z": 1}, []),
        ({"y": 1}, [in_("a", MISSING), in_("z", "'z' is a required property")]),
        (
            {"a": 1, "z": 1, "b": [1, "y", 2]},
            [in_("b", *(at(n, f"{v} is not of type 'string'") for n, v in ((0, 1), (2, 2))))],
        ),
        ({"a": 1, "z": 1, "c": {"d": 1}}, [in_("c", in_("d", "1 is less than the minimum of 3"))]),
        ({"a": 1, "z": 1, "c": {}}, [in_("c", in_("d", "'d' is a required property"))]),
        ({"a": 1, "z": 1, "e": "q"}, [in_("e", "'q' is not one of ['x', 'y']")]),
        ({"a": 1, "z": 1, "f": 3}, [in_("f", "3 is not valid under any of the given schemas")]),
        ({"a": 1, "z": 1, "g": [{"h": "x"}, {}]}, [in_("g", at(0, in_("h", "'x' is not of type 'integer'")))]),
        ({"a": None, "z": None}, [in_("a", "None is not of type 'integer'")]),
        ({"a": kind("json", value="12"), "z": 1}, []),
        ({"a": kind("json", value='"s"'), "z": 1}, [in_("a", "'s' is not of type 'integer'")]),
        ({"a": kind("json"), "z": 1}, [in_("a", MISSING)]),
        ({"a": kind("jinja", template="{{ ok }}"), "z": 1}, []),
        ({"a": kind("jinja"), "z": 1}, [in_("a", MISSING)]),
        ({"a": kind("workspace_variable"), "z": 1}, [in_("a", MISSING)]),
        ({"a": kind("workspace_variable", variable_name="seven"), "z": 1}, []),
        ({"a": kind("workspace_variable", variable_name="word"), "z": 1}, [in_("a", "'w' is not of type 'integer'")]),
        ({"a": kind("none", value=4), "z": 1}, []),
        ({"a": 1, "z": 1, "b": [kind("json")]}, [in_("b", at(0, "None is not of type 'string'"))]),
    ],
    ids=str,
)
def test_values_are_held_against_a_schema(orchestrator: Any, values: Any, expected: Any) -> None:
    orchestrator.send(variables.create_variable(VariableCreate(name="seven", value=7)))
    orchestrator.send(variables.create_variable(VariableCreate(name="word", value="w")))
    assert flaws(orchestrator, values) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (kind("jinja", template="{{ bad"), "Invalid jinja: unexpected end of template"),
        (kind("json", value="{"), "Invalid JSON: "),
        (kind("workspace_variable", variable_name="nope"), "Variable 'nope' not found"),
    ],
)
def test_values_that_cannot_be_found_are_shown_where_they_are(orchestrator: Any, value: Any, words: str) -> None:
    (flaw,) = flaws(orchestrator, {"a": value, "z": 1})
    assert flaw["property"] == "a"
    (reason,) = flaw["errors"]
    assert words in reason
    inside = flaws(orchestrator, {"a": 1, "z": 1, "b": ["x", value]})
    assert inside == [in_("b", at(1, reason))]


def test_properties_that_are_too_many_are_shown_at_the_top(orchestrator: Any) -> None:
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    (reason,) = flaws(orchestrator, {"a": 1, "q": 2}, closed)
    assert "'q' was unexpected" in reason


@pytest.mark.parametrize(
    "schema",
    [{"type": "bogus"}, {"properties": {"o": {"$ref": "#/definitions/Nope"}}}, {"properties": {"o": {"pattern": "("}}}],
    ids=str,
)
def test_a_schema_that_is_none_is_refused(orchestrator: Any, schema: Any) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="Invalid schema: ") as refused:
        flaws(orchestrator, {"o": "x"}, schema)
    assert refused.value.response.status_code == 422
