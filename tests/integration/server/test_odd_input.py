"""What nobody sends who means well: refused with a reason, at little cost, on each kind of database."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.integration.server.target import JSON, MB, MOMENT, Target, line, serving, unharmed
from tests.postgres import POSTGRES

REFUSED = {404, 409, 413, 422}


@pytest.fixture(scope="module", params=["sqlite", POSTGRES])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    environment = {}
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres_server")
        environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = postgres.url(postgres.database_with_tables())
    with serving(tmp_path_factory.mktemp("server"), environment) as target:
        yield target


@pytest.fixture(autouse=True)
def _unharmed(target: Target) -> Iterator[None]:
    with unharmed(target):
        yield


# -- large ------------------------------------------------------------------------------------------------------------


def test_a_log_of_sixty_megabytes(target: Target) -> None:
    target.run()
    before = target.memory("VmHWM")
    body = json.dumps([line("x" * 60 * MB)]).encode()
    connection = http.client.HTTPConnection(target.api.split("/")[2], timeout=60)
    with suppress(BrokenPipeError, ConnectionResetError):  # the server takes no more than it wants
        connection.request("POST", "/api/logs/", body, JSON)
    assert connection.getresponse().status == 413
    connection.close()
    assert target.memory("VmHWM") - before < 50 * MB


def test_a_log_of_sixty_megabytes_in_chunks(target: Target) -> None:
    before = target.memory("VmHWM")

    def parts() -> Iterator[bytes]:
        for _ in range(60):
            yield b"x" * MB

    with suppress(httpx.TransportError):
        assert target.client.post("/logs/", content=parts(), headers=JSON).status_code == 413
    assert target.memory("VmHWM") - before < 50 * MB


def test_parameters_of_ten_megabytes(target: Target) -> None:
    assert target.run(parameters={"a": "x" * 10 * MB}).status_code in {201, *REFUSED}


def test_a_long_path_and_query(target: Target) -> None:
    with suppress(httpx.TransportError):
        assert target.client.get("/flows/name/" + "x" * 50_000).status_code in {400, 404, 414}
    with suppress(httpx.TransportError):
        assert target.client.get("/events/filter/next?page-token=" + "x" * 50_000).status_code in {400, 404, 414, 422}


def test_ten_thousand_tags(target: Target) -> None:
    tags = [f"tag-{number}" for number in range(10_000)]
    assert target.run(tags=tags).status_code in {201, *REFUSED}
    for kind in ("all_", "any_"):
        found = target.post("/flow_runs/filter", {"flow_runs": {"tags": {kind: tags}}})
        assert found.status_code in {200, *REFUSED}


@pytest.mark.parametrize("number", [1000, 40_000, 100_000])
def test_filters_with_many_ids(target: Target, number: int) -> None:
    ids = [f"00000000-0000-4000-8000-{one:012x}" for one in range(number)]
    answer = target.post("/flow_runs/filter", {"flow_runs": {"id": {"any_": ids}}})
    assert answer.status_code in {200, *REFUSED}


def test_ten_thousand_lines_of_logs_and_events(target: Target) -> None:
    assert target.post("/logs/", [line("x")] * 10_000).status_code in {201, *REFUSED}
    event = {"occurred": MOMENT, "event": "e", "resource": {"prefect.resource.id": "r"}}
    events = [{**event, "id": f"00000000-0000-4000-8000-{one:012x}"} for one in range(3000)]
    assert target.post("/events", events).status_code in {204, *REFUSED}


# -- deep -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [100_000, 5000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_that_is_deep(target: Target, depth: int, opening: bytes, closing: bytes) -> None:
    deep = opening * depth + b"1" + closing * depth
    assert target.post("/flows/", deep).status_code == 422
    bodies = [
        ("/flow_runs/", b'{"flow_id": "%s", "parameters": {"a": %s}}' % (target.flow.encode(), deep)),
        ("/flows/filter", b'{"flows": %s}' % deep),
        ("/variables/", b'{"name": "deep", "value": %s}' % deep),
        ("/ui/schemas/validate", b'{"json_schema": %s, "values": {}}' % deep),
    ]
    for path, body in bodies:
        assert target.post(path, body).status_code == 422, path


@pytest.mark.parametrize("depth", [50, 100, 150, 190, 200, 250, 500, 990])
def test_json_that_is_a_little_deep_is_kept_or_refused(target: Target, depth: int) -> None:
    deep = b"[" * depth + b"1" + b"]" * depth
    body = b'{"flow_id": "%s", "parameters": {"a": %s}}' % (target.flow.encode(), deep)
    made = target.post("/flow_runs/", body)
    assert made.status_code in {201, 422}
    if made.status_code == 201:
        identifier = made.content.partition(b'"id":"')[2][:36].decode()
        read = target.client.get(f"/flow_runs/{identifier}")
        assert read.status_code == 200
        assert b'"parameters":{"a":%s}' % deep in read.content
        assert target.post("/flow_runs/filter", {"limit": 200}).status_code == 200


def test_filters_within_filters(target: Target) -> None:
    wanted: dict[str, Any] = {"name": {"any_": ["a"]}}
    assert target.post("/flows/filter", {"flows": {"operator": "or_", **wanted}}).status_code == 200
    trigger: dict[str, Any] = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 10}
    for _ in range(300):
        trigger = {"type": "compound", "require": "any", "triggers": [trigger], "within": 10}
    automation = {"name": "deep", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    assert target.post("/automations/", automation).status_code in {201, 422}


# -- numbers ----------------------------------------------------------------------------------------------------------

HUGE = [10**20, 2**63, 2**64, -(2**63) - 1, -1, 10**400]


@pytest.mark.parametrize("number", HUGE, ids=lambda number: f"{number:.3g}" if abs(number) < 10**300 else "10^400")
def test_numbers_that_are_huge(target: Target, number: int) -> None:
    for path in ("/flows/filter", "/flow_runs/filter", "/logs/filter", "/variables/filter", "/task_runs/paginate"):
        for name in ("offset", "limit", "page"):
            assert target.post(path, {name: number}).status_code in {200, 422}, (path, name)
    pool = {"name": "huge", "type": "process", "concurrency_limit": number}
    bodies: list[tuple[str, Any]] = [
        ("/logs/", [{**line("x"), "level": number}]),
        ("/work_pools/", pool),
        ("/work_queues/", {"name": f"q{number % 1000}", "priority": number}),
        ("/v2/concurrency_limits/", {"name": f"l{number % 1000}", "limit": number}),
        ("/concurrency_limits/", {"tag": f"t{number % 1000}", "concurrency_limit": number}),
        ("/v2/concurrency_limits/increment", {"names": ["x"], "slots": number}),
        ("/v2/concurrency_limits/increment-with-lease", {"names": ["x"], "slots": 1, "lease_duration": number}),
        ("/variables/", {"name": f"v{number % 1000}", "value": number}),
        ("/artifacts/", {"key": "huge", "data": number}),
        ("/flow_runs/", {"flow_id": target.flow, "parameters": {"a": number}}),
        ("/flow_runs/", {"flow_id": target.flow, "empirical_policy": {"retries": number, "retry_delay": number}}),
        ("/task_runs/", {"task_key": "k", "dynamic_key": "0", "flow_run_id": None, "empirical_policy": {"retries": number}}),
        ("/deployments/", {"name": f"d{number % 1000}", "flow_id": target.flow, "concurrency_limit": number}),
        ("/flow_runs/history", {"history_start": MOMENT, "history_end": "2031-01-02T00:00:00Z",
                                "history_interval_seconds": number}),
        ("/logs/filter", {"logs": {"level": {"ge_": number}}}),
    ]  # fmt: skip
    for path, body in bodies:
        answer = target.post(path, body)
        assert answer.status_code in {200, 201, 423, *REFUSED}, (path, answer.text)
    assert target.client.delete("/work_pools/huge").status_code in {204, 404}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-0.0", "1" + "0" * 5000])
def test_numbers_that_are_none(target: Target, text: str) -> None:
    body = b'{"flow_id": "%s", "parameters": {"a": %s}}' % (target.flow.encode(), text.encode())
    made = target.post("/flow_runs/", body)
    assert made.status_code in {201, 422}
    if made.status_code == 201:
        read = target.client.get(f"/flow_runs/{made.json()['id']}").text
        json.loads(read, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    assert target.post("/logs/filter", b'{"limit": %s}' % text.encode()).status_code == 422 or text == "-0.0"
    taken = b'{"names": ["x"], "slots": 1, "lease_duration": %s}' % text.encode()
    assert target.post("/v2/concurrency_limits/increment-with-lease", taken).status_code == 422
    limit = b'{"name": "nan", "limit": 1, "slot_decay_per_second": %s}' % text.encode()
    assert target.post("/v2/concurrency_limits/", limit).status_code in {201, 409, 422}
    assert target.client.get("/v2/concurrency_limits/nan").status_code in {200, 404}
    target.client.delete("/v2/concurrency_limits/nan")


MOMENTS = [
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "1e20",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_at_the_end_of_time(target: Target, moment: str) -> None:
    scheduled = {"type": "SCHEDULED", "timestamp": moment, "state_details": {"scheduled_time": moment}}
    schedule = {"schedule": {"interval": 3600, "anchor_date": moment}, "active": True}
    later = "9999-12-31T00:00:00Z"
    bodies: list[tuple[str, Any]] = [
        ("/logs/", [{**line("x"), "timestamp": moment}]),
        ("/flow_runs/", {"flow_id": target.flow, "state": scheduled}),
        ("/flow_runs/filter", {"flow_runs": {"expected_start_time": {"before_": moment}}}),
        ("/flow_runs/history", {"history_start": moment, "history_end": later, "history_interval_seconds": 1e9}),
        ("/flow_runs/history", {"history_start": "0001-01-01T00:00:00Z", "history_end": later,
                                "history_interval_seconds": 1}),
        ("/deployments/", {"name": "end", "flow_id": target.flow, "schedules": [schedule]}),
        ("/events", [{"occurred": moment, "event": "e", "resource": {"prefect.resource.id": "r"},
                      "id": "00000000-0000-4000-8000-000000000000"}]),
        ("/events/filter", {"filter": {"occurred": {"since": moment, "until": moment}}}),
    ]  # fmt: skip
    for path, body in bodies:
        answer = target.post(path, body)
        assert answer.status_code in {200, 201, 204, *REFUSED}, (path, answer.text)


# -- text -------------------------------------------------------------------------------------------------------------


def test_nul_in_text(target: Target) -> None:
    nul = "a\x00b"
    bodies: list[tuple[str, Any]] = [
        ("/flows/", {"name": nul}),
        ("/flows/", {"name": "nul", "tags": [nul], "labels": {nul: nul}}),
        ("/flow_runs/", {"flow_id": target.flow, "name": nul, "parameters": {nul: nul}, "tags": [nul]}),
        ("/flow_runs/", {"flow_id": target.flow, "state": {"type": "PENDING", "message": nul, "name": nul}}),
        ("/logs/", [line(nul)]),
        ("/variables/", {"name": "nul", "value": nul}),
        ("/artifacts/", {"key": nul, "data": nul, "description": nul}),
        ("/flows/filter", {"flows": {"name": {"any_": [nul]}}}),
        ("/flows/filter", {"flows": {"name": {"like_": nul}}}),
        ("/flow_runs/filter", {"flow_runs": {"tags": {"all_": [nul]}}}),
        ("/logs/filter", {"logs": {"text": {"query": nul}}}),
        ("/events/filter", {"filter": {"text": {"query": nul}}}),
        ("/work_pools/", {"name": nul, "type": nul}),
        ("/events", [{"occurred": MOMENT, "event": nul, "resource": {"prefect.resource.id": nul},
                      "id": "00000000-0000-4000-8000-000000000001"}]),
    ]  # fmt: skip
    for path, body in bodies:
        answer = target.post(path, body)
        assert answer.status_code in {200, 201, 204, *REFUSED}, (path, answer.text)
    for path in ("/flows/name/a%00b", "/variables/name/a%00b", "/work_pools/a%00b", "/v2/concurrency_limits/a%00b"):
        assert target.client.get(path).status_code in {200, 404, 422}, path


LONE = [b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\xff\xfe"', b'"\xc3\x28"']


@pytest.mark.parametrize("text", LONE)
def test_text_that_is_none(target: Target, text: bytes) -> None:
    for path, body in [
        ("/flows/", b'{"name": %s}'),
        ("/variables/", b'{"name": "lone", "value": %s}'),
        ("/logs/", b'[{"name": "n", "level": 20, "timestamp": "2031-01-01T00:00:00Z", "message": %s}]'),
        ("/flows/filter", b'{"flows": {"name": {"any_": [%s]}}}'),
        ("/templates/validate", b"%s"),
    ]:
        assert target.post(path, body % text).status_code == 422, path
    for path in ("/flows/name/%ED%A0%80", "/flows/name/%FF", "/artifacts/%C3%28/latest"):
        assert target.client.get(path).status_code == 404, path
    assert target.client.get("/collections/views/%ED%A0%80").status_code == 404
    assert target.client.get("/flow_run_states/?flow_run_id=%ED%A0%80").status_code == 422


@pytest.mark.parametrize("pattern", ["%" * 60_000, "_" * 60_000, "[" * 60_000, "\\", "%\\", "a%" * 20_000])
def test_patterns_that_are_long_or_broken(target: Target, pattern: str) -> None:
    for kind in ("flows", "flow_runs", "deployments", "variables"):
        answer = target.post(f"/{kind}/filter", {kind: {"name": {"like_": pattern}}})
        assert answer.status_code in {200, 422}, (kind, answer.text)
    for query in (pattern, '"' * 100, "- " * 5000, "a " * 50_000):
        answer = target.post("/logs/filter", {"logs": {"text": {"query": query[:60_000]}}})
        assert answer.status_code in {200, 422}, answer.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_other_encodings(target: Target, encoding: str) -> None:
    assert target.post("/flows/", '{"name": "ü"}'.encode(encoding)).status_code == 422
    assert target.post("/flows/", b"\x1f\x8b\x08\x00").status_code == 422


def test_headers_that_are_odd(target: Target) -> None:
    for name, value, status in [
        ("idempotency-key", "x" * 10_000, 422),
        ("content-type", "application/json; charset=" + "x" * 5000, 201),
        ("content-type", "text/plain", 415),
        ("host", "evil.example", 421),
        ("x-prefect-api-version", "9" * 6000 + ".0.0", 400),
    ]:
        content = json.dumps({"name": f"headers {value[:5]}"})
        answer = target.client.post("/flows/", content=content, headers={**JSON, name: value})
        assert answer.status_code == status, (name, answer.text)
