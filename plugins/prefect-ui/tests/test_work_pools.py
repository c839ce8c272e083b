"""Work pools, their queues and their workers."""

from __future__ import annotations

from html import unescape
from uuid import uuid4

import pytest

TABS = ["", "/runs", "/upcoming", "/deployments", "/template", "/events"]
HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300
TEMPLATE = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {"properties": {"command": {"default": "go"}}},
}


@pytest.fixture
def pool(site):
    """The name of a work pool of its own, which has a worker, a queue and a run that waits."""
    name = f"pool {uuid4().hex}"
    site.api("POST", "/work_pools/", {"name": name, "type": "process", "base_job_template": TEMPLATE})
    site.api("POST", f"/work_pools/{name}/queues", {"name": "urgent", "priority": 1, "concurrency_limit": 2})
    site.api("POST", f"/work_pools/{name}/workers/heartbeat", {"name": "busy-bee", "heartbeat_interval_seconds": 30})
    asked = {"flow_id": site.flow("pooled"), "name": "pooled", "work_pool_name": name, "work_queue_name": "urgent"}
    deployment = site.api("POST", "/deployments/", asked)["id"]
    site.api("POST", f"/deployments/{deployment}/create_flow_run", {"name": "patient-run"})
    return name


def at(pool):
    return f"/work-pools/work-pool/{pool}"


def queue_of(site, pool, name="urgent"):
    return site.api("GET", f"/work_pools/{pool}/queues/{name}")


def test_the_list_tells_status_slots_and_workers(site, pool):
    site.api("PATCH", f"/work_pools/{pool}", {"concurrency_limit": 7})
    shown = site.show("/work-pools")
    assert f"{pool} process ● Ready 0 of 7 1 of 1" in shown.text
    assert at(pool).replace(" ", "%20") in shown.links


@pytest.mark.parametrize("tab", TABS)
def test_a_work_pool_has_all_its_parts(site, pool, tab):
    shown = site.show(at(pool) + tab)
    assert shown.title == f"{pool} · Prefect"
    assert ("busy-bee" in shown.text) == (tab == "")
    assert ("patient-run" in shown.text) == (tab in {"/upcoming", "/events"})
    assert ("{{ command }}" in shown.text) == (tab == "/template")
    assert ("pooled" in shown.text) == (tab in {"/upcoming", "/deployments"})
    site.show(f"{at(pool)}/nonsense", 404)


def test_a_work_pool_is_paused_resumed_and_deleted(site, pool):
    assert "is paused" in site.submit(f"{at(pool)}/pause").text
    assert site.api("GET", f"/work_pools/{pool}")["is_paused"] is True
    assert "‖ Paused" in site.show(at(pool)).text
    site.submit(f"{at(pool)}/resume")
    assert site.api("GET", f"/work_pools/{pool}")["is_paused"] is False
    assert "is deleted" in site.submit(f"{at(pool)}/delete").text
    site.show(at(pool), 404)


def test_a_work_pool_is_made_with_the_template_of_its_type(site):
    name = f"made {uuid4().hex}"
    shown = site.submit("/work-pools/new", name=name, type="process", concurrency_limit="3", description="Mine")
    assert shown.title == f"{name} · Prefect"
    made = site.api("GET", f"/work_pools/{name}")
    assert (made["type"], made["concurrency_limit"], made["description"]) == ("process", 3, "Mine")
    assert "command" in made["base_job_template"]["job_configuration"]


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"name": "{taken}", "type": "process"}, 409, "already"),
        ({"name": "a/b", "type": "process"}, 422, "name"),
        ({"name": "", "type": "process"}, 422, "name"),
        ({"name": "x", "type": "nonsense"}, 422, "Types are"),
        ({"name": "x", "type": "process", "concurrency_limit": "many"}, 422, "no whole number"),
        ({"name": "x", "type": "process", "base_job_template": "[]"}, 422, "must be an object"),
    ],
)
def test_a_work_pool_that_cannot_be_is_said_with_what_was_typed(site, pool, typed, status, said):
    typed = {name: value.format(taken=pool) for name, value in typed.items()}
    shown = site.submit("/work-pools/new", status, **typed)
    (wrong,) = [part.split("</p>")[0] for part in shown.html.split('role="alert">')[1:]]
    assert said in wrong
    for name, value in typed.items():
        assert name == "type" or value in unescape(shown.html)


