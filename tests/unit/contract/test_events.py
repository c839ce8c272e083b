"""Events: what resources are, which are meant, and which events a filter selects."""

from __future__ import annotations

import asyncio
import copy
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from pydantic import ValidationError

from prefect._contract.call import Call
from prefect._contract.endpoints import events as endpoints
from prefect._contract.events import (
    Event,
    ReceivedEvent,
    RelatedResource,
    Resource,
    ResourceSpecification,
    matches,
)
from prefect._contract.filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventIDFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventRelatedFilter,
    EventResourceFilter,
    EventTextFilter,
)
from prefect._contract.responses import EventPage
from prefect._contract.text_query import is_found_by

RUN = "prefect.flow-run.12345678-1234-5678-1234-567812345678"
NOON = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)


def related(id: str, role: str, **labels: str) -> RelatedResource:
    return RelatedResource({"prefect.resource.id": id, "prefect.resource.role": role, **labels})


def completed(**fields) -> Event:
    return Event(
        **{
            "id": UUID(int=5),
            "occurred": NOON,
            "event": "prefect.flow-run.Completed",
            "resource": {"prefect.resource.id": RUN, "prefect.resource.name": "Lynx", "team": "data"},
            "related": [
                related("prefect.flow.1", "flow", level="2"),
                related("prefect.tag.x", "tag", level="3"),
                related("prefect.tag.y", "tag"),
            ],
            "payload": {"note": "needle in HAY"},
            **fields,
        }
    )


# -- resources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "labels", "message"),
    [
        (Resource, {}, "Resources must include the prefect.resource.id label. Those given are: none"),
        (Resource, {"a": "b"}, "Those given are: a"),
        (Resource, {"prefect.resource.id": ""}, "prefect.resource.id label must be non-empty"),
        (RelatedResource, {"prefect.resource.id": "a"}, "must include the prefect.resource.role label"),
        (RelatedResource, {"prefect.resource.role": "a"}, "must include the prefect.resource.id label"),
        (Resource, {"prefect.resource.id": 1}, "valid string"),
    ],
)
def test_a_resource_can_be_identified(model, labels, message):
    with pytest.raises(ValidationError, match=message):
        model(labels)


def test_a_resource_tells_what_it_stands_for():
    resource = Resource({"prefect.resource.id": RUN, "prefect.resource.name": "Lynx"})
    assert (resource.id, resource.name) == (RUN, "Lynx")
    assert resource.prefect_object_id("prefect.flow-run") == UUID(RUN[-36:])
    with pytest.raises(ValueError, match="does not start with prefect.flow\\."):
        resource.prefect_object_id("prefect.flow")
    with pytest.raises(ValueError, match="prefect.flow.abc does not end with a UUID"):
        Resource({"prefect.resource.id": "prefect.flow.abc"}).prefect_object_id("prefect.flow")


def test_labels_are_found_by_name_and_part_by_part():
    resource = Resource({"prefect.resource.id": "a", "x.y": "1", "x.y.z": "2", "x.a-b": "3"})
    assert resource["x.y"] == resource.get("x.y") == "1"
    assert resource.get("none") is None
    assert resource.get("none", "d") == "d"
    assert "x.y" in resource
    assert "x" not in resource
    assert list(resource.keys()) == list(dict(resource.items()))
    labels = resource.labels
    assert (str(labels.x.y), str(labels.x.y.z), str(labels.prefect.resource.id), str(labels.x)) == ("1", "2", "a", "")
    assert (labels.x["y.z"], getattr(labels.x, "a-b").__str__()) == ("2", "3")
    assert list(labels.x) == [("y", "1"), ("y.z", "2"), ("a-b", "3")]
    assert (len(labels), len(labels.x), len(labels.x.y.z)) == (4, 3, 0)
    assert labels.x.y.z
    with pytest.raises(AttributeError, match="No label is called 'nope' here. There are: y, y.z, a-b"):
        labels.x.nope
    assert str(copy.deepcopy(labels).x.y) == "1"
    with pytest.raises(AttributeError):
        labels._labels_of_nobody
    with pytest.raises(KeyError):
        labels["x"]


