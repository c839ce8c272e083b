"""A server with the pages, and a site to look at them with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect.server.api.server import create_app, listen, make_server
from prefect.settings import get_current_settings
from prefect.settings.context import temporary_settings


class Shown(HTMLParser):
    """A page as its reader gets it: text, links (`listed` are those in tables), forms, and what the rules for pages are about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: list[str] = []
        self.listed: list[str] = []
        self.actions: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.title = ""
        self.text = ""
        self.inline: list[str] = []
        self._within: list[str] = []
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._within.append(tag)
        if tag in {"a", "link", "script"} and (target := given.get("href") or given.get("src")):
            self.links.append(target)
            if "table" in self._within:
                self.listed.append(target)
        if tag == "form" and given.get("method") == "post":
            self.actions.append(given.get("action") or "")
        if "id" in given:
            self.ids.append(given["id"] or "")
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            while self._within.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"
        if self._within[-1:] == ["title"] and "svg" not in self._within:
            self.title += data
        if "h1" in self._within:
            self.headings.append(data)


class Site:
    """
    The pages of a server, and its API.

    `show` reads a page, `submit` sends a form and reads the page that it leads to, `api` asks the API.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=30, trust_env=False, follow_redirects=True)

    def close(self) -> None:
        self.client.close()

    def show(self, path: str, status: int = 200) -> Shown:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-2000:])
        return Shown(answer.text)

    def submit(self, path: str, status: int = 200, **fields: Any) -> Shown:
        answer = self.client.post(path, data=fields)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-2000:])
        return Shown(answer.text)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/api{path}", json=body)
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    def flow(self, name: str = "flow") -> str:
        return str(self.api("POST", "/flows/", {"name": name})["id"])

    def run(self, state: str | dict[str, Any] = "COMPLETED", flow: str | None = None, **fields: Any) -> str:
        """A flow run in a state."""
        asked = {
            "flow_id": flow or self.flow(),
            "state": {"type": state} if isinstance(state, str) else state,
            **fields,
        }
        return str(self.api("POST", "/flow_runs/", asked)["id"])

    def task(
        self, flow_run: str | None, name: str = "task-0", state: str | dict[str, Any] = "COMPLETED", **fields: Any
    ) -> str:
        """A task run in a state."""
        made = {"type": state} if isinstance(state, str) else state
        asked = {
            "flow_run_id": flow_run,
            "name": name,
            "task_key": "task",
            "dynamic_key": name,
            "state": made,
            **fields,
        }
        return str(self.api("POST", "/task_runs/", asked)["id"])


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    with temporary_settings({"PREFECT_HOME": str(home)}):
        app = create_app(get_current_settings(), ephemeral=True)
    socket = listen("127.0.0.1", 0)
    serving = make_server(app)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [socket]})
    thread.start()
    deadline = time.monotonic() + 60
    while not serving.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    serving.should_exit = True
    thread.join()
    socket.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server whose loops do not run."""
    with _serving(tmp_path_factory.mktemp("home")) as url:
        yield url


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[str]:
    """The URL of such a server that no other test uses."""
    with _serving(tmp_path) as url:
        yield url


@pytest.fixture
def site(server: str) -> Iterator[Site]:
    made = Site(server)
    yield made
    made.client.close()


@pytest.fixture
def own_site(own_server: str) -> Iterator[Site]:
    """The pages of a server that no other test uses."""
    made = Site(own_server)
    yield made
    made.client.close()
