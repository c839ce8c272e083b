"""Who gets in."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from prefect._contract.endpoints.table import ENDPOINTS
from prefect.server.api.actors import RUNNING

PASSWORD = {"PREFECT_SERVER_API_AUTH_STRING": "ada:pässword"}
GOOD = {"authorization": "Basic " + base64.b64encode("ada:pässword".encode()).decode()}
ID = "00000000-0000-4000-8000-000000000000"

WEBSOCKETS = [
    "/events/in",
    "/events/out",
    "/logs/out",
    "/task_runs/subscriptions/scheduled",
    "/work_pools/p/workers/connect",
]


def filled(path: str) -> str:
    return re.sub(r"{\w+}", ID, path)


def odd_paths(path: str) -> list[str]:
    """Other ways to write a path, with which a careless check could be passed."""
    return [
        path,
        f"{path}/",
        f"/{path}",
        f"{path};x",
        f"{path}?a=/api/health",
        f"{path}%2e",
        f"/api/health/..{path}",
        path.replace("/api/", "/api/health/../"),
        path.replace("/api", "/API"),
        path.replace("/api/", "/api//"),
        path.replace("/api/", "/api/%2e/"),
        path.replace("/api/", "/%61pi/"),
    ]


def raw(server: Any, method: str, path: str, headers: dict[str, str] | None = None) -> int:
    """The status that a request is answered with whose path is sent exactly as it is."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest(method, path)
        for name, value in {"content-length": "0", **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_without_credentials_nothing_is_answered_but_whether_the_server_is_alive(start) -> None:
    server = start(PASSWORD)
    routes = [(endpoint.method, f"/api{filled(endpoint.path)}") for endpoint in ENDPOINTS]
    routes += [("GET", path) for path in ("/", "/docs", "/openapi.json", "/api/openapi.json", "/ui-settings")]
    answered = {(method, path) for method, path in routes if raw(server, method, path) != 401}
    assert answered == {("GET", "/api/health"), ("GET", "/api/ready")}


def test_there_is_no_other_way_to_write_a_path(start) -> None:
    server = start(PASSWORD)
    paths = [path for place in ("/api/flows/filter", "/api/admin/settings") for path in odd_paths(place)]
    for path in paths:
        for method in ("GET", "POST"):
            forwarded = {"x-forwarded-for": "127.0.0.1", "x-original-url": "/api/health", "x-rewrite-url": "/api/ready"}
            assert raw(server, method, path, forwarded) == 401, (method, path)
    assert raw(server, "POST", "/api/health") == 401


@pytest.mark.parametrize(
    "value",
    ["", "Basic", "Basic !!!", "Basic YWRh", "Bearer x", "Basic " + "A" * 1_000_000, "Digest x", "Basic w7/DvzrDvw=="],
)
def test_bad_credentials_are_refused(start, value: str) -> None:
    server = start(PASSWORD)
    assert raw(server, "POST", "/api/flows/filter", {"authorization": value}) in {400, 401, 431}


def test_good_credentials_are_taken(start) -> None:
    with start(PASSWORD).client(headers=GOOD) as client:
        assert client.post("/flows/filter").json() == []


def test_guessing_is_slowed_down(start) -> None:
    server = start(PASSWORD)
    wrong = {"authorization": "Basic " + base64.b64encode(b"ada:wrong").decode()}
    statuses = [raw(server, "POST", "/api/flows/filter", wrong) for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


@pytest.mark.parametrize("path", WEBSOCKETS)
@pytest.mark.parametrize("first", ['{"type":"auth","token":null}', '{"type":"auth","token":"wrong"}', "{}", "junk"])
def test_websockets_are_closed_for_strangers(start, path: str, first: str) -> None:
    server = start(PASSWORD)

    async def talk() -> int | None:
        address = f"ws://127.0.0.1:{server.port}/api{path}"
        async with websockets.connect(address, subprotocols=["prefect"], proxy=None) as socket:
            await socket.send(first)
            try:
                await socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None
        return None

    assert asyncio.run(talk()) in {1002, 1008}


@pytest.mark.parametrize("path", WEBSOCKETS)
def test_websockets_of_those_who_do_not_introduce_themselves_are_refused(start, path: str) -> None:
    server = start(PASSWORD)

    async def talk() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/api{path}", proxy=None) as socket:
            await socket.recv()

    with pytest.raises((ConnectionClosed, InvalidStatus)):
        asyncio.run(talk())


@pytest.mark.parametrize("path", WEBSOCKETS)
def test_websockets_are_closed_for_pages_of_other_sites(start, path: str) -> None:
    server = start()

    async def talk() -> None:
        address = f"ws://127.0.0.1:{server.port}/api{path}"
        async with websockets.connect(
            address, subprotocols=["prefect"], origin="https://evil.example", proxy=None
        ) as socket:
            await socket.recv()

    with pytest.raises((ConnectionClosed, InvalidStatus)):
        asyncio.run(talk())


def test_pages_of_other_sites_may_not_change_anything(start) -> None:
    with start().client(headers={"origin": "https://evil.example"}) as client:
        assert client.post("/flows/", json={"name": "a"}).status_code == 403
        assert client.delete(f"/flows/{ID}").status_code == 403
        asked = client.options("/flows/", headers={"access-control-request-method": "POST"})
        assert asked.status_code == 403
        assert "access-control-allow-origin" not in client.get("/health").headers


def test_pages_of_this_site_may(start) -> None:
    server = start()
    with server.client(headers={"origin": server.url}) as client:
        assert client.post("/flows/", json={"name": "a"}).status_code == 201


def test_pages_of_sites_that_are_allowed_may(start) -> None:
    server = start({"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "https://good.example, https://other.example"})
    with server.client(headers={"origin": "https://good.example"}) as client:
        answer = client.post("/flows/", json={"name": "a"})
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == "https://good.example"
        asked = client.options("/flows/", headers={"access-control-request-method": "POST"})
        assert asked.status_code == 204
    with server.client(headers={"origin": "https://good.example.evil"}) as client:
        assert client.post("/flows/", json={"name": "b"}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:80"])
def test_on_this_machine_the_server_has_no_other_names(start, host: str) -> None:
    with start().client(headers={"host": host}) as client:
        assert client.get("/health").status_code in {400, 421}


def test_forged_requests_are_refused_if_that_is_asked_for(start) -> None:
    with start({"PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true"}).client() as client:
        assert client.post("/flows/", json={"name": "a"}).status_code == 403
        token = client.get("/csrf-token", params={"client": "me"}).json()["token"]
        shown = {"prefect-csrf-token": token, "prefect-csrf-client": "me"}
        assert client.post("/flows/", json={"name": "a"}, headers=shown).status_code == 201
        other = {**shown, "prefect-csrf-client": "you"}
        assert client.post("/flows/", json={"name": "a"}, headers=other).status_code == 403


# -- tokens -----------------------------------------------------------------------------------------------------------


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def guarded(start):
    """A server with a token for each scope."""
    server = start()
    with server.client() as client:
        admin = client.post("/_core/tokens", json={"name": "admin", "scopes": ["admin"]}).json()["secret"]
    secrets = {"admin": admin}
    with server.client(headers=bearer(admin)) as client:
        for scope in ("read", "run", "write"):
            answer = client.post("/_core/tokens", json={"name": scope, "scopes": [scope]})
            assert answer.status_code == 201
            secrets[scope] = answer.json()["secret"]
    return server, secrets


def test_with_the_first_token_strangers_are_kept_out(guarded) -> None:
    server, _ = guarded
    with server.client() as client:
        assert client.post("/flows/filter").status_code == 401
        assert client.post("/_core/tokens", json={"name": "me", "scopes": ["admin"]}).status_code == 401
        assert client.get("/health").status_code == 200


def test_each_scope_allows_what_it_says(guarded) -> None:
    server, secrets = guarded
    asked = {
        "read": ("POST", "/flows/filter", None),
        "run": ("POST", "/flows/", {"name": "a"}),
        "write": ("POST", "/variables/", {"name": "a", "value": 1}),
        "admin": ("GET", "/_core/tokens", None),
    }
    order = ["read", "run", "write", "admin"]
    for scope, secret in secrets.items():
        with server.client(headers=bearer(secret)) as client:
            for needed, (method, path, body) in asked.items():
                refused = client.request(method, path, json=body).status_code == 403
                assert refused is (order.index(scope) < order.index(needed)), (scope, needed)


def test_reading_secrets_takes_more_than_reading(guarded) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["read"])) as client:
        assert client.get(f"/block_documents/{ID}").status_code == 404
        assert client.get(f"/block_documents/{ID}", params={"include_secrets": True}).status_code == 403
        assert client.post("/block_documents/filter", json={"include_secrets": True}).status_code == 403


def test_a_token_is_good_until_it_is_revoked_or_expires(guarded) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["admin"])) as admin:
        assert admin.delete("/_core/tokens/read").status_code == 204
        expired = (datetime.now(timezone.utc) - timedelta(seconds=1)).isoformat()
        late = admin.post("/_core/tokens", json={"name": "late", "scopes": ["read"], "expires_at": expired}).json()
    for secret in (secrets["read"], late["secret"]):
        with server.client(headers=bearer(secret)) as client:
            assert client.post("/flows/filter").status_code == 401


def test_secrets_of_tokens_are_not_kept(guarded, tmp_path) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["admin"])) as admin:
        listed = admin.get("/_core/tokens").text
        trail = admin.post("/_core/audit/filter").text
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("prefect.db*"))
    for secret in secrets.values():
        assert secret not in listed
        assert secret not in trail
        assert secret.encode() not in stored