def test_a_work_pool_is_changed(site, pool):
    form = site.show(f"{at(pool)}/edit")
    assert "{{ command }}" in unescape(form.html)
    typed = {
        "description": "New",
        "concurrency_limit": "5",
        "base_job_template": '{"job_configuration": {"a": "b"}, "variables": {"properties": {}}}',
    }
    assert "is changed" in site.submit(f"{at(pool)}/edit", **typed).text
    changed = site.api("GET", f"/work_pools/{pool}")
    assert (changed["description"], changed["concurrency_limit"]) == ("New", 5)
    assert changed["base_job_template"]["job_configuration"] == {"a": "b"}
    site.submit(f"{at(pool)}/edit", description="New", concurrency_limit="", base_job_template="")
    changed = site.api("GET", f"/work_pools/{pool}")
    assert changed["concurrency_limit"] is None
    assert changed["base_job_template"]["job_configuration"] == {"a": "b"}
    assert "no JSON" in site.submit(f"{at(pool)}/edit", 422, base_job_template="{").text


def test_a_queue_is_made_changed_paused_and_deleted(site, pool):
    made = site.submit(f"{at(pool)}/queues/new", name="slow", priority="2", concurrency_limit="4")
    assert made.title == "slow · Prefect"
    queue = queue_of(site, pool, "slow")
    assert (queue["priority"], queue["concurrency_limit"]) == (2, 4)
    page = f"/work-queues/work-queue/{queue['id']}"
    site.submit(f"{page}/pause")
    site.submit(f"{page}/edit", description="D", priority="1", concurrency_limit="")
    changed = queue_of(site, pool, "slow")
    assert (changed["description"], changed["priority"], changed["concurrency_limit"]) == ("D", 1, None)
    assert changed["is_paused"] is True
    site.submit(f"{page}/resume")
    assert queue_of(site, pool, "slow")["is_paused"] is False
    assert "no whole number" in site.submit(f"{page}/edit", 422, priority="first").text
    assert "already" in site.submit(f"{at(pool)}/queues/new", 409, name="slow").text
    site.submit(f"{page}/delete")
    site.show(page, 404)


def test_a_queue_tells_what_waits_in_it(site, pool):
    shown = site.show(f"/work-queues/work-queue/{queue_of(site, pool)['id']}")
    assert "patient-run" in shown.text
    assert "0 of 2" in shown.text
    assert pool in shown.text


def test_who_uses_slots_is_told(site, pool):
    chosen = {"flow_runs": {"name": {"any_": ["patient-run"]}}, "work_pools": {"name": {"any_": [pool]}}}
    (run,) = site.api("POST", "/flow_runs/filter", chosen)
    site.api("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "PENDING"}, "force": True})
    for path in (at(pool), f"/work-queues/work-queue/{queue_of(site, pool)['id']}"):
        shown = site.show(path)
        assert "patient-run" in shown.text
        assert "1 of 2" in shown.text


def test_a_worker_has_a_page_and_can_be_forgotten(site, pool):
    (worker,) = site.api("POST", f"/work_pools/{pool}/workers/filter", {})
    page = f"{at(pool)}/worker/{worker['id']}"
    assert page.replace(" ", "%20") in site.show(at(pool)).links
    assert "● Online" in site.show(page).text
    assert "is forgotten" in site.submit(f"{page}/delete").text
    assert site.api("POST", f"/work_pools/{pool}/workers/filter", {}) == []
    site.show(page, 404)


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site, pool):
    site.api(
        "PATCH",
        f"/work_pools/{pool}",
        {"description": HOSTILE, "base_job_template": {**TEMPLATE, "job_configuration": {"x": HOSTILE}}},
    )
    queue = queue_of(site, pool)
    site.api("PATCH", f"/work_queues/{queue['id']}", {"description": HOSTILE})
    paths = ["/work-pools", *(at(pool) + tab for tab in [*TABS, "/edit"])]
    for path in [*paths, f"/work-queues/work-queue/{queue['id']}", f"/work-queues/work-queue/{queue['id']}/edit"]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
    assert HOSTILE[:20] in site.show(at(pool)).text
