"""The server as a process: it starts, says what is wrong, finishes what is under way, and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.cli.conftest import Cli
from tests.integration.cli.servers import PATIENCE, Started, free_port, is_well, listens, pid_in, wait_until
from tests.postgres import POSTGRES, PostgresServer

from prefect.server.api.server import _GRACE_SECONDS

pytestmark = pytest.mark.timeout(300)  # many commands in turn, each a process that a busy machine starts slowly


@pytest.fixture
def background(shell: Callable[..., Any], home: Path) -> Iterator[None]:
    """Whatever runs in the background is stopped at the end."""
    yield
    shell("server", "stop", code=None)
    shell("server", "services", "stop", code=None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_says_where_it_answers_and_ends_in_order(start: Callable[..., Started], number: int) -> None:
    server = start()
    assert server.post("/flows/", {"name": "made"}).status_code == 201
    code, output = server.end(number)
    assert code == 0
    assert f"answers at {server.url}" in output
    assert f"prefect config set PREFECT_API_URL={server.url}" in output
    assert output.rstrip().endswith("The server has stopped.")


class Lock:
    """Keeps others from writing to a database file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


class UnderWay:
    """A request that a server has begun to read: it works at it."""

    def __init__(self, port: int) -> None:
        body = b'{"name": "late"}'
        self._connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._connection.sendall(
            f"POST /api/flows/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert self._connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        self._connection.sendall(body)

    def answer(self) -> bytes:
        """What comes, or nothing if the connection ends before."""
        with self._connection:
            try:
                return self._connection.recv(65536)
            except ConnectionResetError:
                return b""


def test_a_request_under_way_is_answered_before_the_server_ends(start: Callable[..., Started]) -> None:
    server = start("--no-services")
    lock = Lock(server.home / "prefect.db")
    request = UnderWay(server.port)
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not listens(server.port), "the server does not stop")
    time.sleep(0.5)
    assert server.process.poll() is None
    lock.release()
    assert request.answer().startswith(b"HTTP/1.1 201 ")
    assert server.process.wait(PATIENCE) == 0


def test_a_second_ctrl_c_ends_a_server_at_once(start: Callable[..., Started]) -> None:
    server = start("--no-services")
    lock = Lock(server.home / "prefect.db")
    request = UnderWay(server.port)
    server.process.send_signal(signal.SIGINT)
    wait_until(lambda: not listens(server.port), "the server does not stop")
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(_GRACE_SECONDS / 2) == 130
    assert request.answer() == b""
    lock.release()


# -- what keeps a server from starting is said in a line


