"""Filters select what their definition says, whatever they are combined of."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select
from sqlalchemy.engine import Connection
from tests.postgres import POSTGRES

from prefect._contract.endpoints import flow_runs
from prefect._contract.filters import (
    ArtifactFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    VariableFilter,
)
from prefect._contract.objects import CreatedBy, FlowRunPolicy, TaskRunPolicy
from prefect._contract.sorting import FlowRunSort
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.database.errors import TooMuchAskedError
from prefect.server.database.queries import filters, records
from prefect.utilities.ids import uuid7
from prefect.utilities.time import UTC

START = datetime(2030, 1, 1, tzinfo=UTC)
IDS = [uuid7() for _ in range(6)]
NAMES = ["alpha", "Beta", "alphabet", "ü-umlaut", "100%", ""]
TAGS = ["red", "green", 'qu"ote', "[]"]
STATES = [("COMPLETED", "Completed"), ("COMPLETED", "Cached"), ("RUNNING", "Running"), ("FAILED", "Failed")]
CREATORS = [None, CreatedBy(id=IDS[0], type="DEPLOYMENT"), CreatedBy(id=IDS[1], type="USER"), CreatedBy(type="USER")]

ids = st.sampled_from(IDS)
names = st.sampled_from(NAMES)
moments = st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
maybe = lambda strategy: st.none() | strategy
lists = lambda strategy: maybe(st.lists(strategy, max_size=3))
tag_lists = st.lists(st.sampled_from(TAGS), max_size=3, unique=True)
likes = maybe(st.sampled_from(["a", "BETA", "alpha", "", "Ü", "zz", "%t", "_eta"]))
operators = st.sampled_from(["and_", "or_"])
booleans = maybe(st.booleans())


def a(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A condition, or none."""
    return maybe(st.fixed_dictionaries(fields))


def a_filter(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"operator": operators, **fields})


# What operators mean, said a second time.
def like(value: Any, text: str) -> bool:
    pattern = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in text)
    lower = lambda s: "".join(c.lower() if c in string.ascii_uppercase else c for c in s)
    return value is not None and re.search(f"^.*{lower(pattern)}.*$", lower(value), re.DOTALL) is not None


MEANINGS: dict[str, Callable[[Any, Any], bool]] = {
    "any_": lambda value, wanted: value in wanted,
    "not_any_": lambda value, unwanted: value not in unwanted,
    "like_": like,
    "before_": lambda value, moment: value is not None and value <= moment,
    "after_": lambda value, moment: value is not None and value >= moment,
    "ge_": lambda value, number: value >= number,
    "le_": lambda value, number: value <= number,
    "is_null_": lambda value, wanted: (value is None) == wanted,
    "exists_": lambda value, wanted: (value is not None) == wanted,
}
TAG_MEANINGS: dict[str, Callable[[Any, Any], bool]] = {
    "any_": lambda tags, wanted: bool(set(tags) & set(wanted)),
    "all_": lambda tags, wanted: set(tags) >= set(wanted),
    "is_null_": lambda tags, wanted: (tags == []) == wanted,
}


def combine(parts: list[bool], condition: dict[str, Any]) -> bool:
    if not parts:
        return True
    return any(parts) if condition.get("operator") == "or_" else all(parts)


def holds(condition: dict[str, Any], value: Any, meanings: dict[str, Callable[[Any, Any], bool]]) -> bool | None:
    """Whether a condition holds; None if it says nothing."""
    given = {name: wanted for name, wanted in condition.items() if wanted is not None and name != "operator"}
    if not given:
        return None
    return combine([meanings[name](value, wanted) for name, wanted in given.items()], condition)


def started_holds(condition: dict[str, Any], row: dict[str, Any]) -> bool | None:
    """A run that has not started is found by when it is to start."""
    moment = row["start_time"] or row["expected_start_time"]
    on_moment = {
        name: (lambda _, wanted, meaning=meaning: meaning(moment, wanted)) for name, meaning in MEANINGS.items()
    }
    return holds(condition, row["start_time"], on_moment | {"is_null_": MEANINGS["is_null_"]})