def test_a_token_of_a_work_pool_is_good_for_nothing_else(guarded) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["admin"])) as admin:
        for pool in ("mine", "yours"):
            assert admin.post("/work_pools/", json={"name": pool, "type": "process"}).status_code == 201
        flow = admin.post("/flows/", json={"name": "a"}).json()["id"]
        runs = {
            pool: admin.post("/flow_runs/", json={"flow_id": flow, "work_pool_name": pool}).json()["id"]
            for pool in ("mine", "yours")
        }
        made = admin.post("/_core/tokens", json={"name": "w", "scopes": ["run"], "work_pool_name": "mine"}).json()
        variable = admin.post("/variables/", json={"name": "a", "value": 1}).json()["id"]
    line = {"name": "n", "level": 20, "message": "m", "timestamp": "2031-01-01T00:00:00Z"}
    running = {"state": {"type": "RUNNING"}}
    with server.client(headers=bearer(made["secret"])) as client:
        for pool, ok in (("mine", True), ("yours", False)):
            answers = [
                client.get(f"/work_pools/{pool}"),
                client.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json={}),
                client.get(f"/flow_runs/{runs[pool]}"),
                client.post("/logs/", json=[{**line, "flow_run_id": runs[pool]}]),
                client.post(f"/flow_runs/{runs[pool]}/set_state", json=running),
            ]
            assert [answer.status_code < 300 for answer in answers] == [ok] * 5
            assert all(ok or answer.status_code == 403 for answer in answers)
        mixed = [{**line, "flow_run_id": runs["mine"]}, {**line, "flow_run_id": runs["yours"]}]
        assert client.post("/logs/", json=mixed).status_code == 403
        for path in ("/block_documents/filter", "/flow_runs/filter", "/variables/filter"):
            assert client.post(path).status_code == 403
        assert client.get(f"/variables/{variable}").status_code == 403