def test_labels_are_compared_and_listed():
    resource = Resource({"prefect.resource.id": "a", "k": "v"})
    assert resource.has_all_labels({"k": "v"})
    assert resource.has_all_labels({})
    assert not resource.has_all_labels({"k": "w"})
    assert resource.as_label_value_array()[1] == {"label": "k", "value": "v"}
    resource["k"] = "w"
    assert resource == Resource({"prefect.resource.id": "a", "k": "w"})


# -- events -----------------------------------------------------------------------------------------------------------


def test_an_event_has_an_id_and_a_time():
    event = Event(event="it.happened", resource={"prefect.resource.id": "it"})
    assert event.id.version == 7
    assert event.occurred.tzinfo is timezone.utc
    assert event.size_bytes == len(event.model_dump_json().encode())
    assert {"id", "occurred"} <= set(event.model_dump(exclude_unset=True))
    again = ReceivedEvent.model_validate_json(event.model_dump_json())
    assert (again.id, again.occurred, again.resource) == (event.id, event.occurred, event.resource)
    assert again.received >= event.occurred


def test_an_event_finds_its_resources():
    event = completed()
    assert [resource.id for resource in event.involved_resources] == [
        RUN,
        "prefect.flow.1",
        "prefect.tag.x",
        "prefect.tag.y",
    ]
    assert {role: resource.id for role, resource in event.resource_in_role.items()} == {
        "flow": "prefect.flow.1",
        "tag": "prefect.tag.x",
    }
    assert [resource.id for resource in event.resources_in_role["tag"]] == ["prefect.tag.x", "prefect.tag.y"]
    assert event.resources_in_role["nobody"] == []


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("team", "data"),
        ("level", None),
        ("related:flow:level", "2"),
        ("related:tag:level", "3"),
        ("related:nobody:level", None),
        ("related:flow:none", None),
        ("related:flow", None),
    ],
)
def test_an_event_finds_labels(label, value):
    assert completed().find_resource_label(label) == value


# -- which resources are meant ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "value", "answer"),
    [
        ("x", "x", True),
        ("x", "y", False),
        ("x*", "xyz", True),
        ("x*", "wxy", False),
        ("*", "", True),
        ("!x", "x", False),
        ("!x", "y", True),
        ("!x*", "xy", False),
        ("!x*", "ab", True),
        ("!!x", "x", True),
        ("!*", "a", False),
        ("a*b", "acb", False),
        ("x", None, False),
        ("!x", None, False),
        ("*", None, False),
    ],
)
def test_a_label_matches(expected, value, answer):
    assert matches(expected, value) is answer


@pytest.mark.parametrize(
    ("specification", "answer"),
    [
        ({}, True),
        ({"a": "b"}, True),
        ({"a": ["z", "b"]}, True),
        ({"a": "!b"}, False),
        ({"z": "!b"}, False),
        ({"z": "*"}, False),
        ({"a": "b", "c": "e*"}, True),
        ({"a": "b", "c": "f*"}, False),
        ({"a": []}, False),
        ({"a": ["!z", "q"]}, True),
        ({"prefect.resource.id": "*"}, True),
    ],
)
def test_a_specification_means_resources_with_all_its_labels(specification, answer):
    resource = Resource({"prefect.resource.id": "i", "a": "b", "c": "efg"})
    meant = ResourceSpecification(specification)
    assert meant.matches(resource) is answer
    assert meant.includes([Resource({"prefect.resource.id": "other"}), resource]) is answer
    assert meant.includes([]) is (specification == {})


