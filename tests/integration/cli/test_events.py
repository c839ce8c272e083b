"""`prefect events`."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.cli.conftest import PREFECT
from tests.integration.server.conftest import Server

from prefect import task
from prefect._contract.endpoints.events import create_events, read_events
from prefect._contract.events import Event
from prefect._contract.filters.events import EventFilter, EventNameFilter
from prefect.client.base import current_transport
from prefect.client.http import HttpTransport, ServerAddress
from prefect.settings.context import reload_settings, temporary_settings
from prefect.utilities.time import now


def stored(prefix: str) -> list[Any]:
    chosen = EventFilter(event=EventNameFilter(prefix=[prefix]))
    chosen.occurred.until = now() + timedelta(minutes=1)
    return list(current_transport().send(read_events(chosen)).events)


class TestListing:
    def test_what_has_occurred_the_latest_first(self, cli):
        @task
        def pour():
            pass

        pour()
        cli("events", "emit", "orders.received", "--resource-id", "order.1", "-r", "prefect.resource.name=One")
        listed = cli("events", "ls").stdout
        places = [listed.index(each) for each in ("orders.received", "prefect.task-run.Completed", "task-run.Pending")]
        assert places == sorted(places)
        assert "order.1" in listed
        assert "One" in listed
        told = cli.json("event", "ls", "--event", "prefect.task-run.*", "--limit", "2")
        assert [each["event"].rpartition(".")[2] for each in told] == ["Completed", "Running"]
        assert told[0]["resource"]["prefect.resource.name"].startswith("pour-")

    def test_only_some(self, cli):
        for number in (1, 2):
            cli("events", "emit", f"orders.{number}", "--resource-id", f"order.{number}")
        names = lambda *options: [each["event"] for each in cli.json("events", "ls", *options)]  # noqa: E731
        assert names("-e", "orders.1", "-e", "orders.2") == ["orders.2", "orders.1"]
        assert names("--resource-id", "order.1") == ["orders.1"]
        assert names("-e", "no*") == []
        assert cli("events", "ls", "-e", "no*").stdout.strip() == "No events found."
        assert "not by both" in cli.error("events", "ls", "-e", "a", "-e", "b*", code=2)


class TestEmitting:
    @pytest.mark.parametrize(
        "options",
        [
            ["--resource-id", "order.1", "-r", "colour=red"],
            ["-r", "prefect.resource.id=order.1", "--resource", "colour=red"],
            ["--resource", '{"prefect.resource.id": "order.1", "colour": "red"}'],
        ],
    )
    def test_the_resource_is_given_by_its_labels(self, cli, options):
        assert cli("events", "emit", "orders.received", *options).stdout.startswith("Emitted event 'orders.received'")
        (event,) = stored("orders.")
        assert event.resource.model_dump() == {"prefect.resource.id": "order.1", "colour": "red"}
        assert (event.related, event.payload) == ([], {})

    @pytest.mark.parametrize("brackets", ["{}", "[{}]"])
    def test_what_else_there_is_to_say(self, cli, brackets):
        related = brackets.replace("{}", '{"prefect.resource.id": "c.1", "prefect.resource.role": "customer"}')
        cli("event", "emit", "orders.received", "--resource-id", "o", "--related", related, "-p", '{"a": [1]}')
        (event,) = stored("orders.")
        assert [each.role for each in event.related] == ["customer"]
        assert event.payload == {"a": [1]}

    @pytest.mark.parametrize(
        ("options", "message", "code"),
        [
            ([], "say to which with --resource-id", 2),
            (["-r", "colour=red"], "say to which with --resource-id", 2),
            (["-r", "nonsense"], "'nonsense' is neither LABEL=VALUE nor", 2),
            (["--resource-id", "o", "--payload", "nonsense"], "--payload is not JSON", 2),
            (["--resource-id", "o", "--payload", "[1]"], "--payload must be a JSON object", 2),
            (["--resource-id", "o", "--related", "nonsense"], "--related is not JSON", 2),
            (["--resource-id", "o", "--related", '[{"a": "b"}]'], "prefect.resource.id label", 1),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, options, message, code):
        assert message in cli.error("events", "emit", "orders.received", *options, code=code)
        assert stored("orders.") == []


class TestStreaming:
    @pytest.fixture
    def server(self, tmp_path, monkeypatch) -> Iterator[Server]:
        with temporary_settings({"PREFECT_HOME": str(tmp_path / "server")}):
            server = Server(ephemeral=True)
        server.start()
        monkeypatch.setenv("PREFECT_API_URL", f"{server.url}/api")
        reload_settings()
        yield server
        server.stop()

    @pytest.fixture
    def emitting(self, server) -> Iterator[None]:
        """Emits an event again and again, until the test is over."""
        over = threading.Event()
        transport = HttpTransport(ServerAddress(f"{server.url}/api"))

        def emit() -> None:
            number = 0
            while not over.wait(0.1):
                number += 1
                resource = {"prefect.resource.id": f"order.{number}", "prefect.resource.name": "An order"}
                transport.send(create_events([Event(event="orders.received", resource=resource)]))

        thread = threading.Thread(target=emit)
        thread.start()
        yield
        over.set()
        thread.join()
        transport.close()

    def test_one_event_is_shown_as_json(self, cli, emitting):
        (line,) = cli("events", "stream", "--run-once").stdout.splitlines()
        assert json.loads(line)["event"] == "orders.received"

    def test_one_event_is_shown_as_text(self, cli, emitting):
        (line,) = cli("events", "stream", "--run-once", "--format", "text").stdout.splitlines()
        assert "| orders.received | order." in line
        assert line.endswith(" 'An order'")

    def test_events_are_appended_to_a_file(self, cli, emitting, tmp_path):
        for _ in range(2):
            assert cli("events", "stream", "--run-once", "--output-file", "events.jsonl").stdout == ""
        lines = (tmp_path / "events.jsonl").read_text().splitlines()
        assert [json.loads(line)["event"] for line in lines] == ["orders.received"] * 2

    def test_they_are_shown_until_control_c(self, emitting, tmp_path):
        with subprocess.Popen(
            [PREFECT, "events", "stream"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as streaming:
            assert streaming.stdout is not None
            ids = [json.loads(streaming.stdout.readline())["id"] for _ in range(5)]
            streaming.send_signal(signal.SIGINT)
            _, said = streaming.communicate(timeout=60)
        assert len(set(ids)) == 5
        assert streaming.returncode == 0
        assert "Stopped." in said.decode()
        assert "Traceback" not in said.decode()

    def test_without_a_server_it_says_so(self, cli):
        assert "`prefect events stream` needs a server" in cli.error("events", "stream")

    def test_what_is_wrong_is_said(self, cli, monkeypatch, server):
        assert "Unknown format 'xml'" in cli.error("events", "stream", "--format", "xml", code=2)
        assert "cannot be written" in cli.error("events", "stream", "--output-file", "no/where")
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        reload_settings()
        assert "Is it running, and does PREFECT_API_URL name it?" in cli.error("events", "stream")


def test_the_server_may_refuse(cli, tmp_path, monkeypatch):
    settings = {"PREFECT_HOME": str(tmp_path / "server"), "PREFECT_SERVER_API_AUTH_STRING": "me:secret"}
    with temporary_settings(settings):
        server = Server(ephemeral=True)
    server.start()
    monkeypatch.setenv("PREFECT_API_URL", f"{server.url}/api")
    try:
        for wrong in ("", "me:wrong"):
            if wrong:
                monkeypatch.setenv("PREFECT_API_AUTH_STRING", wrong)
            reload_settings()
            assert "Set PREFECT_API_AUTH_STRING" in cli.error("events", "stream")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:secret")
        reload_settings()
        with subprocess.Popen([PREFECT, "events", "stream", "--run-once"], stdout=subprocess.PIPE) as streaming:
            while streaming.poll() is None:
                cli("events", "emit", "a.b", "--resource-id", "c")
                time.sleep(0.1)
            assert json.loads(streaming.communicate()[0])["event"] == "a.b"
    finally:
        server.stop()
