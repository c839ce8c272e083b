"""Rows that are made by hand hold the same as those that the types of the tables make."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic_core import from_json, to_json
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import dialect as postgresql_dialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine import Connection

from prefect._contract.actions.runs import LogCreate
from prefect._contract.objects import Constant, FlowRunPolicy, TaskRun, TaskRunPolicy, TaskRunResult
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails, StateType
from prefect.exceptions import SerializationError
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.database.errors import UnstorableValueError
from prefect.server.database.queries import records
from prefect.server.database.queries.events import (
    Occurrence,
    add_events,
    has_backlog,
    only_new,
    set_aside,
    take_up,
)
from prefect.server.database.queries.logs import add_logs
from prefect.server.database.queries.recording import read_owner_runs, record_task_runs
from prefect.server.database.queries.runs import TASK_RUNS, add_states, read_run, read_states
from prefect.server.database.types import Document, Identifier, Moment, Seconds, moment_text
from prefect.utilities.ids import uuid7
from prefect.utilities.time import UTC, now

moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


def there_and_back(kind: Any, value: Any) -> Any:
    dialect = sqlite_dialect()
    stored = kind.bind_processor(dialect)(value)
    assert stored is None or isinstance(stored, (str, float))
    return kind.result_processor(dialect, None)(stored)


@given(st.uuids() | st.none())
def test_identifiers_come_back(value: Any) -> None:
    assert there_and_back(Identifier(), value) == value


@given(moments | st.none())
def test_moments_come_back_in_utc(value: datetime | None) -> None:
    back = there_and_back(Moment(), value)
    assert back == value
    assert back is None or back.tzinfo is UTC


@given(moments, moments)
def test_moments_sort_as_their_text(first: datetime, second: datetime) -> None:
    assert (moment_text(first) < moment_text(second)) == (first < second)
    assert len(moment_text(first)) == len(moment_text(second))


@given(json_values)
def test_documents_come_back(value: Any) -> None:
    assert there_and_back(Document(), value) == value


@given(st.timedeltas(timedelta(0), timedelta(days=3000)) | st.none())
def test_durations_come_back(value: timedelta | None) -> None:
    back = there_and_back(Seconds(), value)
    assert back is value if value is None else abs(back - value) < timedelta(microseconds=10)


@pytest.mark.parametrize("kind", [Identifier(), Moment(), Document(), Seconds()])
def test_other_kinds_of_databases_get_values_rather_than_text(kind: Any) -> None:
    value = {Identifier: uuid7(), Moment: now(), Document: {"a": [1, "ü"]}, Seconds: timedelta(seconds=1.5)}[type(kind)]
    dialect = postgresql_dialect()
    bind, result = kind.bind_processor(dialect), kind.result_processor(dialect, None)
    stored = bind(value) if bind else value
    assert isinstance(stored, {Document: str, Seconds: float}.get(type(kind), type(value)))
    assert (result(stored) if result else stored) == value


def test_a_nul_in_a_document_is_refused_where_text_cannot_hold_it() -> None:
    bind = Document().bind_processor(postgresql_dialect())
    for value in ("a\0b", {"k\0": 1}, ["\\\0"]):
        with pytest.raises(UnstorableValueError, match="no text with a NUL character"):
            bind(value)
        assert there_and_back(Document(), value) == value
    assert bind("\\u0000") == '"\\\\u0000"'


def test_models_are_stored_without_what_is_none() -> None:
    stored = Document().bind_processor(sqlite_dialect())(TaskRunPolicy(retries=2))
    assert stored == '{"max_retries":0,"retry_delay_seconds":0.0,"retries":2}'


def test_what_has_no_json_form_is_named() -> None:
    with pytest.raises(SerializationError, match=r"type 'object' cannot be stored"):
        Document().bind_processor(sqlite_dialect())(object())


@pytest.fixture
def flow_run_id(database: Database) -> Any:
    flow_id, run_id, moment = uuid7(), uuid7(), now()

    def perform(connection: Connection) -> None:
        stamps = {"created": moment, "updated": moment, "tags": []}
        records.create(connection, tables.flow, {"id": flow_id, "name": "f", **stamps})
        run = {
            "id": run_id,
            "name": "r",
            "flow_id": flow_id,
            "empirical_policy": FlowRunPolicy(),
            "run_count": 0,
            "total_run_time": timedelta(0),
            "parameters": {},
            "context": {},
            "auto_scheduled": False,
        }
        records.create(connection, tables.flow_run, {**run, **stamps})

    database.transaction(perform, write=True)
    return run_id


def a_record(flow_run_id: Any, **fields: Any) -> TaskRunRecord:
    run_id = uuid7()
    details = StateDetails(flow_run_id=flow_run_id, task_run_id=run_id)
    states: list[State[Any]] = [
        State(type=kind, state_details=details) for kind in (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)
    ]
    values: dict[str, Any] = {
        "id": run_id,
        "name": "t-1",
        "flow_run_id": flow_run_id,
        "task_key": "t-abc",
        "dynamic_key": "1",
        "cache_key": "key",
        "cache_expiration": datetime(2031, 1, 2, tzinfo=UTC),
        "task_version": "v1",
        "empirical_policy": TaskRunPolicy(retries=3, retry_delay=[1, 2]),
        "tags": ["a", "b"],
        "labels": {"k": 1},
        "task_inputs": {"x": [TaskRunResult(id=uuid7()), Constant(type="int")], "y": []},
        "state_type": StateType.COMPLETED,
        "state_name": "Completed",
        "run_count": 1,
        "flow_run_run_count": 1,
        "expected_start_time": states[0].timestamp,
        "start_time": states[1].timestamp,
        "end_time": states[2].timestamp,
        "total_run_time": timedelta(milliseconds=1500),
        "state_id": states[2].id,
        "state": states[2],
        **fields,
    }
    return TaskRunRecord(TaskRun(**values), states)


def test_a_recorded_task_run_is_read_as_it_was(database: Database, flow_run_id: Any) -> None:
    record = a_record(flow_run_id)
    moment = now()
    database.transaction(lambda connection: record_task_runs(connection, [record], moment), write=True)
    run_id = record.task_run.id
    row = database.transaction(lambda connection: read_run(connection, TASK_RUNS, run_id, moment), write=False)
    estimates = {"estimated_run_time": timedelta(milliseconds=1500)}
    read = TaskRun.model_validate(row)
    assert read.state is not None
    estimates["estimated_start_time_delta"] = read.estimated_start_time_delta
    stamps = {"created": moment, "updated": moment}
    state = read.state.model_copy(update={"created": None, "updated": None, "timestamp": read.state.timestamp})
    assert state == record.states[-1]
    expected = record.task_run.model_copy(update={**stamps, **estimates})
    assert read.model_copy(update={"state": expected.state}) == expected


def test_recorded_rows_equal_typed_rows(database: Database, flow_run_id: Any) -> None:
    record = a_record(flow_run_id)
    run, moment = record.task_run, now()
    record.states[1].data = {"storage_key": "x"}

    def perform(connection: Connection) -> list[Any]:
        record_task_runs(connection, [record], moment)
        statements = [select(tables.task_run), select(tables.task_run_state).order_by(tables.task_run_state.c.id)]
        by_hand = [[tuple(row) for row in connection.exec_driver_sql(str(s.compile()))] for s in statements]
        records.remove(connection, tables.task_run, id=run.id)
        values = {name: getattr(run, name, None) for name in records.keys_of(tables.task_run)}
        values |= {"created": moment, "updated": moment, "state_type": "COMPLETED"}
        values["state_timestamp"] = record.states[-1].timestamp
        records.create(connection, tables.task_run, values)
        add_states(connection, TASK_RUNS, run.id, record.states, moment)
        typed = [[tuple(row) for row in connection.exec_driver_sql(str(s.compile()))] for s in statements]
        return [by_hand, typed]

    by_hand, typed = database.transaction(perform, write=True)
    assert by_hand == typed
    assert len(by_hand[0]) == 1
    assert len(by_hand[1]) == 3


def test_recording_twice_has_one_effect(database: Database, flow_run_id: Any) -> None:
    batch = [a_record(flow_run_id) for _ in range(5)]

    def dump(connection: Connection) -> list[Any]:
        return [
            list(connection.execute(select(*(c for c in table.c if c.name != "updated")).order_by(table.c.id)))
            for table in (tables.task_run, tables.task_run_state)
        ]

    database.transaction(lambda connection: record_task_runs(connection, batch, now()), write=True)
    once = database.transaction(dump, write=False)
    database.transaction(lambda connection: record_task_runs(connection, batch, now()), write=True)
    assert database.transaction(dump, write=False) == once


def test_an_older_record_does_not_undo_a_newer_one(database: Database, flow_run_id: Any) -> None:
    newer = a_record(flow_run_id)
    older_run = newer.task_run.model_copy(
        update={"state": newer.states[1], "state_id": newer.states[1].id, "run_count": 0, "end_time": None}
    )
    older = TaskRunRecord(older_run, newer.states[:2])
    for record in (newer, older):
        database.transaction(
            lambda connection, record=record: record_task_runs(connection, [record], now()), write=True
        )
    row = database.transaction(lambda c: read_run(c, TASK_RUNS, older_run.id, now()), write=False)
    assert row is not None
    assert (row["state_type"], row["run_count"]) == ("COMPLETED", 1)
    assert len(database.transaction(lambda c: read_states(c, TASK_RUNS, older_run.id), write=False)) == 3


def test_one_batch_may_tell_of_the_same_task_run_twice(database: Database, flow_run_id: Any) -> None:
    newer, other = a_record(flow_run_id), a_record(flow_run_id)
    older = TaskRunRecord(
        newer.task_run.model_copy(update={"state": newer.states[0], "state_id": newer.states[0].id, "end_time": None}),
        newer.states[:1],
    )

    def perform(connection: Connection) -> Any:
        record_task_runs(connection, [older, newer, other, older], now())
        runs = records.read_all(connection, tables.task_run, select(tables.task_run))
        return {run["id"]: (run["state_type"], run["end_time"]) for run in runs}

    expected = {record.task_run.id: ("COMPLETED", record.task_run.end_time) for record in (newer, other)}
    assert database.transaction(perform, write=True) == expected


def test_text_that_is_no_unicode_is_shown_rather_than_lost(database: Database, flow_run_id: Any) -> None:
    record = a_record(flow_run_id, name="bad \udcff name")
    line = LogCreate.model_construct(
        name="n", level=20, message="bad \udcff text", timestamp=now(), flow_run_id=flow_run_id, task_run_id=None
    )

    def perform(connection: Connection) -> tuple[Any, Any]:
        record_task_runs(connection, [a_record(flow_run_id), record], now())
        add_logs(connection, [line], now())
        run = records.read(connection, tables.task_run, id=record.task_run.id)
        return run and run["name"], connection.execute(select(tables.log.c.message)).scalar_one()

    assert database.transaction(perform, write=True) == (r"bad \udcff name", r"bad \udcff text")


def test_owners_are_found_and_missing_ones_are_not(database: Database, flow_run_id: Any) -> None:
    batch = [a_record(flow_run_id), a_record(uuid7()), a_record(None)]
    assert set(database.transaction(lambda c: read_owner_runs(c, batch), write=False)) == {flow_run_id}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), moment=moments)
def test_logs_come_back(database: Database, kind_of_database: str, text: str, moment: datetime) -> None:
    line = LogCreate(name="n", level=20, message=text, timestamp=moment)
    database.transaction(lambda connection: add_logs(connection, [line], now()), write=True)
    newest = select(tables.log).order_by(tables.log.c.id.desc()).limit(1)
    row = database.transaction(lambda c: records.read_all(c, tables.log, newest), write=False)[0]
    if kind_of_database == "postgres":
        text = text.replace("\0", r"\x00")
    assert (row["message"], row["timestamp"], row["level"]) == (text, moment, 20)
    assert row["timestamp"].tzinfo is UTC


words = st.text(st.characters(exclude_categories=["Cs"]))
labels = st.dictionaries(words, words, max_size=3)
occurrences = st.builds(
    Occurrence,
    id=st.uuids(),
    occurred=moments,
    event=words,
    resource=labels.map(lambda found: found | {"prefect.resource.id": "r"}),
    related=st.lists(
        labels.map(lambda found: found | {"prefect.resource.id": "x", "prefect.resource.role": "y"}), max_size=2
    ),
    payload=st.dictionaries(words, json_values, max_size=2).map(
        lambda value: from_json(to_json(value, inf_nan_mode="null"))  # JSON has no infinite numbers
    ),
    follows=st.uuids() | st.none(),
)


def shown(value: Any) -> Any:
    """A value as it is kept where text cannot hold NUL."""
    if isinstance(value, str):
        return value.replace("\0", r"\x00")
    if isinstance(value, list):
        return [shown(item) for item in value]
    return {shown(key): shown(item) for key, item in value.items()} if isinstance(value, dict) else value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(told=occurrences)
def test_events_come_back(database: Database, kind_of_database: str, told: Occurrence) -> None:
    kept = shown if kind_of_database == "postgres" else lambda value: value
    told, moment = told._replace(id=uuid7()), now()  # examples share a database

    def perform(connection: Connection) -> tuple[Any, Any]:
        add_events(connection, only_new(connection, [told, told]), moment)
        assert only_new(connection, [told]) == []
        by_event = select(tables.event_resource).where(tables.event_resource.c.event_id == told.id)
        ordered = by_event.order_by(tables.event_resource.c.position)
        related = records.read_all(connection, tables.event_resource, ordered)
        return records.read(connection, tables.event, id=told.id), related

    row, related = database.transaction(perform, write=True)
    assert (row["occurred"], row["received"], row["follows"]) == (told.occurred, moment, told.follows)
    assert (row["event"], row["resource"], row["resource_id"]) == (kept(told.event), kept(told.resource), "r")
    assert (row["related"], row["payload"]) == (kept(told.related), kept(told.payload))
    assert [each["resource"] for each in related] == kept(told.related)
    assert {(each["resource_id"], each["resource_role"], each["occurred"]) for each in related} <= {
        ("x", "y", told.occurred)
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(told=st.lists(occurrences, min_size=1, max_size=3))
def test_events_that_were_set_aside_come_back(
    database: Database, kind_of_database: str, told: list[Occurrence]
) -> None:
    def perform(connection: Connection) -> list[Occurrence]:
        set_aside(connection, told)
        set_aside(connection, told[:1])
        assert has_backlog(connection)
        found = take_up(connection, 1)
        assert take_up(connection, 5) == found[:1]
        assert not has_backlog(connection)
        return found

    found = database.transaction(perform, write=True)
    if kind_of_database == "postgres":
        told = [Occurrence(*(shown(value) for value in each)) for each in told]
    assert found == told


def test_numbers_that_json_does_not_know_are_null(database: Database) -> None:
    told = Occurrence(uuid7(), now(), "e", {"prefect.resource.id": "r"}, [], {"x": [float("inf"), float("nan")]})

    def perform(connection: Connection) -> Any:
        set_aside(connection, [told])
        add_events(connection, [told], now())
        return take_up(connection, 1)[0].payload, records.read(connection, tables.event, id=told.id)

    payload, row = database.transaction(perform, write=True)
    assert payload == row["payload"] == {"x": [None, None]}


def test_a_nul_in_what_has_happened_is_shown_where_it_cannot_be_stored(
    database: Database, kind_of_database: str, flow_run_id: Any
) -> None:
    record = a_record(flow_run_id, name="t\0", task_inputs={"x": [Constant(type="\0 and \\u0000")]})
    record.states[0].message = "m\0"

    def perform(connection: Connection) -> Any:
        record_task_runs(connection, [record], now())
        run = read_run(connection, TASK_RUNS, record.task_run.id, now())
        return run, read_states(connection, TASK_RUNS, record.task_run.id)

    run, history = database.transaction(perform, write=True)
    shown = (lambda text: text.replace("\0", r"\x00")) if kind_of_database == "postgres" else (lambda text: text)
    assert run["name"] == shown("t\0")
    assert run["task_inputs"]["x"][0]["type"] == shown("\0 and \\u0000")
    assert history[0]["message"] == shown("m\0")