@pytest.mark.parametrize(
    ("specification", "every", "of_kind"),
    [
        ({}, True, True),
        ({"prefect.resource.id": "*"}, False, False),
        ({"prefect.resource.id": "prefect.flow-run.*"}, False, True),
        ({"prefect.resource.id": ["prefect.flow-run.*", "b"]}, False, True),
        ({"prefect.resource.id": "prefect.flow-run.*", "a": "b"}, False, False),
        ({"prefect.resource.id": "prefect.*"}, False, False),
        ({"prefect.resource.id": "prefect.flow-run*"}, False, False),
    ],
)
def test_a_specification_that_means_all(specification, every, of_kind):
    meant = ResourceSpecification(specification)
    assert meant.matches_every_resource() is every
    assert meant.matches_every_resource_of_kind("prefect.flow-run") is of_kind


def test_a_specification_is_like_a_mapping_of_lists():
    meant = ResourceSpecification({"a": "b", "c": ["d"]})
    assert list(meant.items()) == [("a", ["b"]), ("c", ["d"])]
    assert (meant["a"], meant.get("c"), meant.get("z"), meant.get("z", "q"), len(meant)) == (["b"], ["d"], [], ["q"], 2)
    copied = meant.deepcopy()
    assert copied.pop("a") == ["b"]
    assert copied.pop("a", "d") == ["d"]
    assert "a" in meant
    assert copied.model_dump() == {"c": ["d"]}


# -- filters ----------------------------------------------------------------------------------------------------------

NAME = "prefect.flow-run.Completed"


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (EventOccurredFilter(since=NOON, until=NOON), True),
        (EventOccurredFilter(since=NOON + timedelta(1), until=NOON + timedelta(2)), False),
        (EventOccurredFilter(since=NOON - timedelta(2), until=NOON - timedelta(1)), False),
        (EventNameFilter(), True),
        (EventNameFilter(prefix=["x", "prefect.f"]), True),
        (EventNameFilter(prefix=["x"]), False),
        (EventNameFilter(prefix=["x"], name=[NAME]), False),
        (EventNameFilter(exclude_prefix=["prefect."]), False),
        (EventNameFilter(exclude_prefix=["x"]), True),
        (EventNameFilter(name=[NAME]), True),
        (EventNameFilter(name=["prefect.flow-run.*"]), False),
        (EventNameFilter(exclude_name=[NAME]), False),
        (EventNameFilter(name=[], prefix=[]), True),
        (EventResourceFilter(), True),
        (EventResourceFilter(id=[RUN]), True),
        (EventResourceFilter(id=["prefect.flow.1"]), False),
        (EventResourceFilter(id=["x"], id_prefix=["prefect"]), False),
        (EventResourceFilter(id_prefix=["prefect.fl"]), True),
        (EventResourceFilter(labels={"team": "data"}), True),
        (EventResourceFilter(labels={"team": "other"}), False),
        (EventResourceFilter(id=[RUN], labels={"team": "other"}), False),
        (EventResourceFilter(distinct=True), True),
        (EventRelatedFilter(), True),
        (EventRelatedFilter(id=["prefect.flow.1"]), True),
        (EventRelatedFilter(id=[RUN]), False),
        (EventRelatedFilter(role=["flow"]), True),
        (EventRelatedFilter(role=["nobody"]), False),
        (EventRelatedFilter(id=["prefect.flow.1"], role=["tag"]), False),
        (EventRelatedFilter(resources_in_roles=[("prefect.flow.1", "flow")]), True),
        (EventRelatedFilter(resources_in_roles=[("prefect.flow.1", "tag")]), False),
        (EventRelatedFilter(labels={"level": "3"}), True),
        (EventRelatedFilter(labels={"level": "3"}, role=["flow"]), False),
        (EventAnyResourceFilter(), True),
        (EventAnyResourceFilter(id=["prefect.flow.1"]), True),
        (EventAnyResourceFilter(id=["z"]), False),
        (EventAnyResourceFilter(id_prefix=["prefect.tag"]), True),
        (EventAnyResourceFilter(labels={"team": "data"}), True),
        (EventAnyResourceFilter(id=["prefect.flow.1"], labels={"team": "data"}), False),
        (EventIDFilter(id=[UUID(int=5)]), True),
        (EventIDFilter(id=[UUID(int=6)]), False),
        (EventIDFilter(id=[]), True),
        (EventTextFilter(query="needle"), True),
        (EventTextFilter(query="Lynx"), True),
        (EventTextFilter(query="missing"), False),
    ],
)
def test_a_filter_selects_events(condition, answer):
    event = completed()
    assert condition.includes(event) is answer
    assert condition.excludes(event) is not answer
    field = {
        EventOccurredFilter: "occurred",
        EventNameFilter: "event",
        EventResourceFilter: "resource",
        EventRelatedFilter: "related",
        EventAnyResourceFilter: "any_resource",
        EventIDFilter: "id",
        EventTextFilter: "text",
    }[type(condition)]
    whole = EventFilter(**{"occurred": {"since": NOON, "until": NOON}, field: condition})
    assert whole.includes(event) is answer