def test_every_name_of_the_scope_to_run_is_an_endpoint() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS} >= RUNNING


# -- the audit trail --------------------------------------------------------------------------------------------------


def test_changes_leave_who_made_them_and_what_they_were(guarded) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["write"])) as client:
        made = client.post("/variables/", json={"name": "colour", "value": "red"}).json()["id"]
        client.patch(f"/variables/{made}", json={"value": "blue"})
        client.delete(f"/variables/{made}")
        client.delete(f"/variables/{made}")
    with server.client(headers=bearer(secrets["admin"])) as admin:
        trail = admin.post("/_core/audit/filter", json={"resource": f"/variables/{made}"}).json()
    assert [(entry["actor"], entry["action"]) for entry in trail] == [
        ("write", "delete_variable"),
        ("write", "update_variable"),
        ("write", "create_variable"),
    ]
    assert trail[1]["details"] == {"before": {"value": "red"}, "after": {"value": "blue"}}
    assert trail[0]["details"]["before"]["value"] == "blue"
    assert trail[0]["details"]["after"] == {}
    assert {entry["address"] for entry in trail} == {"127.0.0.1"}


def test_what_is_secret_is_not_in_the_audit_trail(guarded) -> None:
    server, secrets = guarded
    with server.client(headers=bearer(secrets["admin"])) as admin:
        admin.post("/block_types/install_system_block_types")
        kind = admin.get("/block_types/slug/secret").json()["id"]
        schema = admin.post("/block_schemas/filter", json={}).json()
        chosen = next(each for each in schema if each["block_type_id"] == kind)["id"]
        block = {"name": "s", "block_type_id": kind, "block_schema_id": chosen, "data": {"value": "canary-7131"}}
        made = admin.post("/block_documents/", json=block)
        assert made.status_code == 201
        changed = {"data": {"value": "canary-7132"}, "block_schema_id": chosen}
        assert admin.patch(f"/block_documents/{made.json()['id']}", json=changed).status_code == 204
        trail = admin.post("/_core/audit/filter").text
    assert "update_block_document" in trail
    assert "canary" not in trail
