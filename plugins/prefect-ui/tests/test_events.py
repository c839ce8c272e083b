"""Events: the feed and one of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def tell(site, name, resource, ago=timedelta(), **fields):
    """Tell of an event, and answer with the path of its page."""
    occurred, id = datetime.now(timezone.utc) - ago, str(uuid4())
    event = {
        "id": id,
        "event": name,
        "occurred": occurred.isoformat(),
        "resource": {"prefect.resource.id": resource},
        "related": [],
        "payload": {},
        **fields,
    }
    site.api("POST", "/events", [event])
    return f"/events/event/{occurred:%Y-%m-%d}/{id}"


def found(site, query):
    return [link for link in site.show(f"/events?{query}").links if link.startswith("/events/event/")]


def test_events_are_found_by_name_resource_and_time(site):
    mine = f"mine.{uuid4().hex}"
    first = tell(site, f"{mine}.a", f"{mine}.thing.1")
    second = tell(site, f"{mine}.b", f"{mine}.thing.2", timedelta(hours=3))
    third = tell(site, f"{mine}.b", f"{mine}.other", timedelta(days=3))
    assert found(site, f"event={mine}.") == [first, second]
    assert found(site, f"event={mine}.*&since=1h") == [first]
    assert found(site, f"event={mine}.&since=7d") == [first, second, third]
    assert found(site, f"event={mine}.b&since=30d") == [second, third]
    assert found(site, f"resource={mine}.thing.&since=30d") == [first, second]
    assert found(site, f"event={mine}.&since=nonsense") == [first, second]
    assert "2 events" in site.show(f"/events?event={mine}.").text
    assert "2 over time, at most 1 in an interval" in site.show(f"/events?event={mine}.").html
    assert "No event is like this" in site.show("/events?event=nothing-is-called-so").text


def test_events_are_shown_page_by_page(site):
    mine = f"many.{uuid4().hex}"
    for number in range(51):
        tell(site, mine, "thing", timedelta(seconds=number))
    first = site.show(f"/events?event={mine}")
    assert sum(link.startswith("/events/event/") for link in first.links) == 50
    (older,) = [link for link in first.links if "older=" in link]
    second = site.show(older)
    assert sum(link.startswith("/events/event/") for link in second.links) == 1
    assert f"/events?event={mine}" in second.links
    assert not any("older=" in link for link in second.links)


def test_an_event_leads_to_what_it_is_about(site):
    run, follows = site.run(name="told-of"), str(uuid4())
    before = tell(site, "before.it", "thing", id=follows)
    related = [
        {
            "prefect.resource.id": f"prefect.flow-run.{run}",
            "prefect.resource.role": "run",
            "prefect.resource.name": "told-of",
        },
        {
            "prefect.resource.id": "prefect.work-pool.x",
            "prefect.resource.role": "pool",
            "prefect.resource.name": "my pool",
        },
        {"prefect.resource.id": "s3://bucket/key", "prefect.resource.role": "file"},
    ]
    page = tell(site, "a.thing", "mine.thing", related=related, payload={"how": "well"}, follows=follows)
    shown = site.show(page)
    assert shown.title == "a.thing · Prefect"
    assert f"/runs/flow-run/{run}" in shown.links
    assert "/work-pools/work-pool/my%20pool" in shown.links or "/work-pools/work-pool/my pool" in shown.links
    assert before.rpartition("/")[0] + f"/{follows}" in shown.links
    assert "well" in shown.text
    assert "s3://bucket/key" in shown.text
    assert "no longer there" in site.show(tell(site, "x", "y", follows=str(uuid4()))).text


@pytest.mark.parametrize(
    "path", ["2031-01-01/{id}", "nonsense/{id}", "9999-12-31/{id}", "0001-01-01/{id}", "2031-01-01/x"]
)
def test_an_event_that_is_not_there_is_not_found(site, path):
    site.show(f"/events/event/{path.format(id=uuid4())}", 404)


def test_a_page_of_older_events_that_is_none_is_said(site):
    assert site.client.get("/events?older=nonsense").status_code in {400, 404, 422}


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site):
    related = [{"prefect.resource.id": HOSTILE, "prefect.resource.role": HOSTILE, "prefect.resource.name": HOSTILE}]
    page = tell(site, HOSTILE, HOSTILE, related=related, payload={HOSTILE: HOSTILE})
    for path in ("/events", page):
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