def creator_holds(condition: dict[str, Any], creator: CreatedBy | None) -> bool | None:
    meanings: dict[str, Callable[[Any, Any], bool]] = {
        "id_": lambda creator, wanted: creator is not None and creator.id in wanted,
        "type_": lambda creator, wanted: creator is not None and creator.type in wanted,
        "is_null_": MEANINGS["is_null_"],
    }
    return holds(condition, creator, meanings)


def state_holds(condition: dict[str, Any], row: dict[str, Any]) -> bool | None:
    parts = [holds(condition[name] or {}, row[f"state_{name}"], MEANINGS) for name in ("type", "name")]
    known = [part for part in parts if part is not None]
    return combine(known, condition) if known else None


def selects(chosen: dict[str, Any], row: dict[str, Any]) -> bool:
    special: dict[str, Callable[[Any], bool | None]] = {
        "state": lambda condition: state_holds(condition, row),
        "tags": lambda condition: holds(condition, row["tags"], TAG_MEANINGS),
        "start_time": lambda condition: started_holds(condition, row),
        "created_by": lambda condition: creator_holds(condition, row["created_by"]),
    }
    parts = [
        special[name](condition) if name in special else holds(condition, row[name], MEANINGS)
        for name, condition in chosen.items()
        if condition is not None and name != "operator"
    ]
    return combine([part for part in parts if part is not None], chosen)


@pytest.fixture(scope="module", params=["sqlite", POSTGRES])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("filters")
        database = Database(f"sqlite:///{folder}/prefect.db")
    else:
        server = request.getfixturevalue("postgres_server")
        database = Database(server.url(server.database_with_tables()))
    yield database
    database.close()


class Rows(dict[str, list[dict[str, Any]]]):
    """The rows of tables; too many to be shown when a test fails."""

    def __repr__(self) -> str:
        return "<rows>"


def pick(values: list[Any], number: int) -> Any:
    return values[number % len(values)]


