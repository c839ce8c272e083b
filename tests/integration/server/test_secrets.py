"""What is secret stays so: nothing that a server stores, logs or answers repeats it, and nothing that it is sent is run."""

from __future__ import annotations

import base64
import os
import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect.exceptions import ConfigurationError
from prefect.server.composition import verify
from prefect.settings import get_current_settings
from prefect.settings.context import temporary_settings

CANARY = "canary-5f1c9e"
JSON = {"content-type": "application/json"}


def make_block(client: httpx.Client, value: str, name: str = "s") -> dict[str, Any]:
    client.post("/block_types/install_system_block_types")
    kind = client.get("/block_types/slug/secret").json()["id"]
    schemas = client.post("/block_schemas/filter", json={}).json()
    schema = next(each for each in schemas if each["block_type_id"] == kind)["id"]
    block = {"name": name, "block_type_id": kind, "block_schema_id": schema, "data": {"value": value}}
    answer = client.post("/block_documents/", json=block)
    assert answer.status_code == 201
    return answer.json()


def test_a_secret_is_nowhere_but_where_it_is_asked_for(start, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    password = f"ada:{CANARY}-password"
    server = start({"PREFECT_SERVER_API_AUTH_STRING": password, "PREFECT_API_AUTH_STRING": password})
    shown = {"authorization": "Basic " + base64.b64encode(password.encode()).decode()}
    with server.client(headers=shown) as client:
        block = make_block(client, f"{CANARY}-block")
        token = client.post("/_core/tokens", json={"name": "t", "scopes": ["admin"]}).json()["secret"]
        client.patch(f"/block_documents/{block['id']}", json={"data": {"value": f"{CANARY}-changed"}})
        refused = {"name": "s/", "data": {"value": f"{CANARY}-refused"}, "zz": f"{CANARY}-refused"}
        answers = [
            client.post("/block_documents/", json=refused),
            client.post("/block_documents/", json={**block, "data": f"{CANARY}-refused"}),
            client.post("/block_documents/", content=f'{{"data": "{CANARY}-refused', headers=JSON),
            client.patch(f"/block_documents/{block['id']}", json={"data": f"{CANARY}-refused"}),
        ]
        assert {answer.status_code for answer in answers} == {422}
        seen = [
            *(answer.text for answer in answers),
            client.get(f"/block_documents/{block['id']}").text,
            client.post("/block_documents/filter", json={}).text,
            client.get("/admin/settings").text,
            client.post("/events/filter", json={}).text,
            client.post("/_core/audit/filter", json={}).text,
            client.get("/_core/tokens").text,
            client.get("/openapi.json").text,
            httpx.get(f"{server.url}/ui-settings", headers=shown, timeout=60).text,
            httpx.get(f"{server.url}/docs", headers=shown, timeout=60).text,
        ]
        asked = client.get(f"/block_documents/{block['id']}", params={"include_secrets": True})
        assert asked.json()["data"]["value"] == f"{CANARY}-changed"
    home = tmp_path / "home"
    files = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert "prefect.db" in files
    for secret in (CANARY, token):
        assert [text for text in seen if secret in text] == []
        assert secret not in caplog.text
        assert [name for name, content in files.items() if secret.encode() in content] == []


def test_what_is_sent_is_never_unpickled(client: httpx.Client, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    class Bomb:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {witness}",)

    bomb = base64.b64encode(pickle.dumps(Bomb())).decode()
    flow = client.post("/flows/", json={"name": "a"}).json()["id"]
    run = client.post("/flow_runs/", json={"flow_id": flow, "parameters": {"a": bomb}}).json()["id"]
    data = {"serializer": {"type": "pickle"}, "result": bomb, "prefect_version": "3.0"}
    state = {"type": "COMPLETED", "data": data}
    assert client.post(f"/flow_runs/{run}/set_state", json={"state": state, "force": True}).status_code in {200, 201}
    for path in (f"/flow_runs/{run}", f"/flow_run_states/?flow_run_id={run}", f"/flow_runs/{run}/graph-v2"):
        assert client.get(path).status_code == 200
    assert not witness.exists()


def test_a_server_does_not_start_with_another_key(start, tmp_path: Path) -> None:
    with start().client() as client:
        make_block(client, "x")
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "home")}):
        verify(get_current_settings())
        key = tmp_path / "home" / "encryption.key"
        good = key.read_bytes()
        key.write_bytes(base64.urlsafe_b64encode(b"0" * 32))
        with pytest.raises(ConfigurationError, match="is not the one"):
            verify(get_current_settings())
        key.unlink()
        with pytest.raises(ConfigurationError, match="cannot be read"):
            verify(get_current_settings())
        key.write_bytes(good)
        verify(get_current_settings())


def test_the_key_is_not_in_the_database_and_only_its_owner_may_read_it(start, tmp_path: Path) -> None:
    with start().client() as client:
        make_block(client, "x")
    key = tmp_path / "home" / "encryption.key"
    assert key.stat().st_mode & 0o777 == 0o600
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("prefect.db*"))
    assert key.read_bytes().strip() not in stored


def test_a_store_without_its_key_answers_that_somebody_must_mend_it(start, tmp_path: Path) -> None:
    with start().client() as client:
        block = make_block(client, "x")
        (tmp_path / "home" / "encryption.key").unlink()
        answer = client.get(f"/block_documents/{block['id']}", params={"include_secrets": True})
        assert answer.status_code == 503
        assert "encryption.key" in answer.text