def test_a_port_that_is_taken(shell: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = shell("server", "start", "--port", str(port), code=1)
    assert done.stderr.strip() == (
        f"Cannot listen at 127.0.0.1:{port}: Address already in use. Choose another port: --port"
    )


def test_a_database_of_a_newer_version(shell: Callable[..., Any], home: Path) -> None:
    shell("server", "database", "upgrade")
    connection = sqlite3.connect(home / "prefect.db")
    connection.execute("INSERT INTO schema_version (version, name, applied) VALUES (99, 'later', '2031-01-01')")
    connection.commit()
    connection.close()
    for arguments in (["--port", "0"], ["--port", "0", "--background"]):
        done = shell("server", "start", *arguments, code=1)
        assert "A newer version of Prefect has changed" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (home / "server.pid").exists()
    assert "newer version" in shell("server", "database", "reset", "--yes", code=1).stderr


def test_a_file_that_is_no_database(shell: Callable[..., Any], home: Path) -> None:
    home.mkdir()
    (home / "prefect.db").write_text("This is a letter and no database, but it is long enough." * 10)
    done = shell("server", "start", "--port", "0", code=1)
    assert "Cannot use the database file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_is_not_the_one_that_was_used(shell: Callable[..., Any], cli: Cli, home: Path) -> None:
    from prefect.blocks.system import Secret

    Secret(value="open sesame").save("door")
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    done = shell("server", "start", "--port", "0", code=1, PREFECT_API_ENCRYPTION_KEY=key)
    assert "The encryption key in PREFECT_API_ENCRYPTION_KEY is not the one" in done.stderr
    done = shell("server", "start", "--port", "0", code=1, PREFECT_API_ENCRYPTION_KEY="short")
    assert "is no encryption key" in done.stderr


def test_several_processes_on_a_file(shell: Callable[..., Any]) -> None:
    done = shell("server", "start", "--port", "0", "--workers", "3", code=1)
    assert "--workers 3 needs Postgres" in done.stderr


# -- in the background


def test_a_server_in_the_background(shell: Callable[..., Any], home: Path, background: None) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    begun = shell("server", "start", "--background", "--port", str(port))
    assert is_well(port)
    assert f"answers at {url}" in begun.stdout
    number = pid_in(home)
    again = shell("server", "start", "--background", "--port", str(free_port()), code=1)
    assert again.stderr.strip() == (
        f"A server runs in the background already, as process {number}. Stop it first: prefect server stop"
    )
    shown = json.loads(shell("server", "status", "-o", "json", PREFECT_API_URL=url).stdout)
    assert (shown["status"], shown["api_url"]) == ("available", url)
    assert shell("server", "stop").stdout.strip() == f"Stopped the server, process {number}."
    assert not is_well(port)
    assert not (home / "server.pid").exists()
    assert f"Process {number} has stopped." in (home / "server.log").read_text()
    assert shell("server", "stop").stdout.strip() == "No server runs in the background."
    shown = json.loads(shell("server", "status", "-o", "json", code=1, PREFECT_API_URL=url).stdout)
    assert shown["status"] == "unavailable"


def test_only_the_very_process_is_stopped(shell: Callable[..., Any], home: Path) -> None:
    """The number that the file names may have been given to somebody else in the meantime."""
    home.mkdir()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        from dataclasses import asdict, replace

        from prefect._contract.liveness import ProcessIdentity

        gone = replace(ProcessIdentity.current(), pid=bystander.pid, started="1")
        (home / "server.pid").write_text(f"{gone.pid}\n{json.dumps(asdict(gone))}\n")
        assert shell("server", "stop").stdout.strip() == "No server runs in the background."
        assert bystander.poll() is None
        elsewhere = replace(gone, boot_id="another", host="far-away")
        (home / "server.pid").write_text(f"{gone.pid}\n{json.dumps(asdict(elsewhere))}\n")
        assert "far-away" in shell("server", "stop", code=1).stderr
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_status_waits_for_a_server_that_is_to_come(shell: Callable[..., Any], start: Callable[..., Started]) -> None:
    began = time.monotonic()
    url = f"http://127.0.0.1:{free_port()}/api"
    done = shell("server", "status", "--wait", "--timeout", "1", code=1, PREFECT_API_URL=url)
    assert time.monotonic() - began >= 1
    assert "is not available" in done.stdout
    server = start()
    assert "is available" in shell("server", "status", "--wait", PREFECT_API_URL=server.url).stdout


def test_services_run_in_a_process_of_their_own(
    shell: Callable[..., Any], start: Callable[..., Started], home: Path, background: None
) -> None:
    quick = {
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "0.1",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "0.2",
    }
    server = start("--no-services", **quick)
    flow = server.post("/flows/", {"name": "waiting"}).json()["id"]
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2020-01-01T00:00:00Z"}}
    run = server.post("/flow_runs/", {"flow_id": flow, "state": state}).json()["id"]

    def name_of_state() -> str:
        return str(httpx.get(f"{server.url}/flow_runs/{run}", trust_env=False, timeout=PATIENCE).json()["state_name"])

    time.sleep(1.5)
    assert name_of_state() == "Scheduled"
    shell("server", "services", "start", "--background", **quick)
    wait_until(lambda: name_of_state() == "Late", "nobody has marked the run as late")
    number = pid_in(home, "services.pid")
    assert "already" in shell("server", "services", "start", "-b", code=1).stderr
    assert shell("server", "services", "stop").stdout.strip() == f"Stopped the services, process {number}."


def test_services_are_listed_with_their_switches(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings.context import temporary_settings

    with temporary_settings({"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": False}):
        found = {each["name"]: each for each in cli.json("server", "services", "ls")}
        assert "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED" in cli("server", "services", "list").stdout
    assert found["scheduler"]["enabled"] is False
    assert found["late-runs"]["enabled"] is True
    from prefect.settings.legacy import known_settings

    switches = [each["environment_variable"] for each in found.values() if each["environment_variable"]]
    assert set(switches) <= set(known_settings())
    for switch in switches:
        with temporary_settings({switch: False}):
            now_is = {each["environment_variable"]: each["enabled"] for each in cli.json("server", "services", "ls")}
        assert now_is[switch] is False


# -- several processes


@pytest.mark.parametrize("kind", [POSTGRES])
def test_several_processes_answer_on_postgres(
    kind: str, start: Callable[..., Started], postgres_server: PostgresServer
) -> None:
    url = postgres_server.url(postgres_server.new_database())
    server = start("--workers", "2", PREFECT_SERVER_DATABASE_CONNECTION_URL=url)
    children = lambda: children_of(server.process.pid)  # noqa: E731
    first = wait_until(lambda: len(found := children()) == 2 and found, "there are not two processes")
    assert server.post("/flows/", {"name": "made"}).status_code == 201
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: len(found := children()) == 2 and first[0] not in found, "nothing took its place")
    for number in range(20):
        wait_until(lambda: is_well(server.port), "the server does not answer")
        assert server.post("/flows/", {"name": f"more-{number}"}).status_code == 201
    left = children()
    code, output = server.end()
    assert code == 0
    assert f"Process {first[0]}, which answered requests, has ended with exit code -9." in output
    assert not any(Path(f"/proc/{each}").exists() for each in left)


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("kind", [POSTGRES])
def test_processes_end_with_the_one_that_looks_after_them(
    kind: str, start: Callable[..., Started], postgres_server: PostgresServer
) -> None:
    url = postgres_server.url(postgres_server.new_database())
    server = start("--workers", "2", PREFECT_SERVER_DATABASE_CONNECTION_URL=url)
    left = wait_until(lambda: len(found := children_of(server.process.pid)) == 2 and found, "there are not two")
    server.process.kill()
    wait_until(lambda: not any(is_there(each) for each in left), "they go on without it")


def is_there(pid: int) -> bool:
    try:
        return (
            "(python" in (text := Path(f"/proc/{pid}/stat").read_text()) and text.rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


# -- the database


def test_a_database_is_made_and_emptied(cli: Cli, home: Path) -> None:
    assert "CREATE TABLE" in cli("server", "database", "upgrade", "--dry-run").stdout
    assert "from version 0 to" in cli("server", "database", "upgrade").stdout
    assert "is up to date" in cli("server", "database", "upgrade").stdout
    assert "is up to date" in cli("server", "database", "upgrade", "--dry-run").stdout
    cli("variable", "set", "key", "value")
    assert "Nobody can be asked here: say so with --yes." in cli.error("server", "database", "reset")
    assert cli("variable", "get", "key").stdout.strip() == "value"
    cli("server", "database", "reset", "--yes")
    assert "not found" in cli.error("variable", "get", "key")
    cli("variable", "set", "key", "again")


@pytest.mark.parametrize("kind", [POSTGRES])
def test_a_postgres_database_is_emptied(kind: str, shell: Callable[..., Any], postgres_server: PostgresServer) -> None:
    url = postgres_server.url(postgres_server.new_database())
    where = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
    shell("server", "database", "upgrade", "-y", **where)
    shell("variable", "set", "key", "value", **where)
    shell("server", "database", "reset", "-y", **where)
    assert "not found" in shell("variable", "get", "key", code=1, **where).stderr
    shell("variable", "set", "key", "again", **where)


def test_migrations_only_go_forward(cli: Cli) -> None:
    assert "migrations only go forward" in cli.error("server", "database", "downgrade")
    assert "prefect server database upgrade" in cli.error("server", "database", "stamp", "1")
    assert "are not made here" in cli.error("server", "database", "revision", "-m", "more")
    assert "There is no migration '9'" in cli.error("server", "database", "upgrade", "--revision", "9")


# -- who may ask


def test_tokens_are_made_used_and_revoked(shell: Callable[..., Any], start: Callable[..., Started]) -> None:
    server = start()
    where = {"PREFECT_API_URL": server.url}
    made = shell("server", "token", "create", "ann", "--scope", "admin", "-o", "json", **where)
    ann = json.loads(made.stdout)["secret"]
    assert "401" in shell("server", "token", "ls", code=1, **where).stderr
    where["PREFECT_API_KEY"] = ann
    shown = shell(
        "server", "token", "create", "bob", "--scope", "read", "--scope", "run", "--expires-in", "90d", **where
    )
    secret = next(line.split()[1] for line in shown.stdout.splitlines() if line.startswith("Secret"))
    assert (
        httpx.get(f"{server.url}/version", headers={"Authorization": f"Bearer {secret}"}, timeout=PATIENCE).status_code
        == 200
    )
    listed = {each["name"]: each for each in json.loads(shell("server", "token", "ls", "-o", "json", **where).stdout)}
    assert listed["bob"]["scopes"] == ["read", "run"]
    assert listed["bob"]["expires_at"] is not None
    assert "secret" not in listed["bob"]
    assert secret not in shell("server", "token", "ls", **where).stdout
    assert "already a token" in shell("server", "token", "create", "bob", code=1, **where).stderr
    assert "no work pool" in shell("server", "token", "create", "cy", "--work-pool", "none", code=1, **where).stderr
    shell("server", "token", "revoke", "bob", **where)
    assert (
        httpx.get(f"{server.url}/version", headers={"Authorization": f"Bearer {secret}"}, timeout=PATIENCE).status_code
        == 401
    )
    assert "not found" in shell("server", "token", "revoke", "bob", code=1, **where).stderr
    changes = json.loads(shell("server", "audit", "ls", "--actor", "ann", "-o", "json", **where).stdout)
    assert [(each["action"], each["resource"]) for each in changes] == [
        ("delete_token", "/_core/tokens/bob"),
        ("create_token", "/_core/tokens"),
    ]
    assert json.loads(
        shell("server", "audit", "ls", "--since", "2000-01-01", "--limit", "1", "-o", "json", **where).stdout
    )
    assert json.loads(shell("server", "audit", "ls", "--resource", "/flows", "-o", "json", **where).stdout) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("token", "create", "x", "--scope", "all"), "There is no scope 'all'. Scopes are read, run, write, admin."),
        (("token", "create", "x", "--expires-in", "soon"), "Unable to parse 'soon' as a time to wait."),
        (("token", "create", "x", "--expires-in", "999999999w"), "longer than anybody can wait"),
        (("token", "create", "x", "--expires-in", "999999999d"), "after the calendar ends"),
        (("token", "create", "x/y"), "cannot be created"),
        (("audit", "ls", "--since", "then"), "'then' is no moment."),
    ],
)
def test_what_is_wrong_with_tokens_is_said(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    assert words in cli.error("server", *arguments)
