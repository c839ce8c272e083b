"""What only a browser shows: pages that follow what happens, keys, themes, and that nobody is shut out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium`")

PAGES = ["/dashboard", "/runs", "/flows"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Tab:
    """One tab of a browser, which remembers what went wrong in it."""

    def __init__(self, chromium: Any, url: str, **options: Any) -> None:
        self.context = chromium.new_context(base_url=url, **options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def tab(chromium: Any, server: str) -> Iterator[Tab]:
    opened = Tab(chromium, server)
    yield opened
    opened.context.close()
    assert opened.wrong == []


def test_a_page_shows_a_change_within_a_second_and_asks_for_nothing_when_nothing_happens(site, tab):
    run = site.run("RUNNING", name="watched")
    tab.page.goto(f"/runs/flow-run/{run}")
    state = tab.page.locator("dl.facts .state").first
    assert "Running" in state.inner_text()
    tab.page.wait_for_timeout(1500)
    asked = len(tab.asked)
    tab.page.wait_for_timeout(2000)
    assert len(tab.asked) == asked
    site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}})
    began = time.monotonic()
    tab.page.locator("dl.facts .state", has_text="Completed").first.wait_for(timeout=20_000)
    assert time.monotonic() - began < 5  # a second where nothing else is at work


def test_the_pages_of_a_run_and_a_flow_follow_what_is_in_them(site, chromium, server):
    flow = site.flow("followed")
    run = site.run("RUNNING", flow)
    tabs = [Tab(chromium, server) for _ in range(2)]
    tabs[0].page.goto(f"/runs/flow-run/{run}/tasks")
    tabs[1].page.goto(f"/flows/flow/{flow}")
    for tab in tabs:
        tab.page.wait_for_timeout(1000)  # until it listens
    site.task(run, "new-task-0", "RUNNING")
    tabs[0].page.get_by_role("link", name="new-task-0").wait_for(timeout=20_000)
    site.run("RUNNING", flow, name="new-run")
    tabs[1].page.get_by_role("link", name="new-run", exact=True).first.wait_for(timeout=20_000)
    for tab in tabs:
        tab.context.close()
        assert tab.wrong == []


def test_the_pages_of_a_deployment_its_queue_and_its_pool_follow_its_runs(site, chromium, server):
    site.api("POST", "/work_pools/", {"name": "followed pool", "type": "process"})
    queue = site.api("GET", "/work_pools/followed%20pool/queues/default")["id"]
    asked = {"flow_id": site.flow(), "name": "followed", "work_pool_name": "followed pool"}
    deployment = site.api("POST", "/deployments/", asked)["id"]
    paths = [
        f"/deployments/deployment/{deployment}/upcoming",
        f"/work-queues/work-queue/{queue}",
        "/work-pools/work-pool/followed pool/upcoming",
    ]
    tabs = [Tab(chromium, server) for _ in paths]
    for tab, path in zip(tabs, paths, strict=True):
        tab.page.goto(path)
    tabs[-1].page.wait_for_timeout(700)  # until all listen
    site.api("POST", f"/deployments/{deployment}/create_flow_run", {"name": "just-made"})
    for tab in tabs:
        tab.page.get_by_role("link", name="just-made").wait_for(timeout=20_000)
        tab.context.close()
        assert tab.wrong == []


def test_what_is_typed_is_kept_while_the_page_changes(site, tab):
    tab.page.goto("/runs?name=not-yet-there")
    tab.page.locator("input[name=flow]").fill("half a na")
    site.run(name="not-yet-there")
    tab.page.get_by_role("link", name="not-yet-there").wait_for(timeout=20_000)
    assert tab.page.locator("input[name=flow]").input_value() == "half a na"


def test_what_is_selected_is_kept_while_the_page_changes(site, tab):
    flow = site.flow("selecting")
    first = site.run("RUNNING", flow, name="selecting-1")
    tab.page.goto("/runs?name=selecting&sort=name")
    box = tab.page.locator(f"input[value='{first}']")
    box.check()
    second = site.run("RUNNING", flow, name="selecting-0")
    tab.page.get_by_role("link", name="selecting-0").wait_for(timeout=20_000)
    assert box.is_checked()
    assert not tab.page.locator(f"input[value='{second}']").is_checked()


def test_all_of_a_page_are_selected_and_asked_about_before_they_are_deleted(site, tab):
    flow = site.flow("by-dozens")
    for number in range(3):
        site.run(flow=flow, name=f"by-dozens-{number}")
    asked = []
    tab.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    tab.page.goto("/runs?flow=by-dozens")
    tab.page.locator("input.all").check()
    assert tab.page.locator("input[name=run]:checked").count() == 3
    tab.page.get_by_role("button", name="Delete", exact=True).click()
    tab.page.get_by_text("3 runs are deleted").wait_for(timeout=20_000)
    assert asked == ["Delete the selected runs, with their logs and task runs?"]


def test_keys_lead_through_the_pages(site, tab):
    first, second = site.run(name="by-keys-1"), site.run(name="by-keys-2")
    tab.page.goto("/dashboard")
    tab.page.keyboard.press("g")
    tab.page.keyboard.press("r")
    tab.page.wait_for_url("**/runs")
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("by-keys")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/runs?*name=by-keys*")
    tab.page.keyboard.press("j")
    tab.page.keyboard.press("j")
    tab.page.keyboard.press("k")
    tab.page.keyboard.press("j")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/runs/flow-run/*")
    assert tab.page.url.rpartition("/")[2] in {first, second}
    tab.page.keyboard.press("?")
    assert tab.page.locator("#keys").is_visible()


def test_the_theme_is_the_systems_until_another_is_chosen(chromium, server):
    dark = Tab(chromium, server, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark.page.goto("/dashboard")
    before = dark.page.evaluate(background)
    dark.page.locator("#theme").click()
    after = dark.page.evaluate(background)
    assert before != after
    dark.page.reload()
    assert dark.page.evaluate(background) == after
    dark.context.close()


def seen(site):
    """A flow run with parts."""
    run = site.run("PENDING", name="seen", tags=["tag"])
    for state in ("RUNNING", "FAILED"):
        site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state}})
    extract = site.task(run, "extract-0")
    site.task(run, "load-0", "FAILED", task_inputs={"rows": [{"input_type": "task_run", "id": extract}]})
    line = {"name": "n", "level": 40, "message": "m", "timestamp": "2031-01-01T00:00:00Z"}
    site.api("POST", "/logs/", [{**line, "flow_run_id": run, "task_run_id": extract}])
    return run


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_shut_out(site, chromium, server, theme, path):
    from axe_playwright_python.sync_playwright import Axe

    seen(site)
    tab = Tab(chromium, server, color_scheme=theme, bypass_csp=True)
    tab.page.goto(path)
    found = Axe().run(tab.page).response["violations"]
    tab.context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("part", ["", "/graph", "/tasks", "/logs", "/details"])
def test_nobody_is_shut_out_of_a_run(site, chromium, server, theme, part):
    from axe_playwright_python.sync_playwright import Axe

    run = seen(site)
    tab = Tab(chromium, server, color_scheme=theme, bypass_csp=True)
    tab.page.goto(f"/runs/flow-run/{run}{part}")
    found = Axe().run(tab.page).response["violations"]
    tab.context.close()
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}] == []


ALIKE = ("/new", "/edit", "/upcoming", "/parameters", "/details", "/template", "/events")
"""How addresses of pages end that have no parts which others do not have."""


def serious_on(pages, chromium, theme, rules=None):
    """What shuts people out of some pages of a server."""
    from axe_playwright_python.sync_playwright import Axe

    (url, paths), found = pages, []
    tab = Tab(chromium, url, color_scheme=theme, bypass_csp=True)
    for path in paths:
        tab.page.goto(path, wait_until="domcontentloaded")
        violations = Axe().run(tab.page, options=rules).response["violations"]
        serious = [each for each in violations if each["impact"] in {"serious", "critical"}]
        found += [(path, each["id"], each["nodes"][0]["html"]) for each in serious]
    tab.context.close()
    return found


NOUNS = ["deployments", "work-pools", "concurrency-limits", "variables", "blocks", "automations", "events", "settings"]


@pytest.mark.parametrize("noun", NOUNS)
def test_nobody_is_shut_out_of_what_is_no_run(places, chromium, noun):
    url, paths = places
    about = [
        path for path in paths if path.startswith(f"/{noun}") and (path.count("/") == 1 or not path.endswith(ALIKE))
    ]
    assert len(about) > 1
    assert serious_on((url, about), chromium, "light") == []


def test_colours_can_be_told_apart_in_the_dark(places, chromium):
    url, paths = places
    lists = [path for path in paths if path.count("/") == 1]
    assert serious_on((url, lists), chromium, "dark", {"runOnly": ["color-contrast"]}) == []


def test_nobody_is_shut_out_of_what_runs_belong_to_and_leave(site, chromium, server, theme):
    run = seen(site)
    table = {"type": "table", "data": '[{"city": "Bonn", "n": 1}]', "key": "seen-table", "flow_run_id": run}
    site.api("POST", "/artifacts/", table)
    asset = {"event": "prefect.asset.materialization.succeeded", "id": str(uuid4())}
    asset |= {"resource": {"prefect.resource.id": "s3://seen/made"}, "occurred": datetime.now(timezone.utc).isoformat()}
    related = [{"prefect.resource.id": "s3://seen/read", "prefect.resource.role": "asset"}]
    site.api("POST", "/events", [{**asset, "related": related}])
    (task, *_) = site.api("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
    flow = site.api("GET", f"/flow_runs/{run}")["flow_id"]
    paths = [
        f"/flows/flow/{flow}",
        f"/runs/task-run/{task['id']}",
        "/artifacts",
        "/artifacts/key/seen-table",
        "/assets",
        "/assets/asset?key=s3://seen/made",
    ]
    assert serious_on((server, paths), chromium, theme) == []


def test_a_first_visit_is_small(tab):
    sizes: list[int] = []
    tab.page.on("response", lambda answer: sizes.append(len(answer.body())))
    tab.page.goto("/dashboard", wait_until="networkidle")
    assert len(sizes) <= 6
    assert sum(sizes) <= 200_000
