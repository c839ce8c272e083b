"""Logs, artifacts and variables."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from prefect._contract.actions.runs import ArtifactCreate, ArtifactUpdate, LogCreate
from prefect._contract.actions.settings import VariableCreate, VariableUpdate
from prefect._contract.endpoints import artifacts, flow_runs, logs, variables
from prefect._contract.filters import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    VariableFilter,
)
from prefect._contract.sorting import ArtifactCollectionSort, ArtifactSort, LogSort, VariableSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.database.text_search import parse_query
from prefect.utilities.ids import uuid7


@pytest.fixture
def written(orchestrator):
    run, task_run = orchestrator.flow_run(), orchestrator.task_run()
    lines = [
        ("greetings", 10, "Hello World"),
        ("partings", 20, "goodbye world"),
        ("hello", 30, 'foo bar "baz"'),
        ("x", 40, "100% _ok_"),
    ]
    orchestrator.send(
        logs.create_logs(
            LogCreate(
                name=name,
                level=level,
                message=message,
                timestamp=orchestrator.clock.pass_by(1),
                flow_run_id=run.id,
                task_run_id=task_run.id if level >= 30 else None,
            )
            for name, level, message in lines
        )
    )
    orchestrator.run, orchestrator.the_task_run = run, task_run
    orchestrator.levels = lambda **fields: [
        line.level for line in orchestrator.send(logs.read_logs(LogFilter(**fields) if fields else None))
    ]
    return orchestrator


def test_logs_are_listed_by_time(written) -> None:
    assert written.levels() == [10, 20, 30, 40]
    newest = written.send(logs.read_logs(sort=LogSort.TIMESTAMP_DESC, limit=2, offset=1))
    assert [(line.level, line.message, line.name) for line in newest] == [
        (30, 'foo bar "baz"', "hello"),
        (20, "goodbye world", "partings"),
    ]
    assert newest[0].flow_run_id == written.run.id
    assert newest[0].task_run_id == written.the_task_run.id
    assert newest[0].timestamp == written.clock.now - timedelta(seconds=1)


def test_logs_are_found(written) -> None:
    now = written.clock.now
    assert written.levels(level={"ge_": 20, "le_": 30}) == [20, 30]
    assert written.levels(timestamp={"after_": now - timedelta(seconds=1)}) == [30, 40]
    assert written.levels(timestamp={"before_": now - timedelta(seconds=3)}) == [10]
    assert written.levels(task_run_id={"is_null_": True}) == [10, 20]
    assert written.levels(task_run_id={"any_": [written.the_task_run.id]}) == [30, 40]
    assert written.levels(flow_run_id={"any_": [uuid7()]}) == []
    assert written.levels(operator="or_", level={"ge_": 40}, text={"query": "hello"}) == [10, 30, 40]


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        ("", [10, 20, 30, 40]),
        ("hello", [10, 30]),
        ("HELLO", [10, 30]),
        ("hell", [10, 30]),
        ("world", [10, 20]),
        ("goodbye foo", [20, 30]),
        ("world -hello", [20]),
        ("world !goodbye", [10]),
        ("-world", [30, 40]),
        ("+world +goodbye", [20]),
        ('"foo bar"', [30]),
        ('"bar foo"', []),
        (r'"bar \"baz"', [30]),
        ("%", [40]),
        ("_", [40]),
        ('-"hello world" -x', [20, 30]),
    ],
)
def test_logs_are_searched(written, query, levels) -> None:
    assert written.levels(text={"query": query}) == levels


def test_queries_are_read() -> None:
    assert parse_query('a "b c" +d -e !"f g" + "" -') == (["a", "b c", "+", "-"], ["d"], ["e", "f g"])


def test_logs_are_downloaded(written) -> None:
    rows = list(csv.DictReader(io.StringIO(written.send(flow_runs.download_flow_run_logs(written.run.id)))))
    assert [row["message"] for row in rows] == ["Hello World", "goodbye world", 'foo bar "baz"', "100% _ok_"]
    assert rows[2]["task_run_id"] == str(written.the_task_run.id)
    assert rows[0]["timestamp"] == "2031-05-06T12:00:01+00:00"


def test_no_logs_are_logs(orchestrator) -> None:
    orchestrator.send(logs.create_logs([]))
    assert orchestrator.send(logs.read_logs()) == []


def make(orchestrator, **fields):
    orchestrator.clock.pass_by(1)
    return orchestrator.send(artifacts.create_artifact(ArtifactCreate(**fields)))


def test_an_artifact_is_read_as_it_was_created(orchestrator) -> None:
    fields = {"key": "k", "type": "table", "description": "d", "data": [{"a": None}], "metadata_": {"m": "n"}}
    created = make(orchestrator, **fields, flow_run_id=uuid7(), task_run_id=uuid7())
    assert orchestrator.send(artifacts.read_artifact(created.id)) == created
    assert created.data == [{"a": None}]
    assert make(orchestrator, data=None).key is None


def test_the_latest_artifact_of_a_key(orchestrator) -> None:
    first, second = make(orchestrator, key="k", data=1), make(orchestrator, key="k", data=2, type="markdown")
    make(orchestrator, data="no key")
    assert orchestrator.send(artifacts.read_latest_artifact("k")) == second
    [collection] = orchestrator.send(artifacts.read_latest_artifacts())
    assert (collection.key, collection.latest_id, collection.data, collection.type) == ("k", second.id, 2, "markdown")
    assert (collection.created, collection.updated) == (first.created, second.created)
    assert orchestrator.send(artifacts.count_latest_artifacts()) == 1
    assert orchestrator.send(artifacts.count_artifacts()) == 3
    orchestrator.send(artifacts.update_artifact(second.id, ArtifactUpdate(data=3)))
    orchestrator.send(artifacts.update_artifact(first.id, ArtifactUpdate(description="old")))
    [collection] = orchestrator.send(artifacts.read_latest_artifacts())
    assert (collection.data, collection.type, collection.description) == (3, "markdown", None)
    assert orchestrator.send(artifacts.read_artifact(first.id)).description == "old"
    orchestrator.send(artifacts.delete_artifact(second.id))
    assert orchestrator.send(artifacts.read_latest_artifact("k")).id == first.id
    orchestrator.send(artifacts.delete_artifact(first.id))
    assert orchestrator.send(artifacts.read_latest_artifacts()) == []
    for call in (
        artifacts.read_latest_artifact("k"),
        artifacts.read_artifact(first.id),
        artifacts.delete_artifact(first.id),
        artifacts.update_artifact(first.id, ArtifactUpdate(data=1)),
    ):
        with pytest.raises(ObjectNotFound, match="There is no artifact with"):
            orchestrator.send(call)


def test_artifacts_are_found_and_ordered(orchestrator) -> None:
    run = orchestrator.flow_run(flow_id=orchestrator.flow("f"), name="r")
    task_run = orchestrator.task_run(flow_run_id=run.id, name="t")
    make(orchestrator, key="b", type="table", flow_run_id=run.id)
    make(orchestrator, key="a", type="link", flow_run_id=run.id, task_run_id=task_run.id)
    make(orchestrator, type="link")
    show = lambda found: [artifact.key for artifact in found]
    keys = lambda **options: show(orchestrator.send(artifacts.read_artifacts(**options)))
    latest = lambda **options: show(orchestrator.send(artifacts.read_latest_artifacts(**options)))
    assert keys() == keys(sort=ArtifactSort.CREATED_DESC) == keys(sort=ArtifactSort.UPDATED_DESC) == [None, "a", "b"]
    assert keys(sort=ArtifactSort.KEY_DESC)[:2] == ["b", "a"]
    assert keys(artifact_filter=ArtifactFilter(key={"exists_": True}), sort=ArtifactSort.KEY_ASC) == ["a", "b"]
    assert keys(artifact_filter=ArtifactFilter(key={"exists_": False})) == [None]
    assert keys(artifact_filter=ArtifactFilter(key={"like_": "A"})) == ["a"]
    assert keys(artifact_filter=ArtifactFilter(type={"any_": ["table"]})) == ["b"]
    assert keys(artifact_filter=ArtifactFilter(type={"not_any_": ["table"]})) == [None, "a"]
    assert keys(flow_filter=FlowFilter(name={"any_": ["f"]})) == ["a", "b"]
    assert keys(flow_run_filter=FlowRunFilter(name={"any_": ["r"]}), limit=1) == ["a"]
    assert keys(task_run_filter=TaskRunFilter(name={"any_": ["t"]})) == ["a"]
    assert latest(sort=ArtifactCollectionSort.KEY_ASC) == ["a", "b"]
    assert latest(artifact_filter=ArtifactCollectionFilter(type={"any_": ["link"]})) == ["a"]
    assert latest(task_run_filter=TaskRunFilter()) == ["a"]
    chosen = ArtifactFilter(operator="or_", key={"any_": ["a"]}, type={"any_": ["table"]})
    assert orchestrator.send(artifacts.count_artifacts(artifact_filter=chosen)) == 2


@pytest.mark.parametrize("value", ["text", 3, 2.5, True, None, {"a": [1]}, ["x", None]])
def test_a_variable_holds_any_json_value(orchestrator, value) -> None:
    created = orchestrator.send(variables.create_variable(VariableCreate(name="v", value=value, tags=["t"])))
    assert orchestrator.send(variables.read_variable(created.id)) == created
    read = orchestrator.send(variables.read_variable_by_name("v"))
    assert (read, read.value, type(read.value)) == (created, value, type(value))


def test_variables_are_changed_and_deleted(orchestrator) -> None:
    first = orchestrator.send(variables.create_variable(VariableCreate(name="a", value=1)))
    orchestrator.send(variables.create_variable(VariableCreate(name="b", value=2)))
    with pytest.raises(ObjectAlreadyExists, match="already a variable with name a"):
        orchestrator.send(variables.create_variable(VariableCreate(name="a", value=1)))
    moment = orchestrator.clock.pass_by(1)
    orchestrator.send(variables.update_variable(first.id, VariableUpdate(value=None)))
    read = orchestrator.send(variables.read_variable(first.id))
    assert (read.value, read.updated, read.tags) == (None, moment, [])
    with pytest.raises(ObjectAlreadyExists):
        orchestrator.send(variables.update_variable(first.id, VariableUpdate(name="b")))
    orchestrator.send(variables.update_variable_by_name("a", VariableUpdate(name="c", tags=["t"])))
    assert orchestrator.send(variables.read_variable_by_name("c")).tags == ["t"]
    orchestrator.send(variables.delete_variable_by_name("c"))
    orchestrator.send(variables.delete_variable(orchestrator.send(variables.read_variable_by_name("b")).id))
    assert orchestrator.send(variables.count_variables()) == 0
    for call in (
        variables.read_variable(first.id),
        variables.read_variable_by_name("a"),
        variables.update_variable(first.id, VariableUpdate(value=1)),
        variables.update_variable_by_name("a", VariableUpdate(value=1)),
        variables.delete_variable(first.id),
        variables.delete_variable_by_name("a"),
    ):
        with pytest.raises(ObjectNotFound, match="There is no variable with"):
            orchestrator.send(call)


def test_variables_are_listed(orchestrator) -> None:
    for name, tags in (("b", ["x", "y"]), ("a", ["x"]), ("c", [])):
        orchestrator.clock.pass_by(1)
        orchestrator.send(variables.create_variable(VariableCreate(name=name, value=1, tags=tags)))
    names = lambda **options: [variable.name for variable in orchestrator.send(variables.read_variables(**options))]
    assert names() == names(sort=VariableSort.NAME_ASC) == ["a", "b", "c"]
    assert names(sort=VariableSort.CREATED_DESC) == ["c", "a", "b"]
    assert names(limit=1, offset=1) == ["b"]
    assert names(variable_filter=VariableFilter(tags={"all_": ["x"]})) == ["a", "b"]
    assert names(variable_filter=VariableFilter(tags={"all_": ["x", "y"]})) == ["b"]
    assert names(variable_filter=VariableFilter(tags={"is_null_": True})) == ["c"]
    assert names(variable_filter=VariableFilter(tags={"is_null_": False})) == ["a", "b"]
    assert orchestrator.send(variables.count_variables(VariableFilter(name={"like_": "%"}))) == 3
