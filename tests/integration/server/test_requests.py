"""Requests over HTTP: how they are read, how they are refused, what is sent back."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from prefect._contract.endpoints.table import ENDPOINTS

JSON = {"content-type": "application/json"}


def test_a_record_that_is_made_is_answered_201_and_found_again_200(client: httpx.Client) -> None:
    first = client.post("/flows/", json={"name": "a", "tags": ["x"]})
    second = client.post("/flows/", json={"name": "a"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == client.get(f"/flows/{first.json()['id']}").json()
    assert first.json()["tags"] == ["x"]
    assert first.headers["content-type"] == "application/json"


def test_a_slash_at_the_end_makes_no_difference(client: httpx.Client) -> None:
    assert client.post("/flows", json={"name": "a"}).status_code == 201
    assert len(client.post("/flows/filter/").json()) == 1


def test_names_in_paths_may_hold_anything(client: httpx.Client) -> None:
    made = client.post("/flows/", json={"name": "a ü?#c+d;e"}).json()
    assert client.get("/flows/name/a%20%C3%BC%3F%23c+d;e").json() == made
    assert client.get("/flows/name/a%2Fb").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/flows/no-id", 404),
        ("GET", "/flows/00000000-0000-4000-8000-000000000000", 404),
        ("GET", "//flows", 404),
        ("PUT", "/flows/", 405),
        ("GET", "/flow_run_states/?flow_run_id=no-id", 422),
        ("GET", "/flow_run_states/", 422),
    ],
)
def test_what_cannot_be_meant_is_refused(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert {"detail", "exception_message"} & set(answer.json())


def test_other_verbs_of_a_path_are_named(client: httpx.Client) -> None:
    assert client.put("/flows/").headers["allow"] == "POST"
    looks_like_an_id = client.get("/flows/filter")
    assert (looks_like_an_id.status_code, looks_like_an_id.headers["allow"]) == (405, "POST")
    assert client.get("/v2/concurrency_limits/filter").status_code == 404
    assert client.put("/flows/no-id").headers["allow"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{}", ["body", "name"]),
        (b'{"name": 3}', ["body", "name"]),
        (b'{"name": "a", "zz": 1}', ["body", "zz"]),
        (b"{broken", ["body"]),
        (b'{"name": "\\ud800"}', ["body"]),
        (b"[" * 100_000, ["body"]),
        (b'{"name": "a", "labels": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, ["body"]),
    ],
)
def test_a_body_that_cannot_be_understood_is_refused_with_the_place(
    client: httpx.Client, body: bytes, place: list[str]
) -> None:
    answer = client.post("/flows/", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["exception_message"] == "Invalid request received."
    assert answer.json()["exception_detail"][0]["loc"][: len(place)] == place


def test_fields_that_need_not_be_given_may_be_null(client: httpx.Client) -> None:
    client.post("/flows/", json={"name": "a"})
    nothing = {"flows": None, "limit": None, "offset": None, "sort": None}
    assert len(client.post("/flows/filter", json=nothing).json()) == 1
    assert client.post("/work_queues/filter", json={"offset": None}).json() == []
    assert client.post("/deployments/get_scheduled_flow_runs", json={"deployment_ids": None}).status_code == 422


@pytest.mark.parametrize("number", [10**20, -1, 201])
def test_numbers_out_of_bounds_are_refused(client: httpx.Client, number: int) -> None:
    assert client.post("/flows/filter", json={"limit": number}).status_code == 422
    expected = 200 if number == 201 else 422
    assert client.post("/flows/filter", json={"offset": number}).status_code == expected


def test_a_body_that_is_not_said_to_be_json_is_refused(client: httpx.Client) -> None:
    body = json.dumps({"name": "a"}).encode()
    assert client.post("/flows/", content=body, headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/flows/", content=body).status_code == 201


def test_a_large_body_is_refused_before_it_is_read(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/api/logs/")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(60 * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"at most" in answer.read()
    connection.close()


def test_a_large_body_of_unknown_length_is_refused(client: httpx.Client) -> None:
    def parts():
        for _ in range(40):
            yield b" " * 1024 * 1024

    with suppress(httpx.WriteError):  # the server does not take the rest
        assert client.post("/logs/", content=parts(), headers=JSON).status_code == 413
    assert client.get("/health").json() is True


@pytest.mark.parametrize("version", ["0.1.0", "junk", "1", "0.8"])
def test_clients_that_are_too_old_are_told(client: httpx.Client, version: str) -> None:
    headers = {"x-prefect-api-version": version}
    assert client.post("/flows/filter", headers=headers).status_code == 400
    assert client.get("/health", headers=headers).status_code == 200
    assert client.post("/flows/filter", headers={"x-prefect-api-version": "0.8.4"}).status_code == 200


def test_eight_creators_at_once_are_all_served(server) -> None:
    def create(number: int) -> list[int]:
        with server.client() as client:
            return [client.post("/flows/", json={"name": f"{number}-{i}"}).status_code for i in range(50)]

    with ThreadPoolExecutor(8) as threads:
        statuses = [status for made in threads.map(create, range(8)) for status in made]
    assert statuses == [201] * 400


def test_logs_are_downloaded_as_a_file(client: httpx.Client) -> None:
    flow = client.post("/flows/", json={"name": "a"}).json()["id"]
    run = client.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
    line = {"name": "n", "level": 20, "message": "hello", "timestamp": "2031-01-01T00:00:00Z", "flow_run_id": run}
    assert client.post("/logs/", json=[line]).status_code == 201
    answer = client.get(f"/flow_runs/{run}/logs/download")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "hello" in answer.text


def test_the_description_names_every_public_endpoint(client: httpx.Client, server) -> None:
    document = client.get("/openapi.json").json()
    described = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
    public = {(e.method, f"/api{e.path}") for e in ENDPOINTS if not e.path.startswith("/_core/")}
    assert described == public
    assert httpx.get(f"{server.url}/openapi.json", timeout=60).json() == document
    identifiers = [operation["operationId"] for verbs in document["paths"].values() for operation in verbs.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_the_description_links_what_is_made_to_what_can_be_done_with_it(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    links = paths["/api/work_pools/{work_pool_name}/queues"]["post"]["responses"]["201"]["links"]
    assert links["delete_work_pool_queue"]["parameters"] == {
        "work_pool_name": "$request.path.work_pool_name",
        "name": "$response.body#/name",
    }
    known = {operation["operationId"] for verbs in paths.values() for operation in verbs.values()}
    linked = {
        (path, link["operationId"])
        for path, verbs in paths.items()
        for operation in verbs.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert {operation for _, operation in linked} <= known
    unlinked = {
        path
        for path, verbs in paths.items()
        if "/api/" + path.split("/")[2] + "/{id}" == path and not any(path.startswith(maker) for maker, _ in linked)
    }
    assert unlinked == {"/api/flow_run_states/{id}", "/api/task_run_states/{id}"}


def test_secrets_are_described_as_they_are_answered(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert "writeOnly" not in schemas["ServerDatabaseSettings"]["properties"]["connection_url"]["anyOf"][0]
    assert client.get("/admin/settings").json()["server"]["database"]["connection_url"] in {None, "**********"}


def test_the_page_of_the_documentation_shows_them(server) -> None:
    page = httpx.get(f"{server.url}/docs", timeout=60)
    assert page.status_code == 200
    assert "/api/flow_runs/{id}/set_state" in page.text
    assert "script" not in page.text


def test_parameters_may_not_be_larger_than_the_settings_say(start) -> None:
    with start({"PREFECT_SERVER_API_MAX_PARAMETER_SIZE": "1000"}).client() as client:
        flow = client.post("/flows/", json={"name": "a"}).json()["id"]
        for size, status in ((900, 201), (1000, 413)):
            body = {"flow_id": flow, "parameters": {"a": "x" * size}}
            assert client.post("/flow_runs/", json=body).status_code == status


def test_a_list_has_as_many_records_as_the_settings_say(start) -> None:
    with start({"PREFECT_SERVER_API_DEFAULT_LIMIT": "2"}).client() as client:
        for name in "abc":
            client.post("/flows/", json={"name": name})
        assert len(client.post("/flows/filter").json()) == 2
        assert client.post("/flows/filter", json={"limit": 3}).status_code == 422
