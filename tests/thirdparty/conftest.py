"""Published packages, installed as they are: `nox -s thirdparty`. Each test uses one against something real and local."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session", autouse=True)
def orchestrator() -> Iterator[None]:
    with prefect_test_harness():
        yield


class HttpService:
    """A server that answers `answer` to everything, and keeps what it was asked as (method, path, body)."""

    def __init__(self) -> None:
        self.answer = b"ok"
        self.requests: list[tuple[str, str, bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service.requests.append((self.command, self.path, body))
                self.send_response(200)
                self.send_header("Content-Type", "application/json" if service.answer[:1] in b"{[" else "text/plain")
                self.send_header("Content-Length", str(len(service.answer)))
                self.end_headers()
                self.wfile.write(service.answer)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def port(self) -> int:
        return self.server.server_port


@pytest.fixture
def http_service() -> Iterator[HttpService]:
    service = HttpService()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Git repository on this machine, which git finds under the HTTPS address of any of the three hosts."""
    folder = tmp_path / "origin" / "team" / "project.git"
    folder.mkdir(parents=True)
    (folder / "flows").mkdir()
    (folder / "flows" / "etl.py").write_text("print('etl')\n")
    (folder / "README.md").write_text("# Project\n")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    pairs = [
        (f"url.file://{tmp_path}/origin/.insteadOf", f"https://{user}{host}/")
        for host in ("github.com", "gitlab.com", "bitbucket.org")
        for user in ("", "sesame@", "oauth2:sesame@", "x-token-auth:sesame@")
    ]
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(pairs)))
    for number, (key, value) in enumerate(pairs):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    return folder
