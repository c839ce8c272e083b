"""The list of flows, and the page of one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def ran(site, flow, state="COMPLETED", **fields):
    """A run of a flow that has begun and ended."""
    run = site.run("PENDING", flow, **fields)
    for kind in ("RUNNING", state):
        site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": kind}})
    return run


def test_flows_are_listed_with_their_runs_and_deployments(site):
    flow = site.flow("listed-flow")
    run = ran(site, flow, "FAILED", name="its-latest")
    site.api("POST", "/deployments/", {"flow_id": flow, "name": "nightly"})
    due = datetime.now(timezone.utc) + timedelta(hours=2)
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
    waiting = site.run(flow=flow, state=state)
    shown = site.show("/flows?name=listed-f")
    assert "1 flow " in shown.text
    assert f"/flows/flow/{flow}" in shown.links
    assert f"/runs/flow-run/{run}" in shown.links
    assert f"/runs/flow-run/{waiting}" in shown.links
    assert "in 1 h 59 min" in shown.text or "in 2 h" in shown.text
    assert "its-latest: failed, " in shown.text


def test_flows_are_found_by_name_and_tag(site):
    site.api("POST", "/flows/", {"name": "tagged-flow", "tags": ["green"]})
    assert "tagged-flow" in site.show("/flows?tag=green").text
    assert "tagged-flow" not in site.show("/flows?tag=red").text
    assert "No flow is like this" in site.show("/flows?name=nothing-is-called-so").text


def test_a_flow_shows_its_runs_deployments_and_how_long_it_takes(site):
    flow = site.flow("lengthy")
    runs = [ran(site, flow) for _ in range(9)]
    deployment = site.api("POST", "/deployments/", {"flow_id": flow, "name": "hourly"})["id"]
    shown = site.show(f"/flows/flow/{flow}")
    assert shown.title == "lengthy · Prefect"
    assert f"/deployments/deployment/{deployment}" in shown.links
    # each run is in the strip and in the table
    assert [shown.links.count(f"/runs/flow-run/{run}") for run in runs] == [2] * 9
    assert "How long 9 runs took" in shown.html
    assert "95 of 100 runs took no longer" in shown.text
    assert "9 runs" in shown.text


def test_a_new_flow_says_what_would_fill_its_page(site):
    shown = site.show(f"/flows/flow/{site.flow('brand-new')}")
    assert "has not been run yet" in shown.text
    assert "flow.deploy" in shown.text
    assert "How long it takes" not in shown.text


def test_a_flow_is_deleted(site):
    flow = site.flow("unwanted")
    assert f"/flows/flow/{flow}/delete" in site.show(f"/flows/flow/{flow}").actions
    assert "The flow unwanted is deleted" in site.submit(f"/flows/flow/{flow}/delete").text
    assert site.client.get(f"/api/flows/{flow}").status_code == 404
    site.show(f"/flows/flow/{flow}", 404)
    assert f"There is no flow with id {flow}" in site.submit(f"/flows/flow/{flow}/delete").text


def test_what_users_write_is_harmless(site):
    flow = site.api("POST", "/flows/", {"name": "h" + "x" * 200, "tags": [HOSTILE], "labels": {HOSTILE: HOSTILE}})["id"]
    ran(site, flow, name=HOSTILE)
    for path in ("/flows", f"/flows/flow/{flow}"):
        assert "<script>alert" not in site.show(path).html
    assert "<script>alert('x')</script>" in site.show(f"/flows/flow/{flow}").text
