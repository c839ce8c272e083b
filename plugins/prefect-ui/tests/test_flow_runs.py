"""The list of flow runs, and the page of one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

TABS = ["", "/tasks", "/subflows", "/logs", "/artifacts", "/events", "/details"]
HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def test_the_front_is_the_dashboard(site):
    assert site.client.get("/").url.path == "/dashboard"


def test_the_dashboard_counts_runs_by_state(site):
    for state in ("COMPLETED", "FAILED"):
        site.run(state, name=f"the-{state}")
    shown = site.show("/dashboard")
    assert "the-FAILED" in shown.text
    assert "the-COMPLETED" not in shown.text
    assert "runs over time" in shown.html


def test_runs_are_found_by_state_name_flow_and_tag(site):
    flow = site.flow("orders")
    failed = site.run("FAILED", flow, name="first-one", tags=["blue"])
    site.run("COMPLETED", flow, name="second-one")

    def found(query):
        return [link.rpartition("/")[2] for link in site.show(f"/runs?{query}").links if "/runs/flow-run/" in link]

    assert found("flow=orders&state=FAILED") == [failed]
    assert found("name=first-on") == [failed]
    assert found("flow=orders&tag=blue") == [failed]
    assert len(found("flow=orders")) == 2
    assert found("flow=orders&state=CRASHED") == []
    assert "No run is like this" in site.show("/runs?name=nothing-is-called-so").text


def test_runs_are_shown_page_by_page(site):
    flow = site.flow("many")
    for number in range(51):
        site.run(flow=flow, name=f"many-{number}")
    first = site.show("/runs?flow=many")
    assert "Page 1 of 2" in first.text
    assert "51 runs" in first.text
    (following,) = [link for link in first.links if "page=2" in link]
    assert sum("/runs/flow-run/" in link for link in site.show(following).links) == 1
    assert "51 runs" in site.show("/runs?flow=many&page=nonsense").text


@pytest.mark.parametrize("tab", TABS)
def test_a_run_has_all_its_parts(site, tab):
    run = site.run("RUNNING", name="brisk-otter", parameters={"day": "monday"})
    shown = site.show(f"/runs/flow-run/{run}{tab}")
    assert shown.title == "brisk-otter · Prefect"
    assert "Running" in shown.text
    assert ("monday" in shown.text) == (tab == "/details")


def test_the_logs_of_a_run_end_with_the_last_line(site):
    run = site.run()
    begin = datetime(2031, 1, 1, tzinfo=timezone.utc)
    lines = [
        {
            "name": "n",
            "level": 40,
            "message": f"line {number} <b>",
            "timestamp": (begin + timedelta(seconds=number)).isoformat(),
            "flow_run_id": run,
        }
        for number in range(201)
    ]
    site.api("POST", "/logs/", lines)
    shown = site.show(f"/runs/flow-run/{run}/logs")
    assert "line 200 <b>" in shown.text
    assert "line 0 <b>" not in shown.text
    assert "ERROR" in shown.text
    assert f"/api/flow_runs/{run}/logs/download" in shown.links
    (earlier,) = [link for link in shown.links if "page=2" in link]
    assert "line 0 <b>" in site.show(earlier).text
    assert "line 1 <b>" not in site.show(earlier).text
    assert "page=3" not in site.show(earlier).html


def test_logs_are_found_by_level_and_words(site):
    run = site.run()
    now = datetime.now(timezone.utc).isoformat()
    for level, message in ((20, "all is well"), (30, "disk is nearly full"), (40, "disk is full")):
        line = {"name": "n", "level": level, "message": message, "timestamp": now, "flow_run_id": run}
        site.api("POST", "/logs/", [line])

    def found(query):
        text = site.show(f"/runs/flow-run/{run}/logs?{query}").text
        return [message for message in ("all is well", "disk is nearly full", "disk is full") if message in text]

    assert found("level=30") == ["disk is nearly full", "disk is full"]
    assert found("text=disk") == ["disk is nearly full", "disk is full"]
    assert found("text=disk&level=40") == ["disk is full"]
    assert found("level=nonsense&text=") == ["all is well", "disk is nearly full", "disk is full"]
    assert "No line is like this" in site.show(f"/runs/flow-run/{run}/logs?text=nowhere").text


def test_why_a_run_waits_is_said(site):
    run = site.run("SCHEDULED")
    assert "Why it waits" in site.show(f"/runs/flow-run/{run}").text


def test_a_run_is_cancelled_resumed_and_deleted(site):
    run = site.run("RUNNING")
    assert f"/runs/flow-run/{run}/cancel" in site.show(f"/runs/flow-run/{run}").actions
    assert "is being cancelled" in site.submit(f"/runs/flow-run/{run}/cancel").text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["type"] == "CANCELLING"
    gone = site.run("COMPLETED")
    assert "is deleted" in site.submit(f"/runs/flow-run/{gone}/delete").text
    shown = site.show(f"/runs/flow-run/{gone}", 404)
    assert gone in shown.text


def test_what_cannot_be_done_is_said(site):
    run = site.run("COMPLETED")
    assert "did not accept" in site.submit(f"/runs/flow-run/{run}/resume").text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["type"] == "COMPLETED"
    site.show(f"/runs/flow-run/{run}/nonsense", 404)
    site.submit(f"/runs/flow-run/{run}/nonsense", 404)
    site.show("/runs/flow-run/nonsense", 404)
    assert "There is no page at /nonsense" in site.show("/nonsense", 404).text


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site):
    run = site.run(name=HOSTILE, tags=[HOSTILE], parameters={HOSTILE: HOSTILE})
    for path in ["/runs", "/dashboard", *(f"/runs/flow-run/{run}{tab}" for tab in TABS)]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
    assert "<script>alert('x')</script>" in site.show(f"/runs/flow-run/{run}").text


def test_browsers_are_told_to_take_nothing_from_elsewhere(site):
    answer = site.client.get("/runs")
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["cache-control"] == "no-store"
    assert site.client.get("/static/app.css").headers["content-type"].startswith("text/css")
    for asked in ("/static/../api.py", "/static/%2e%2e/api.py", "/static/..%2fapi.py"):
        assert site.client.get(asked).status_code == 404
