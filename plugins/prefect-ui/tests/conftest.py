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


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that has one object of each kind, and the pages of those that are no runs, and of what makes them."""
    with _serving(tmp_path_factory.mktemp("places")) as url:
        yield url, _make_places(Site(url))


def _make_places(site: Site) -> list[str]:
    tags = ["seeded & tagged"]
    site.api("POST", "/work_pools/", {"name": "seeded pool", "type": "process"})
    site.api("POST", "/work_pools/seeded pool/workers/heartbeat", {"name": "seeded worker"})
    (worker,) = site.api("POST", "/work_pools/seeded pool/workers/filter", {})
    queue = site.api("POST", "/work_pools/seeded pool/queues", {"name": "seeded queue", "concurrency_limit": 2})
    schema = {"properties": {"day": {"type": "string"}, "options": {"type": "object"}}, "required": ["day"]}
    cron, paused = {"schedule": {"cron": "0 2 * * *"}}, {"schedule": {"interval": 86400}, "active": False}
    asked = {"flow_id": site.flow("seeded"), "name": "seeded", "tags": tags, "work_pool_name": "seeded pool"}
    asked |= {"parameter_openapi_schema": schema, "schedules": [cron, paused], "concurrency_limit": 2}
    deployment = site.api("POST", "/deployments/", asked)
    site.run("FAILED", deployment_id=deployment["id"], name="seeded run", tags=tags)
    limit = site.api("POST", "/v2/concurrency_limits/", {"name": "seeded limit", "limit": 3})
    tag = site.api("POST", "/concurrency_limits/", {"tag": "seeded", "concurrency_limit": 3})
    variable = site.api("POST", "/variables/", {"name": "seeded", "value": {"a": 1}, "tags": tags})
    kind = site.api("POST", "/block_types/", {"name": "Seeded", "slug": "seeded"})
    fields = {"title": "Seeded", "type": "object", "properties": {"key": {"type": "string", "format": "password"}}}
    fields |= {"secret_fields": ["key"], "block_type_slug": "seeded"}
    block_schema = site.api("POST", "/block_schemas/", {"fields": fields, "block_type_id": kind["id"]})
    described = {"block_type_id": kind["id"], "block_schema_id": block_schema["id"]}
    block = site.api("POST", "/block_documents/", {**described, "name": "seeded", "data": {"key": "s"}})
    trigger = {"type": "event", "expect": ["seeded"], "match": {"prefect.resource.id": "seeded.*"}}
    described = {"name": "seeded", "tags": tags, "trigger": trigger, "actions": [{"type": "cancel-flow-run"}]}
    automation = site.api("POST", "/automations/", described)
    (event,) = site.api("POST", "/events/filter", {"filter": {"event": {"prefix": ["prefect."]}}, "limit": 1})["events"]
    site.client.close()
    at, pool = f"/deployments/deployment/{deployment['id']}", "/work-pools/work-pool/seeded pool"
    return [
        "/deployments",
        "/deployments/calendar",
        *(at + tab for tab in ("", "/upcoming", "/schedules", "/parameters", "/details", "/events")),
        f"{at}/run",
        f"{at}/schedules/new",
        "/work-pools",
        "/work-pools/new",
        *(pool + tab for tab in ("", "/deployments", "/template", "/events", "/edit", "/queues/new")),
        f"{pool}/worker/{worker['id']}",
        f"/work-queues/work-queue/{queue['id']}",
        "/concurrency-limits",
        "/concurrency-limits/new",
        f"/concurrency-limits/concurrency-limit/{limit['id']}",
        f"/concurrency-limits/concurrency-limit/{tag['id']}/edit",
        "/variables",
        "/variables/new",
        f"/variables/variable/{variable['id']}",
        "/blocks",
        "/blocks/catalog",
        f"/blocks/block/{block['id']}",
        f"/blocks/block/{block['id']}/edit",
        "/automations",
        "/automations/new",
        f"/automations/automation/{automation['id']}",
        "/events",
        f"/events/event/{event['occurred'][:10]}/{event['id']}",
        "/settings",
        "/settings/tokens",
        "/settings/tokens/new",
        "/settings/audit",
    ]
