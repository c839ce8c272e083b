"""Concurrency limits, and who holds their slots."""

from __future__ import annotations

from datetime import datetime, timezone
from html import unescape
from uuid import uuid4

import pytest

HOSTILE = "\"' \u202eabc " + "x" * 200


def at(id):
    return f"/concurrency-limits/concurrency-limit/{id}"


@pytest.fixture
def limit(site):
    """A global limit."""
    return site.api("POST", "/v2/concurrency_limits/", {"name": f"global {uuid4().hex}", "limit": 5})


def read(site, id):
    return site.api("GET", f"/v2/concurrency_limits/{id}")


def test_limits_are_listed_by_what_they_limit(site, limit):
    tag = f"tag-{uuid4().hex}"
    site.api("POST", "/concurrency_limits/", {"tag": tag, "concurrency_limit": 4})
    asked = {"flow_id": site.flow("limited"), "name": f"limited-{tag}", "concurrency_limit": 2}
    site.api("POST", "/deployments/", asked)
    shown = site.show("/concurrency-limits").text
    assert shown.index(f"{limit['name']} 0 of 5") < shown.index("Of tags")
    assert shown.index("Of tags") < shown.index(f" {tag} 0 of 4") < shown.index("Of deployments")
    assert shown.index("Of deployments") < shown.index(f"limited-{tag} 0 of 2")


def test_a_limit_is_made_changed_turned_off_and_deleted(site):
    name = f"made {uuid4().hex}"
    site.submit("/concurrency-limits/new", kind="global", name=name, limit="3", slot_decay_per_second="0.5")
    made = read(site, name)
    assert (made["limit"], made["slot_decay_per_second"]) == (3, 0.5)
    page = at(made["id"])
    assert "0.5 slots become free per second" in site.show(page).text
    assert "is changed" in site.submit(f"{page}/edit", name=f"{name}!", limit="4", slot_decay_per_second="").text
    changed = read(site, made["id"])
    assert (changed["name"], changed["limit"], changed["slot_decay_per_second"]) == (f"{name}!", 4, 0)
    site.submit(f"{page}/pause")
    assert read(site, made["id"])["active"] is False
    site.submit(f"{page}/resume")
    assert read(site, made["id"])["active"] is True
    assert "is deleted" in site.submit(f"{page}/delete").text
    site.show(page, 404)


def test_a_limit_of_a_tag_is_made_and_changed(site):
    tag = f"made-{uuid4().hex}"
    shown = site.submit("/concurrency-limits/new", kind="tag", name=tag, limit="3")
    assert shown.title == f"{tag} · Prefect"
    made = site.api("GET", f"/concurrency_limits/tag/{tag}")
    assert made["concurrency_limit"] == 3
    site.submit(f"{at(made['id'])}/edit", limit="6")
    assert site.api("GET", f"/concurrency_limits/tag/{tag}")["concurrency_limit"] == 6


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"kind": "global", "name": "{taken}", "limit": "1"}, 409, "already"),
        ({"kind": "global", "name": "n", "limit": ""}, 422, "how many slots"),
        ({"kind": "global", "name": "n", "limit": "few"}, 422, "no whole number"),
        ({"kind": "global", "name": "n", "limit": "-1"}, 422, "limit"),
        ({"kind": "global", "name": "n", "limit": "1", "slot_decay_per_second": "slow"}, 422, "no number"),
        ({"kind": "tag", "name": "n", "limit": "-1"}, 422, "limit"),
    ],
)
def test_a_limit_that_cannot_be_is_said_with_what_was_typed(site, limit, typed, status, said):
    typed = {name: value.format(taken=limit["name"]) for name, value in typed.items()}
    shown = site.submit("/concurrency-limits/new", status, **typed)
    (wrong,) = [part.split("</p>")[0] for part in shown.html.split('role="alert">')[1:]]
    assert said in wrong
    for value in typed.values():
        assert value in unescape(shown.html)


def test_who_holds_slots_is_told_as_far_as_it_is_known(site, limit):
    run = site.run("RUNNING", name="holding-run")
    site.api("POST", "/v2/concurrency_limits/increment", {"names": [limit["name"]], "slots": 3})
    identity = {
        "prefect.resource.id": f"prefect.concurrency-limit.{limit['id']}",
        "prefect.resource.name": limit["name"],
    }
    related = [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}]
    related[0]["prefect.resource.name"] = "holding-run"
    acquired, given_back = str(uuid4()), str(uuid4())
    told = [("acquired", acquired, None), ("acquired", given_back, None), ("released", str(uuid4()), given_back)]
    events = [
        {
            "id": id,
            "event": f"prefect.concurrency-limit.{what}",
            "occurred": datetime.now(timezone.utc).isoformat(),
            "resource": {**identity, "slots-acquired": "2"},
            "related": related if id == acquired else [],
            "payload": {},
            "follows": follows,
        }
        for what, id, follows in told
    ]
    site.api("POST", "/events", events)
    shown = site.show(at(limit["id"]))
    assert "3 of 5" in shown.text
    assert "holding-run 2 " in shown.text
    assert "1 more are held" in shown.text
    assert "something that is no run" not in shown.text
    assert f"/runs/flow-run/{run}" in shown.links
    site.submit(f"{at(limit['id'])}/free")
    assert read(site, limit["id"])["active_slots"] == 0


def test_the_task_runs_that_hold_slots_of_a_tag_are_told(site):
    tag = f"held-{uuid4().hex}"
    made = site.api("POST", "/concurrency_limits/", {"tag": tag, "concurrency_limit": 2})
    asked = {
        "flow_run_id": site.run("RUNNING"),
        "task_key": "t",
        "dynamic_key": "0",
        "name": "holding-task",
        "tags": [tag],
    }
    task = site.api("POST", "/task_runs/", asked)["id"]
    site.api("POST", "/concurrency_limits/increment", {"names": [tag], "task_run_id": task})
    shown = site.show(at(made["id"]))
    assert f"/runs/task-run/{task}" in shown.links
    assert "1 of 2" in shown.text
    site.submit(f"{at(made['id'])}/free")
    assert site.api("GET", f"/concurrency_limits/tag/{tag}")["active_slots"] == []


def test_the_runs_that_hold_slots_of_a_deployment_are_told(site):
    asked = {"flow_id": site.flow("limited"), "name": f"holding-{uuid4().hex}", "concurrency_limit": 2}
    deployment = site.api("POST", "/deployments/", asked)
    site.run("RUNNING", deployment_id=deployment["id"], name="deployed-holder")
    shown = site.show(at(deployment["global_concurrency_limit"]["id"]))
    assert shown.title == f"{asked['name']} · Prefect"
    assert "deployed-holder" in shown.text
    assert f"/deployments/deployment/{deployment['id']}" in shown.links


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site):
    names = [f"{HOSTILE}{uuid4().hex}" for _ in range(2)]
    made = site.api("POST", "/v2/concurrency_limits/", {"name": names[0], "limit": 5})["id"]
    tagged = site.api(
        "POST", "/concurrency_limits/", {"tag": f"<script>alert(1)</script>{names[1]}", "concurrency_limit": 1}
    )["id"]
    for path in ["/concurrency-limits", at(made), f"{at(made)}/edit", at(tagged), f"{at(tagged)}/edit"]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
    site.submit(f"{at(tagged)}/free")
    site.submit(f"{at(tagged)}/delete")
    site.show(at(tagged), 404)