def run_row(number: int) -> dict[str, Any]:
    state_type, state_name = pick(STATES, number // 3)
    started = None if number % 4 == 0 else START + timedelta(hours=number % 5)
    return {
        "id": IDS[number] if number < len(IDS) else uuid7(),
        "created": START,
        "updated": START,
        "name": pick(NAMES, number),
        "tags": [TAGS[bit] for bit in range(4) if number >> bit & 1],
        "state_type": state_type,
        "state_name": state_name,
        "run_count": 0,
        "expected_start_time": START + timedelta(hours=number % 3),
        "start_time": started,
        "end_time": None if number % 3 == 0 else START + timedelta(hours=number % 6),
        "next_scheduled_start_time": START + timedelta(hours=number % 4) if number % 2 else None,
        "total_run_time": timedelta(0),
    }


def flow_run_row(number: int, flow_id: Any) -> dict[str, Any]:
    return run_row(number) | {
        "empirical_policy": FlowRunPolicy(),
        "flow_id": flow_id,
        "deployment_id": pick([None, *IDS[:2]], number),
        "work_queue_name": pick([None, "q1", "q2"], number // 2),
        "flow_version": pick([None, "v1", "v2"], number // 4),
        "idempotency_key": None if number % 2 else f"key{number}",
        "parent_task_run_id": pick([None, *IDS[2:4]], number // 5),
        "created_by": pick(CREATORS, number),
        "parameters": {},
        "context": {},
        "auto_scheduled": False,
    }


@pytest.fixture(scope="module")
def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    flow_id = uuid7()
    stamps = {"created": START, "updated": START}
    made: dict[str, list[dict[str, Any]]] = {
        "flow": [
            {
                "id": flow_id if number == 0 else uuid7(),
                **stamps,
                "name": f"{pick(NAMES, number)}{number}",
                "tags": pick([[], ["red"], ["red", "green"]], number),
            }
            for number in range(8)
        ],
        "flow_run": [flow_run_row(number, flow_id) for number in range(48)],
        "task_run": [
            run_row(number)
            | {
                "empirical_policy": TaskRunPolicy(),
                "flow_run_id": None,
                "task_key": "k",
                "dynamic_key": "0",
                "flow_run_run_count": 0,
                "task_inputs": {},
            }
            for number in range(48)
        ],
        "log": [
            {
                "id": uuid7(),
                **stamps,
                "name": "n",
                "level": 10 * (number % 5),
                "flow_run_id": pick([None, *IDS], number),
                "task_run_id": pick([*IDS, None], number // 2),
                "message": pick(NAMES, number),
                "timestamp": START + timedelta(hours=number % 6),
            }
            for number in range(40)
        ],
        "variable": [
            {
                "id": uuid7(),
                **stamps,
                "name": f"{pick(NAMES, number)}{number}",
                "value": 1,
                "tags": [TAGS[bit] for bit in range(4) if number >> bit & 1],
            }
            for number in range(16)
        ],
        "artifact": [
            {
                "id": uuid7(),
                **stamps,
                "key": pick([None, "alpha", "Beta"], number),
                "type": pick([None, "table", "link"], number // 3),
                "flow_run_id": pick([None, *IDS], number),
                "task_run_id": pick([*IDS, None], number),
            }
            for number in range(30)
        ],
    }

    def fill(connection: Connection) -> None:
        for name, table_rows in made.items():
            records.create(connection, tables.metadata.tables[name], *table_rows)

    database.transaction(fill, write=True)
    return Rows(made)


def check(database: Database, rows: Any, table_name: str, model: Any, chosen: dict[str, Any]) -> None:
    table = tables.metadata.tables[table_name]
    condition = filters.rows_where(table, model.model_validate(chosen))
    statement = select(table.c.id).where(*condition)
    found = set(database.transaction(lambda connection: list(connection.execute(statement).scalars()), write=False))
    assert found == {row["id"] for row in rows[table_name] if selects(chosen, row)}


run_conditions = {
    "id": a(any_=lists(ids)),
    "name": a(any_=lists(names), like_=likes),
    "start_time": a(before_=maybe(moments), after_=maybe(moments), is_null_=booleans),
    "end_time": a(before_=maybe(moments), after_=maybe(moments), is_null_=booleans),
    "expected_start_time": a(before_=maybe(moments), after_=maybe(moments)),
}
state_types = lists(st.sampled_from(["COMPLETED", "RUNNING", "FAILED", "CRASHED"]))
state_names = lists(st.sampled_from(["Completed", "Cached", "Running", "None such"]))
thoroughly = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@thoroughly
@given(
    chosen=a_filter(
        **run_conditions
        | {
            "id": a(any_=lists(ids), not_any_=lists(ids)),
            "tags": a(operator=operators, any_=maybe(tag_lists), all_=maybe(tag_lists), is_null_=booleans),
            "deployment_id": a(operator=operators, any_=lists(ids), is_null_=booleans),
            "work_queue_name": a(operator=operators, any_=lists(st.sampled_from(["q1", "q3"])), is_null_=booleans),
            "state": a(
                operator=operators,
                type=a(any_=state_types, not_any_=state_types),
                name=a(any_=state_names, not_any_=state_names),
            ),
            "flow_version": a(any_=lists(st.sampled_from(["v1", "v9"]))),
            "next_scheduled_start_time": a(before_=maybe(moments), after_=maybe(moments)),
            "parent_task_run_id": a(operator=operators, any_=lists(ids), is_null_=booleans),
            "idempotency_key": a(
                any_=lists(st.sampled_from(["key0", "key8"])), not_any_=lists(st.sampled_from(["key0", "key2"]))
            ),
            "created_by": a(
                operator=operators, id_=lists(ids), type_=lists(st.sampled_from(["USER", "X"])), is_null_=booleans
            ),
        }
    )
)
def test_flow_runs(database: Database, rows: Any, chosen: dict[str, Any]) -> None:
    check(database, rows, "flow_run", FlowRunFilter, chosen)


@thoroughly
@given(
    chosen=a_filter(
        **run_conditions
        | {
            "tags": a(operator=operators, all_=maybe(tag_lists), is_null_=booleans),
            "state": a(operator=operators, type=a(any_=state_types), name=a(any_=state_names)),
        }
    )
)
def test_task_runs(database: Database, rows: Any, chosen: dict[str, Any]) -> None:
    check(database, rows, "task_run", TaskRunFilter, chosen)


@thoroughly
@given(
    chosen=a_filter(
        name=a(any_=lists(st.sampled_from(["alpha0", "Beta1"])), like_=likes),
        tags=a(operator=operators, all_=maybe(tag_lists), is_null_=booleans),
    )
)
@pytest.mark.parametrize(("table", "model"), [("flow", FlowFilter), ("variable", VariableFilter)])
def test_flows_and_variables(database: Database, rows: Any, table: str, model: Any, chosen: dict[str, Any]) -> None:
    check(database, rows, table, model, chosen)


@thoroughly
@given(
    chosen=a_filter(
        level=a(ge_=maybe(st.integers(0, 50)), le_=maybe(st.integers(0, 50))),
        timestamp=a(before_=maybe(moments), after_=maybe(moments)),
        flow_run_id=a(any_=lists(ids)),
        task_run_id=a(any_=lists(ids), is_null_=booleans),
    )
)
def test_logs(database: Database, rows: Any, chosen: dict[str, Any]) -> None:
    check(database, rows, "log", LogFilter, chosen)


@thoroughly
@given(
    chosen=a_filter(
        key=a(any_=lists(st.sampled_from(["alpha", "x"])), like_=likes, exists_=booleans),
        type=a(any_=lists(st.sampled_from(["table", "x"])), not_any_=lists(st.sampled_from(["table", "link"]))),
        flow_run_id=a(any_=lists(ids)),
        task_run_id=a(any_=lists(ids)),
    )
)
def test_artifacts(database: Database, rows: Any, chosen: dict[str, Any]) -> None:
    check(database, rows, "artifact", ArtifactFilter, chosen)


def test_all_conditions_of_all_filters_are_known(database: Database, rows: Any) -> None:
    import prefect._contract.filters as contract

    for name, table_name in {
        "FlowFilter": "flow",
        "FlowRunFilter": "flow_run",
        "TaskRunFilter": "task_run",
        "LogFilter": "log",
        "ArtifactFilter": "artifact",
        "ArtifactCollectionFilter": "artifact_collection",
        "VariableFilter": "variable",
        "BlockTypeFilter": "block_type",
        "BlockSchemaFilter": "block_schema",
        "BlockDocumentFilter": "block_document",
    }.items():
        model = getattr(contract, name)
        for field in model.model_fields:
            if field == "operator":
                continue
            kind = model.model_fields[field].annotation.__args__[0]
            examples = {"any_": [], "all_": [], "not_any_": [], "id_": [], "type_": [], "type": None, "name": None}
            examples |= {"like_": "x", "before_": START, "after_": START, "ge_": 1, "le_": 1, "query": "x"}
            examples |= {"is_null_": True, "exists_": True, "eq_": True, "operator": "and_"}
            chosen = model.model_validate({field: {key: examples[key] for key in kind.model_fields}})
            table = tables.metadata.tables[table_name]
            statement = select(table.c.id).where(*filters.rows_where(table, chosen))
            database.transaction(lambda connection, s=statement: connection.execute(s).all(), write=False)


def test_very_many_values_are_looked_for_like_few(orchestrator: Any) -> None:
    runs = [orchestrator.flow_run(name=f"run-{number}") for number in range(3)]
    absent = [uuid7() for _ in range(200)]
    few = FlowRunFilter(id={"any_": [runs[0].id, runs[2].id]})
    for others in (absent, [], absent * 100):
        many = FlowRunFilter(id={"any_": [runs[0].id, *others, runs[2].id]})
        found = orchestrator.send(flow_runs.read_flow_runs(flow_run_filter=many, sort=FlowRunSort.NAME_ASC))
        assert [run.id for run in found] == [runs[0].id, runs[2].id]
        left = FlowRunFilter(id={"not_any_": [runs[0].id, *others, runs[2].id]}, name=None)
        assert [run.id for run in orchestrator.send(flow_runs.read_flow_runs(flow_run_filter=left))] == [runs[1].id]
    assert len(orchestrator.send(flow_runs.read_flow_runs(flow_run_filter=few))) == 2
    too_many = FlowRunFilter(id={"any_": absent * 200})
    with pytest.raises(TooMuchAskedError, match="At most 30000"):
        orchestrator.send(flow_runs.read_flow_runs(flow_run_filter=too_many))