def test_of_several_filters_of_a_kind_each_must_select():
    occurred = {"since": NOON, "until": NOON}
    both = EventFilter(occurred=occurred, related=[{"role": ["flow"]}, {"role": ["tag"]}])
    assert both.includes(completed())
    assert len(both.get_filters()) == 4
    assert EventFilter(occurred=occurred, related=[{"role": ["flow"]}, {"role": ["no"]}]).excludes(completed())
    assert EventFilter(occurred=occurred, any_resource=[{"id": [RUN]}, {"id": ["no"]}]).excludes(completed())


def test_events_are_looked_for_in_the_last_half_year():
    condition = EventOccurredFilter()
    assert timedelta(days=180) <= condition.until - condition.since < timedelta(days=181, seconds=1)
    assert condition.since.hour == condition.since.microsecond == 0
    assert EventFilter().model_dump(exclude={"occurred", "order"}, exclude_none=True) == {"id": {"id": []}}


def test_a_text_that_is_looked_for_is_short():
    with pytest.raises(ValidationError, match="at most 200 characters"):
        EventTextFilter(query="x" * 201)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("needle", True),
        ("NEEDLE", True),
        ("needle missing", True),
        ("-needle", False),
        ("!needle", False),
        ("-missing", True),
        ('"needle in"', True),
        ('"in needle"', False),
        ('-"needle in"', False),
        ("+needle +hay", True),
        ("+needle +missing", False),
        ("needle -hay", False),
        ("", True),
        (" ", True),
        ('"a \\"b\\""', False),
    ],
)
def test_words_are_found(query, answer):
    assert is_found_by(query, "needle in HAY") is answer


# -- pages ------------------------------------------------------------------------------------------------------------


class Recorder:
    """A client whose transport keeps the calls it is to send."""

    def __init__(self) -> None:
        self.transport = self
        self.calls: list[Call] = []

    def send(self, call: Call) -> str:
        self.calls.append(call)
        return "page"

    async def asend(self, call: Call) -> str:
        return self.send(call)


def test_the_next_page_is_asked_for_by_its_token():
    page = EventPage(events=[], total=0, next_page="http://host/api/events/filter/next?page-token=a%3D%26b")
    client = Recorder()
    assert page.get_next_page_sync(client) == asyncio.run(page.get_next_page(client)) == "page"
    assert client.calls == [endpoints.read_events_page("a=&b")] * 2
    assert client.calls[0].query == {"page-token": "a=&b"}


def test_after_the_last_page_there_is_none():
    page = EventPage(events=[], total=0, next_page=None)
    client = Recorder()
    assert page.get_next_page_sync(client) is asyncio.run(page.get_next_page(client)) is None
    assert client.calls == []


def test_a_page_that_cannot_be_named_is_an_error():
    page = EventPage(events=[], total=0, next_page="http://host/next")
    with pytest.raises(ValueError, match="'http://host/next', which has no page-token"):
        page.get_next_page_sync(Recorder())
