"""Requests to a server, sent by a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.cli.conftest import Cli
from tests.integration.cli.servers import Started, free_port

from prefect.settings.context import temporary_settings


def test_requests_are_sent_and_answers_written(cli: Cli, start: Callable[..., Started], tmp_path: Path) -> None:
    server = start("--no-services")
    (tmp_path / "flow.json").write_text('{"name": "from-file"}')
    with temporary_settings({"PREFECT_API_URL": server.url}):
        assert cli("api", "get", "health").stdout == "true\n"
        made = json.loads(cli("api", "POST", "/flows/", "--data", "@flow.json").stdout)
        assert made["name"] == "from-file"
        assert json.loads(cli("api", "POST", "/flows/", "-d", "-", input='{"name": "typed"}').stdout)["name"] == "typed"
        names = {flow["name"] for flow in json.loads(cli("api", "POST", "flows/filter").stdout)}
        assert names == {"from-file", "typed"}
        one = json.loads(cli("api", "POST", "/flows/filter", "--data", '{"limit": 1}').stdout)
        assert len(one) == 1
        assert json.loads(cli("api", "PATCH", f"/flows/{made['id']}", "-d", '{"tags": ["x"]}').stdout or "null") is None
        assert json.loads(cli("api", "GET", f"/flows/{made['id']}").stdout)["tags"] == ["x"]
        assert json.loads(cli("api", "GET", "/openapi.json", "--root").stdout)["openapi"].startswith("3.")
        shown = cli("api", "GET", "/hello", "-v", "-H", "X-One: 1", "-H", "Authorization: Bearer open-sesame").stderr
        assert "> x-one: 1" in shown
        assert "< 200 OK" in shown
        assert "open-sesame" not in shown


def test_exit_codes_say_what_became_of_a_request(cli: Cli, start: Callable[..., Started]) -> None:
    server = start("--no-services", PREFECT_SERVER_API_AUTH_STRING="ann:sesame")
    with temporary_settings({"PREFECT_API_URL": server.url}):
        refused = cli("api", "GET", "/flows/count", code=3)
        assert refused.stdout == ""
        assert "401" in refused.stderr
        assert "PREFECT_API_KEY" in refused.stderr
    with temporary_settings({"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": "ann:sesame"}):
        assert cli("api", "POST", "/flows/count").stdout == "0\n"
        missing = cli("api", "DELETE", "/flows/00000000-0000-0000-0000-000000000000", code=4)
        assert "404 Not Found" in missing.stderr
        assert "There is no flow" in missing.stderr
        assert "Field required" in cli("api", "POST", "/flows/", "--data", "{}", code=4).stderr
    with temporary_settings({"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}):
        assert "No server answers" in cli("api", "GET", "/health", code=7).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("FETCH", "/health"), "'FETCH' is no verb of HTTP. Give one of DELETE, GET,"),
        (("GET", "/me", "--account"), "There are no accounts on a server"),
        (("GET", "/health", "-H", "nothing"), "'nothing' is no header. Write it as 'Name: value'."),
        (("POST", "/flows/", "--data", "{"), "What was given as --data is not JSON"),
        (("POST", "/flows/", "--data", "@nowhere.json"), "'nowhere.json' cannot be read: No such file"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    with temporary_settings({"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}):
        assert words in cli.error("api", *arguments)


def test_without_a_server_there_is_nobody_to_ask(cli: Cli) -> None:
    assert "PREFECT_API_URL is not set" in cli.error("api", "GET", "/health")
