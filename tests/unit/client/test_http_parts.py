"""The parts of the transport to a server that look at nothing but their arguments."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunUpdate, StateCreate
from prefect._contract.call import Call
from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterId
from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect.client.http.address import ServerAddress, checked_url
from prefect.client.http.recording import encode_records
from prefect.client.http.requests import encode_body, to_request
from prefect.client.http.retries import Trials, read_retry_after
from prefect.exceptions import ConfigurationError
from prefect.settings import get_current_settings, temporary_settings
from prefect.states import Completed, Running
from prefect.utilities.time import UTC

RUN = UUID("01a20000-0000-7000-8000-000000000000")
NOW = datetime(2031, 5, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (FlowCreate(name="f"), {"name": "f"}),
        (FlowRunUpdate(name="n", tags=[]), {"name": "n", "tags": []}),
        ({"state": StateCreate(type="RUNNING"), "force": False}, {"state": {"type": "RUNNING"}, "force": False}),
        ({"flow_runs": FlowRunFilter(id=FlowRunFilterId(any_=[RUN]))}, {"flow_runs": {"id": {"any_": [str(RUN)]}}}),
        ([FlowCreate(name="a"), FlowCreate(name="b")], [{"name": "a"}, {"name": "b"}]),
        ([], []),
        ({"tokens": [RUN], "seconds": timedelta(minutes=1)}, {"tokens": [str(RUN)], "seconds": 60.0}),
        ('{{ "a" }}', '{{ "a" }}'),
        ({'a "quoted" name': None}, {'a "quoted" name': None}),
    ],
)
def test_bodies_are_json_of_what_was_set(body: Any, expected: Any) -> None:
    assert json.loads(encode_body(body)) == expected


def test_queries_are_text() -> None:
    query = {"a": [1, 2], "b": True, "c": NOW, "d": None, "e": "x&y"}
    request = to_request(Call("GET", "/x/{id}", None, {"id": RUN}, query))
    assert request.path == f"/x/{RUN}?a=1&a=2&b=true&c=2031-05-06T12%3A00%3A00%2B00%3A00&e=x%26y"
    assert request.content is None
    assert request.headers == {}


def test_only_what_makes_something_has_a_key() -> None:
    key = uuid4()
    assert "Idempotency-Key" in to_request(Call("POST", "/artifacts/", body={})).headers
    assert to_request(Call("POST", "/logs/", body=[], key=key)).headers["Idempotency-Key"] == str(key)
    for path in ("/flow_runs/filter", "/flows/count", "/_core/leases/renew", "/work_queues/{id}/get_runs"):
        assert "Idempotency-Key" not in to_request(Call("POST", path, None, {"id": RUN}, body={})).headers
    assert "Idempotency-Key" not in to_request(Call("DELETE", "/flows/{id}", None, {"id": RUN})).headers


def test_pauses_grow_and_end() -> None:
    trials = Trials(max_retries=4, jitter=0.0)
    assert [trials.pause(patient=False) for _ in range(5)] == [0.25, 0.5, 1.0, 2.0, None]


def test_the_patient_do_not_count_but_look_often() -> None:
    trials = Trials(max_retries=1, jitter=0.0)
    assert [trials.pause(patient=True) for _ in range(40)][-1] == 5.0


@pytest.mark.parametrize(("number", "expected"), [(0.0, 0.2), (0.5, 0.25), (1.0, 0.3)])
def test_pauses_vary_by_the_factor(number: float, expected: float) -> None:
    trials = Trials(max_retries=1, jitter=0.2, random=lambda: number)
    assert trials.pause(patient=False) == pytest.approx(expected)
    full = Trials(max_retries=1, jitter=3.0, random=lambda: number)
    assert full.pause(patient=False) == pytest.approx(0.5 * number)


def test_what_the_server_asks_for_is_bounded() -> None:
    trials = Trials(max_retries=5, jitter=0.0)
    assert trials.pause(patient=False, asked=3.0) == 3.0
    assert trials.pause(patient=False, asked=86_400.0) == 60.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("Tue, 06 May 2031 12:00:30 GMT", 30.0),
        ("Tue, 06 May 2031 11:00:00 GMT", 0.0),
        ("tomorrow", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_is_seconds_or_a_moment(header: str | None, expected: float | None) -> None:
    assert read_retry_after(header, NOW) == expected


@pytest.mark.parametrize(
    "url", ["", "localhost:4200/api", "ftp://host/api", "http:///api", "http://host:99999/api", "http://h/api?x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"PREFECT_API_URL is .*such as http://127"):
        checked_url(url, "PREFECT_API_URL")


def test_an_address_is_what_the_settings_say() -> None:
    settings = {
        "api.url": "https://host.example:1234/api/",
        "api.key": "k",
        "api.request_timeout": 7,
        "client.max_retries": 9,
        "client.retry_extra_codes": "500,504",
        "client.custom_headers": {"X-One": "1"},
    }
    with temporary_settings(settings):
        address = ServerAddress.from_settings(get_current_settings())
    assert (address.url, address.timeout, address.max_retries) == ("https://host.example:1234/api", 7, 9)
    assert address.extra_codes == {500, 504}
    assert address.headers["X-One"] == "1"
    assert address.headers["Authorization"] == "Bearer k"
    assert address.name.startswith("host.example-")


def test_headers_of_our_own_cannot_be_set() -> None:
    for name in ("Authorization", "user-agent", "Prefect-Csrf-Token"):
        with (
            temporary_settings({"api.url": "http://h/api", "client.custom_headers": {name: "x"}}),
            pytest.raises(ConfigurationError, match=f"PREFECT_CLIENT_CUSTOM_HEADERS names '{name}'"),
        ):
            ServerAddress.from_settings(get_current_settings())


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(ServerAddress("http://h/api", key="hidden", auth_string="u:hidden"))


def test_records_are_small_and_lose_nothing() -> None:
    states = [Running(), Completed(message="done", data={"kept": None})]
    run = TaskRun(task_key="t", dynamic_key="0", state=states[-1], task_inputs={})
    [record] = json.loads(encode_records([TaskRunRecord(run, states)]))
    assert "state" not in record["task_run"]
    assert [state["name"] for state in record["states"]] == ["Running", "Completed"]
    assert record["states"][1]["data"] == {"kept": None}
    [alone] = json.loads(encode_records([TaskRunRecord(run, [])]))
    assert alone["task_run"]["state"]["name"] == "Completed"
