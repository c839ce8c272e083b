"""Events: taken in, found by every filter, paged, counted, and told by flow runs that enter states."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect._contract.actions.runs import FlowRunCreate
from prefect._contract.endpoints import events, flow_runs
from prefect._contract.events import Countable, Event, TimeUnit
from prefect._contract.filters.events import EventFilter
from prefect._contract.state import State
from prefect.client.embedded import EmbeddedTransport
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.events import MOST_COUNTED
from prefect.server.operations.transaction import transact
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import UnitOfWork
from prefect.server.services.events import EVENT_BACKLOG
from prefect.settings import Settings, temporary_settings
from prefect.utilities.ids import uuid7

DAY = timedelta(days=1)


def make(orchestrator: Any, number: int = 0, **fields: Any) -> Event:
    """An event that occurred as many minutes ago as its number says."""
    values = {
        "occurred": orchestrator.clock.now - timedelta(minutes=number),
        "event": f"acme.{('ate', 'drank', 'slept')[number % 3]}",
        "resource": {
            "prefect.resource.id": f"acme.user.{number % 4}",
            "prefect.resource.name": f"User {number % 4}",
            "acme.mood": "good" if number % 2 else "bad*ish",
        },
        "related": [
            {"prefect.resource.id": f"acme.dish.{number}", "prefect.resource.role": "dish", "acme.hot": "very"},
            {"prefect.resource.id": "acme.town", "prefect.resource.role": "place"},
        ],
        "payload": {"number": number, "note": f'said "{number}%"'},
    }
    return Event.model_validate({**values, **fields})


@pytest.fixture
def told(orchestrator: Any) -> list[Event]:
    made = [make(orchestrator, number) for number in range(12)]
    orchestrator.send(events.create_events(made))
    return made


def find(orchestrator: Any, limit: int | None = None, **filters: Any) -> list[int]:
    page = orchestrator.send(events.read_events(EventFilter.model_validate(filters), limit))
    return [event.payload["number"] for event in page.events]


def test_what_was_told_is_read(orchestrator: Any) -> None:
    first = make(orchestrator, 1)
    second = make(orchestrator, 0, follows=first.id)
    orchestrator.send(events.create_events([first, second]))
    page = orchestrator.send(events.read_events())
    assert [event.model_dump(exclude={"received"}) for event in page.events] == [
        second.model_dump(),
        first.model_dump(),
    ]
    assert {event.received for event in page.events} == {orchestrator.clock.now}
    assert (page.total, page.next_page) == (2, None)


def test_an_event_is_taken_in_once(orchestrator: Any) -> None:
    event = make(orchestrator)
    orchestrator.send(events.create_events([event, event]))
    more_related = {"prefect.resource.id": "x", "prefect.resource.role": "y"}
    again = event.model_copy(update={"event": "acme.other", "related": [*event.related, *make(orchestrator).related]})
    orchestrator.send(events.create_events([again, make(orchestrator, 1, related=[more_related])]))
    page = orchestrator.send(events.read_events())
    assert [found.event for found in page.events] == ["acme.ate", "acme.drank"]
    assert page.events[0].related == event.related
    assert find(orchestrator, related={"id": ["acme.dish.0"]}) == [0]


FILTERS: list[dict[str, Any]] = [
    {},
    {"order": "ASC"},
    {"event": {"name": ["acme.ate", "acme.drank"]}},
    {"event": {"prefix": ["acme.a", "acme.s"]}},
    {"event": {"prefix": ["ACME."]}},
    {"event": {"prefix": ["acme_"]}},
    {"event": {"prefix": ["%"]}},
    {"event": {"prefix": [""]}},
    {"event": {"prefix": ["acme."], "exclude_prefix": ["acme.a", "acme.d"]}},
    {"event": {"exclude_name": ["acme.slept"], "name": []}},
    {"resource": {"id": ["acme.user.1", "acme.user.2"]}},
    {"resource": {"id_prefix": ["acme.user.3"]}},
    {"resource": {"id_prefix": ["acme.user.3", "nobody"], "id": ["acme.user.1", "acme.user.3"]}},
    {"resource": {"labels": {"acme.mood": "good"}}},
    {"resource": {"labels": {"acme.mood": ["bad*ish", "none"]}}},
    {"resource": {"labels": {"acme.mood": "b*"}}},
    {"resource": {"labels": {"acme.mood": "!b*"}}},
    {"resource": {"labels": {"acme.mood": ["!good", "!b*"]}}},
    {"resource": {"labels": {"acme.none": "!x"}}},
    {"resource": {"labels": {"acme.mood": []}}},
    {"resource": {"labels": {}}},
    {"resource": {"labels": {"prefect.resource.id": "acme.user.*", "acme.mood": "good"}}},
    {"resource": {"labels": {"prefect.resource.id": "!acme.user.1"}}},
    {"resource": {"labels": {"acme.'\"\\mood": "good"}}},
    {"related": {}},
    {"related": []},
    {"related": {"id": ["acme.dish.4", "acme.dish.5", "acme.town.x"]}},
    {"related": {"role": ["dish"]}},
    {"related": {"role": ["dish"], "id": ["acme.town"]}},
    {"related": {"resources_in_roles": [("acme.dish.3", "dish"), ("acme.dish.4", "place")]}},
    {"related": {"labels": {"acme.hot": "v*", "prefect.resource.id": "acme.dish.1*"}}},
    {"related": {"labels": {"prefect.resource.role": ["place"]}, "role": ["dish"]}},
    {"related": [{"id": ["acme.dish.4", "acme.dish.5"]}, {"id": ["acme.dish.5"]}, {"role": ["place"]}]},
    {"any_resource": {}},
    {"any_resource": {"id": ["acme.user.0", "acme.dish.1"]}},
    {"any_resource": {"id_prefix": ["acme.dish.1", "acme.user.3"]}},
    {"any_resource": {"labels": {"prefect.resource.id": ["acme.dish.2", "acme.user.2"]}}},
    {"any_resource": {"labels": {"acme.hot": "very"}, "id": ["acme.dish.7"]}},
    {"any_resource": [{"id": ["acme.user.1"]}, {"id": ["acme.dish.5"]}]},
    {"id": {"id": []}},
    {"text": {"query": "VERY"}},
    {"text": {"query": "drank slept"}},
    {"text": {"query": "+very -drank"}},
    {"text": {"query": '"User 1" -slept'}},
    {"text": {"query": "11%"}},
    {"text": {"query": "prefect.resource.role"}},
    {"text": {"query": '+good -"dish.3"'}},
    {"text": {"query": ""}},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_the_database_selects_what_the_filter_includes(orchestrator: Any, told: list[Event], filters: Any) -> None:
    filter = EventFilter.model_validate(filters)
    filter.occurred.since, filter.occurred.until = orchestrator.clock.now - DAY, orchestrator.clock.now
    expected = [event.payload["number"] for event in told if filter.includes(event)]
    if filters.get("order") == "ASC":
        expected.reverse()
    assert find(orchestrator, **filters) == expected
    counted = orchestrator.send(events.read_events(EventFilter.model_validate(filters), 0))
    assert counted.total == len(expected)


MANY, TOO_MANY = [f"x{number}" for number in range(190)], [f"x{number}" for number in range(10_001)]


@pytest.mark.parametrize("kind", ["event", "resource", "any_resource"])
def test_filters_may_have_many_alternatives_and_not_too_many(orchestrator: Any, told: list[Event], kind: str) -> None:
    prefixes, values = ("prefix", "name") if kind == "event" else ("id_prefix", "id")
    assert find(orchestrator, **{kind: {prefixes: MANY}}) == []
    assert find(orchestrator, **{kind: {values: TOO_MANY[:-1]}}) == []
    refused: list[dict[str, Any]] = [{kind: {prefixes: TOO_MANY[:500]}}, {kind: {values: TOO_MANY}}]
    if kind != "event":
        assert find(orchestrator, **{kind: {"labels": {"acme.mood": MANY}}}) == []
        refused += [{kind: {"labels": {"a": TOO_MANY}}}, {kind: {"labels": dict.fromkeys(TOO_MANY, "y")}}]
    if kind == "any_resource":
        refused += [
            {kind: [{"id": ["x"]}] * 500},
            {"related": [{"role": ["x"]}] * 500},
            {"id": {"id": [uuid7()] * 10_001}},
        ]
    for filters in refused:
        with pytest.raises(PrefectHTTPStatusError, match="The filter has .* at most 200 and 10000") as error:
            find(orchestrator, **filters)
        assert error.value.response.status_code == 422
        with pytest.raises(PrefectHTTPStatusError, match="The filter has"):
            count(orchestrator, Countable.event, filters)


def test_events_of_many_names_are_counted_in_many_intervals(orchestrator: Any, told: list[Event]) -> None:
    now = orchestrator.clock.now
    filters = {"event": {"name": ["acme.ate", *TOO_MANY[:2000]]}, "occurred": {"since": now - DAY, "until": now}}
    counted = count(orchestrator, Countable.time, filters, time_unit=TimeUnit.minute, time_interval=5)
    assert (len(counted), sum(each.count for each in counted)) == (288, 3)  # the last one occurred at the very end


def test_filters_select_some_and_not_others(orchestrator: Any, told: list[Event]) -> None:
    selected = {str(filters): len(find(orchestrator, **filters)) for filters in FILTERS}
    assert {0, 12} < set(selected.values())
    assert len(set(selected.values())) > 6


def test_events_are_found_by_when_they_occurred(orchestrator: Any, told: list[Event]) -> None:
    now = orchestrator.clock.now
    since, until = now - timedelta(minutes=5), now - timedelta(minutes=3)
    assert find(orchestrator, occurred={"since": since, "until": until}) == [3, 4, 5]
    assert find(orchestrator, occurred={"since": until, "until": since}) == []
    old, coming = make(orchestrator, 60 * 24 * 200), make(orchestrator, -1)
    orchestrator.send(events.create_events([old, coming]))
    assert len(find(orchestrator)) == 12
    assert find(orchestrator, occurred={"since": old.occurred, "until": coming.occurred})[-1] == 60 * 24 * 200
    assert find(orchestrator, id={"id": [told[2].id, old.id]}) == [2]


def test_the_latest_event_of_each_resource(orchestrator: Any, told: list[Event]) -> None:
    assert find(orchestrator, resource={"distinct": True}) == [0, 1, 2, 3]
    assert find(orchestrator, resource={"distinct": True}, order="ASC") == [11, 10, 9, 8]
    page = orchestrator.send(events.read_events(EventFilter.model_validate({"resource": {"distinct": True}}), 3))
    assert page.total == 4
    following = orchestrator.send(events.read_events_page(page.next_page_token))
    assert [event.payload["number"] for event in following.events] == [3]
    assert following.next_page is None


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_pages_are_turned_while_events_occur(orchestrator: Any, order: str) -> None:
    moment = orchestrator.clock.now - timedelta(minutes=1)
    made = [make(orchestrator, number, occurred=moment) for number in range(123)]  # only their ids tell them apart
    orchestrator.send(events.create_events(made))
    page = orchestrator.send(events.read_events(EventFilter.model_validate({"order": order})))
    assert (len(page.events), page.total) == (50, 123)
    seen = list(page.events)
    while page.next_page is not None:
        assert str(page.next_page).startswith("http://ephemeral-prefect/api/events/filter/next?page-token=")
        orchestrator.clock.pass_by(1)
        orchestrator.send(events.create_events([make(orchestrator)]))
        page = page.get_next_page_sync(SyncPrefectClient(orchestrator.transport))
        assert page.total == 123
        seen += page.events
    expected = sorted((event.id for event in made), reverse=order == "DESC")
    assert [event.id for event in seen] == expected


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize(
    "filters",
    [
        {"related": {"id": ["acme.town"]}},
        {"related": {"role": ["dish", "place"]}},
        {"any_resource": {"id_prefix": ["acme."]}},
        {"any_resource": {"labels": {"prefect.resource.id": ["acme.user.*", "acme.dish.1*", "acme.town"]}}},
    ],
    ids=str,
)
def test_an_event_is_on_one_page_however_many_of_its_resources_are_meant(
    orchestrator: Any, filters: Any, order: str
) -> None:
    made = [make(orchestrator, number, occurred=orchestrator.clock.now) for number in range(25)]
    made += [make(orchestrator, number) for number in range(25, 60)]
    orchestrator.send(events.create_events(made))
    page = orchestrator.send(events.read_events(EventFilter.model_validate({**filters, "order": order}), 7))
    assert page.total == 60
    seen = list(page.events)
    while page.next_page is not None:
        page = orchestrator.send(events.read_events_page(page.next_page_token))
        assert 0 < len(page.events) <= 7
        seen += page.events
    expected = sorted(((event.occurred, event.id) for event in made), reverse=order == "DESC")
    assert [(event.occurred, event.id) for event in seen] == expected


def test_totals_are_counted_up_to_a_bound(orchestrator: Any) -> None:
    made = [make(orchestrator, related=[], payload={}) for _ in range(1000)]
    for _ in range(MOST_COUNTED // 1000 + 1):
        batch = [event.model_copy(update={"id": uuid7()}) for event in made]
        orchestrator.send(events.create_events(batch))
    page = orchestrator.send(events.read_events(limit=1))
    assert (page.total, len(page.events)) == (MOST_COUNTED, 1)
    assert page.next_page is not None


@pytest.mark.parametrize("limit", [-1, 51])
def test_pages_have_a_size(orchestrator: Any, limit: int) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="between 0 and 50") as refused:
        orchestrator.send(events.read_events(limit=limit))
    assert refused.value.response.status_code == 422


@pytest.mark.parametrize(
    "token",
    ["", "x", "bogus", "eyJhIjogMX0", "%%%%", "€", "a" * 5000, "eJyrVkpUsjKsBQALEAJR", "eJxLTEwEAAJJASY"],
)
def test_a_page_that_nobody_named_is_refused(orchestrator: Any, token: str) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="names no page") as refused:
        orchestrator.send(events.read_events_page(token))
    assert refused.value.response.status_code == 422


def test_a_page_token_that_asks_for_more_or_is_cut_is_refused(orchestrator: Any, told: list[Event]) -> None:
    from prefect.server.operations.event_pages import EventPosition, page_token

    token = orchestrator.send(events.read_events(limit=2)).next_page_token
    greedy = page_token(EventPosition(filter=EventFilter(), limit=51))
    for wrong in (token[:-4], token[4:], token + token, greedy):
        with pytest.raises(PrefectHTTPStatusError, match="names no page"):
            orchestrator.send(events.read_events_page(wrong))


def test_events_larger_than_events_may_be_are_refused_together(orchestrator: Any) -> None:
    related = {"prefect.resource.id": "a", "prefect.resource.role": "b"}
    labels = {"prefect.resource.id": "a", **{f"label-{number}": "" for number in range(500)}}
    for wrong, status, words in (
        ({"event": "n" * 1025}, 422, "name of 1025 characters. At most 1024 .*MAXIMUM_EVENT_NAME_LENGTH"),
        ({"related": [related] * 101}, 422, "101 related resources. At most 100"),
        ({"resource": labels}, 422, "501 labels. At most 500"),
        ({"related": [{**labels, "prefect.resource.role": "b"}]}, 422, "502 labels"),
        ({"payload": {"x": "y" * 1_500_000}}, 413, "bytes. At most 1500000 .*MAXIMUM_SIZE_BYTES"),
    ):
        with pytest.raises(PrefectHTTPStatusError, match=f"Event 2 of 2 .*{words}") as refused:
            orchestrator.send(events.create_events([make(orchestrator), make(orchestrator, **wrong)]))
        assert refused.value.response.status_code == status
    assert orchestrator.send(events.read_events()).total == 0
    with temporary_settings({"PREFECT_SERVER_EVENTS_MAXIMUM_RELATED_RESOURCES": 1}):
        with pytest.raises(PrefectHTTPStatusError, match="At most 1 are taken"):
            orchestrator.send(events.create_events([make(orchestrator)]))


# -- counting


def count(orchestrator: Any, countable: Countable, filters: Any = None, **options: Any) -> list[Any]:
    filter = EventFilter.model_validate(filters or {})
    return orchestrator.send(events.count_events(countable, filter, **options))


def test_events_are_counted_by_name_and_by_resource(orchestrator: Any, told: list[Event]) -> None:
    orchestrator.send(events.create_events([make(orchestrator, 0), make(orchestrator, 4, resource=told[4].resource)]))
    names = count(orchestrator, Countable.event)
    assert [(each.value, each.label, each.count) for each in names] == [
        ("acme.ate", "acme.ate", 5),
        ("acme.drank", "acme.drank", 5),
        ("acme.slept", "acme.slept", 4),
    ]
    resources = count(orchestrator, Countable.resource)
    assert [(each.value, each.label, each.count) for each in resources][0] == ("acme.user.0", "User 0", 5)
    assert (resources[0].start_time, resources[0].end_time) == (told[8].occurred, told[0].occurred)
    nameless = make(orchestrator, 1, resource={"prefect.resource.id": "acme.cat"})
    orchestrator.send(events.create_events([nameless]))
    (cat,) = count(orchestrator, Countable.resource, {"resource": {"id": ["acme.cat"]}})
    assert (cat.label, cat.count) == ("acme.cat", 1)


def test_a_resource_is_called_what_it_was_called_last(orchestrator: Any) -> None:
    for number, name in ((2, "Old"), (1, "New")):
        resource = {"prefect.resource.id": "acme.cat", "prefect.resource.name": name}
        orchestrator.send(events.create_events([make(orchestrator, number, resource=resource)]))
    assert [each.label for each in count(orchestrator, Countable.resource)] == ["New"]


def test_events_are_counted_by_day(orchestrator: Any, told: list[Event]) -> None:
    orchestrator.send(events.create_events([make(orchestrator, 60 * 24 * 2)]))
    days = count(orchestrator, Countable.day)
    midnight = orchestrator.clock.now.replace(hour=0)
    assert len(days) == 181
    assert [each.count for each in days[-4:]] == [0, 1, 0, 12]
    assert (days[-1].value, days[-1].label) == ("180", "2031-05-06T00:00:00+00:00")
    assert days[-1].start_time == midnight
    assert days[-1].end_time == midnight + DAY - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("unit", "length", "first", "number"),
    [  # as Prefect 3 answers
        (TimeUnit.day, 3, "2026-10-30T00:00:00", 8),
        (TimeUnit.day, 5, "2026-10-28T00:00:00", 6),
        (TimeUnit.week, 2, "2026-10-26T00:00:00", 2),
        (TimeUnit.hour, 5, "2026-10-31T23:00:00", 104),
        (TimeUnit.day, 1.5, "2026-10-31T12:00:00", 15),
        (TimeUnit.week, 1.5, "2026-10-22T12:00:00", 3),
        (TimeUnit.hour, 100_000, "2024-04-01T00:00:00", 1),
    ],
)
def test_intervals_begin_where_those_of_prefect_3_do(
    orchestrator: Any, unit: TimeUnit, length: float, first: str, number: int
) -> None:
    since, until = "2026-11-01T03:00:00Z", "2026-11-22T11:52:34Z"
    filters = {"occurred": {"since": since, "until": until}}
    counted = count(orchestrator, Countable.time, filters, time_unit=unit, time_interval=length)
    assert (counted[0].start_time.isoformat()[:19], len(counted)) == (first, number)
    for one, following in zip(counted, counted[1:], strict=False):
        assert one.end_time + timedelta(microseconds=1) == following.start_time


def test_events_are_counted_in_the_interval_that_they_occurred_in(orchestrator: Any, told: list[Event]) -> None:
    now = orchestrator.clock.now  # 12:00; those that ate did so at 12:00, 11:57, 11:54 and 11:51
    filters = {
        "occurred": {"since": now - timedelta(minutes=9), "until": now + DAY / 288},
        "event": {"name": ["acme.ate"]},
    }
    counted = count(orchestrator, Countable.time, filters, time_unit=TimeUnit.minute, time_interval=5)
    assert [(f"{each.start_time:%H:%M}", each.count) for each in counted] == [("11:50", 2), ("11:55", 1), ("12:00", 1)]


@pytest.mark.parametrize(
    ("filters", "options", "words"),
    [
        ({}, {"time_unit": TimeUnit.second}, "There would be .* intervals .* and 1000 are the most"),
        ({}, {"time_interval": 0.0}, "must be 0.01 at least"),
        ({}, {"time_interval": -1.0}, "must be 0.01 at least"),
        ({}, {"time_interval": float("nan")}, "must be 0.01 at least"),
        ({}, {"time_interval": float("inf")}, "beyond what a calendar has"),
        ({}, {"time_interval": 1e300}, "beyond what a calendar has"),
        (
            {"occurred": {"since": "0001-01-01T00:00:00Z", "until": "2001-01-01T00:00:00Z"}},
            {"time_unit": TimeUnit.week, "time_interval": 100_000},
            "beyond what a calendar has",
        ),
    ],
)
def test_intervals_that_are_none_are_refused(orchestrator: Any, filters: Any, options: Any, words: str) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=words) as refused:
        count(orchestrator, Countable.time, filters, **options)
    assert refused.value.response.status_code == 422


def test_a_thousand_intervals_may_be_asked_for(orchestrator: Any, told: list[Event]) -> None:
    since = orchestrator.clock.now - timedelta(minutes=1)
    filters = {"occurred": {"since": since, "until": since + timedelta(seconds=1000)}}
    counted = count(orchestrator, Countable.time, filters, time_unit=TimeUnit.second)
    assert (len(counted), counted[60].count, sum(each.count for each in counted)) == (1000, 1, 2)
    assert count(orchestrator, Countable.time, {"occurred": {"since": since, "until": since - DAY}}) == []


# -- what flow runs tell


def test_a_flow_run_tells_of_the_states_that_it_enters(orchestrator: Any) -> None:
    flow = orchestrator.flow("breakfast")
    run = orchestrator.flow_run(flow_id=flow, name="early", tags=["b", "a"])
    orchestrator.clock.pass_by(1)
    orchestrator.propose(run, "RUNNING")
    orchestrator.clock.pass_by(1)
    orchestrator.propose(run, "FAILED", message="no eggs")
    filter = EventFilter.model_validate({"order": "ASC", "event": {"prefix": ["prefect.flow-run."]}})
    pending, running, failed = orchestrator.send(events.read_events(filter)).events
    assert [each.event for each in (pending, running, failed)] == [
        "prefect.flow-run.Pending",
        "prefect.flow-run.Running",
        "prefect.flow-run.Failed",
    ]
    state: State[Any] = orchestrator.read(run).state
    assert failed.id == state.id
    assert failed.occurred == state.timestamp == orchestrator.clock.now
    assert [pending.follows, running.follows, failed.follows] == [None, pending.id, running.id]
    assert failed.resource.root == {
        "prefect.resource.id": f"prefect.flow-run.{run.id}",
        "prefect.resource.name": "early",
        "prefect.run-count": "1",
        "prefect.state-message": "no eggs",
        "prefect.state-name": "Failed",
        "prefect.state-timestamp": orchestrator.clock.now.isoformat(),
        "prefect.state-type": "FAILED",
    }
    assert [related.root for related in failed.related] == [
        {
            "prefect.resource.id": f"prefect.flow.{flow}",
            "prefect.resource.role": "flow",
            "prefect.resource.name": "breakfast",
        },
        {"prefect.resource.id": "prefect.tag.a", "prefect.resource.role": "tag"},
        {"prefect.resource.id": "prefect.tag.b", "prefect.resource.role": "tag"},
    ]
    assert pending.payload == {
        "intended": {"from": None, "to": "PENDING"},
        "initial_state": None,
        "validated_state": {"type": "PENDING", "name": "Pending"},
    }
    assert failed.payload == {
        "intended": {"from": "RUNNING", "to": "FAILED"},
        "initial_state": {"type": "RUNNING", "name": "Running"},
        "validated_state": {"type": "FAILED", "name": "Failed", "message": "no eggs"},
    }


def test_a_state_that_is_refused_is_not_told(orchestrator: Any) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "COMPLETED")
    assert orchestrator.propose(run, "PENDING").status == "REJECT"
    filter = EventFilter.model_validate({"event": {"prefix": ["prefect.flow-run."]}})
    names = [event.event for event in orchestrator.send(events.read_events(filter)).events]
    assert sorted(names) == ["prefect.flow-run.Completed", "prefect.flow-run.Pending", "prefect.flow-run.Running"]


def test_a_subflow_run_names_the_task_run_that_it_is_for(orchestrator: Any) -> None:
    parent = orchestrator.flow_run()
    task_run = orchestrator.task_run(flow_run_id=parent.id, name="call")
    child = orchestrator.flow_run(parent_task_run_id=task_run.id)
    unknown = orchestrator.flow_run(parent_task_run_id=uuid7())
    for run, name in ((child, "call"), (unknown, None)):
        filter = EventFilter.model_validate({"resource": {"id": [f"prefect.flow-run.{run.id}"]}})
        (event,) = orchestrator.send(events.read_events(filter)).events
        assert event.resource_in_role["task-run"].name == name


def test_events_wait_until_somebody_asks_for_them(orchestrator: Any) -> None:
    def stored(table: Any) -> int:
        look = orchestrator.transport.database.transaction
        return look(lambda connection: records.count(connection, table, []), write=False)

    flow = orchestrator.flow()
    for _ in range(2):
        orchestrator.flow_run(flow_id=flow)
    assert (stored(tables.event), stored(tables.event_backlog)) == (0, 3)
    assert orchestrator.send(events.read_events()).total == 3
    assert (stored(tables.event), stored(tables.event_backlog)) == (3, 0)
    orchestrator.flow_run(flow_id=flow)
    assert sum(each.count for each in count(orchestrator, Countable.event)) == 4


def test_a_server_stores_events_at_once_and_takes_in_those_that_wait(orchestrator: Any) -> None:
    flow = orchestrator.flow()
    waiting = [orchestrator.flow_run(flow_id=flow) for _ in range(2)]
    transport = orchestrator.transport

    def begin(connection: Any) -> UnitOfWork:
        work = transport._begin(connection)
        work.serves = True
        return work

    settings = Settings(server={"services": {"event_persister": {"batch_size": 2}}})

    def perform(what: Any) -> Any:
        return transact(transport.database, begin, lambda work: what(work, settings), write=True)

    assert [perform(EVENT_BACKLOG.look), perform(EVENT_BACKLOG.act), perform(EVENT_BACKLOG.look)] == [True, True, True]
    assert [perform(EVENT_BACKLOG.act), perform(EVENT_BACKLOG.look)] == [False, False]
    found = transport.database.transaction(
        lambda connection: records.read_all(connection, tables.event, tables.event.select()), write=False
    )
    assert {row["resource_id"] for row in found} == {
        f"prefect.flow.{flow}",
        *(f"prefect.flow-run.{run.id}" for run in waiting),
    }


def test_who_waits_for_many_events_is_told_how_much_is_left(
    orchestrator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "prefect.client")
    transport = orchestrator.transport
    eager = EmbeddedTransport(transport.database, Vault(Path("unused.key")), clock=orchestrator.clock, tell_every=0)
    for _ in range(2):
        orchestrator.send(events.create_events([make(orchestrator, number % 50) for number in range(1001)]))
    assert eager.send(events.read_events()).total == 2002
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["1 batches are left."]


def test_what_is_rolled_back_was_never_told(orchestrator: Any) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="409"):
        orchestrator.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=uuid7())))
    assert orchestrator.send(events.read_events()).total == 0


# -- clients


def test_the_sync_client_reads_events(orchestrator: Any, told: list[Event]) -> None:
    client = SyncPrefectClient(orchestrator.transport)
    assert len(client.read_events().events) == 12
    page = client.read_events(EventFilter.model_validate({"event": {"name": ["acme.ate"]}}), limit=3)
    following = client.read_events_page(str(page.next_page))
    assert [event.payload["number"] for event in (*page.events, *following.events)] == [0, 3, 6, 9]
    with pytest.raises(ValueError, match="names no page"):
        client.read_events_page("http://x/api/events/filter/next")


@pytest.mark.anyio
async def test_the_async_client_reads_events(orchestrator: Any, told: list[Event]) -> None:
    client = PrefectClient(orchestrator.transport)
    page = await client.read_events(limit=10)
    following = await page.get_next_page(client)
    assert following is not None
    assert [event.payload["number"] for event in following.events] == [10, 11]
    again = await client.read_events_page(str(page.next_page))
    assert again.events == following.events
