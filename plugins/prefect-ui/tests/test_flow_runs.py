"""The list of flow runs, and the page of one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

TABS = ["", "/graph", "/tasks", "/subflows", "/logs", "/artifacts", "/events", "/details"]
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
        return [link.rpartition("/")[2] for link in site.show(f"/runs?{query}").listed if "/runs/flow-run/" in link]

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
    assert sum("/runs/flow-run/" in link for link in site.show(following).listed) == 1
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


def test_parts_are_in_the_timeline_and_the_graph(site):
    run = site.run("RUNNING")
    site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    extract = site.task(run, "extract-0")
    load = site.task(run, "load-0", "FAILED", task_inputs={"rows": [{"input_type": "task_run", "id": extract}]})
    pending = site.task(run, "later-0", "PENDING")
    shown = site.show(f"/runs/flow-run/{run}")
    assert [f"/runs/task-run/{each}" in shown.links for each in (extract, load, pending)] == [True, True, True]
    assert "waiting" in shown.html
    drawn = site.show(f"/runs/flow-run/{run}/graph")
    assert [f"/runs/task-run/{each}" in drawn.links for each in (extract, load, pending)] == [True, True, False]
    assert drawn.html.count('class="edge"') == 1
    by_name = site.show(f"/runs/flow-run/{run}/graph?by=name")
    assert "load (1)" in by_name.text
    assert "1 runs of load: 1 failed" in by_name.text


def test_parts_that_are_said_to_be_within_each_other_are_shown(site):
    run = site.run("RUNNING")
    site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    ids = ["00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000a2"]
    made = [
        site.task(
            run, f"knot-{at}", id=ids[at], task_inputs={"__parents__": [{"input_type": "task_run", "id": ids[1 - at]}]}
        )
        for at in range(2)
    ]
    assert made == ids
    for tab in ("", "/graph"):
        assert {f"/runs/task-run/{id}" for id in ids} <= set(site.show(f"/runs/flow-run/{run}{tab}").links)


def test_subflows_are_opened_in_the_timeline(site):
    run = site.run("RUNNING", name="above")
    site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    call = site.task(run, "child-0", "RUNNING")
    within = site.run("PENDING", site.flow("child"), name="below", parent_task_run_id=call)
    site.api("POST", f"/flow_runs/{within}/set_state", {"state": {"type": "RUNNING"}})
    inner = site.task(within, "inner-0")
    shown = site.show(f"/runs/flow-run/{run}")
    assert f"/runs/flow-run/{within}" in shown.links
    assert f"/runs/task-run/{inner}" in shown.links
    below = site.show(f"/runs/flow-run/{within}")
    assert "Called in above" in below.text
    assert f"/runs/flow-run/{run}" in below.links


def test_large_graphs_are_shown_by_name_and_nothing_is_dropped(site):
    run = site.run("RUNNING")
    site.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    for number in range(501):
        site.task(run, f"tiny-{number}", "FAILED" if number == 7 else "COMPLETED")
    for tab in ("", "/graph"):
        shown = site.show(f"/runs/flow-run/{run}{tab}")
        assert "tiny (501)" in shown.text
        assert "501 runs of tiny: 500 completed, 1 failed" in shown.text
        assert f"/runs/flow-run/{run}/tasks?name=tiny" in shown.links
    assert "501 task runs" in site.show(f"/runs/flow-run/{run}/tasks?name=tiny").text
    assert "1 task run" in site.show(f"/runs/flow-run/{run}/tasks?name=tiny&state=FAILED").text


def test_the_state_of_a_run_is_set_by_the_rules_or_against_them(site):
    run = site.run("COMPLETED")
    to = f"/runs/flow-run/{run}/state"
    assert to in site.show(f"/runs/flow-run/{run}/details").actions
    assert "did not accept" in site.submit(to, type="FAILED").text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["type"] == "COMPLETED"
    assert "The flow run is Odd." in site.submit(to, type="FAILED", name="Odd", message="because", force="yes").text
    state = site.api("GET", f"/flow_runs/{run}")["state"]
    assert (state["type"], state["name"], state["message"]) == ("FAILED", "Odd", "because")
    assert "A state needs a type" in site.submit(to, type="NONSENSE").text


def test_a_run_of_a_deployment_is_run_again_and_copied(site):
    flow = site.flow("deployed")
    deployment = site.api("POST", "/deployments/", {"flow_id": flow, "name": "d"})["id"]
    run = site.run("FAILED", flow, deployment_id=deployment, parameters={"day": "monday"}, tags=["blue"])
    assert {f"/runs/flow-run/{run}/{what}" for what in ("retry", "repeat")} < set(
        site.show(f"/runs/flow-run/{run}").actions
    )
    assert "This is a new run" in site.submit(f"/runs/flow-run/{run}/repeat").text
    (made,) = site.api(
        "POST", "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [deployment]}, "id": {"not_any_": [run]}}}
    )
    assert (made["parameters"], made["tags"]) == ({"day": "monday"}, ["blue"])
    assert "will be run again" in site.submit(f"/runs/flow-run/{run}/retry").text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["name"] == "AwaitingRetry"


def test_why_a_run_cannot_be_run_again_is_said(site):
    failed, completed = site.run("FAILED"), site.run("COMPLETED")
    assert f"prefect flow-run retry {failed}" in site.show(f"/runs/flow-run/{failed}").text
    assert "Call its flow" in site.show(f"/runs/flow-run/{completed}").text
    assert "no deployment" in site.submit(f"/runs/flow-run/{failed}/repeat").text
    assert f"/runs/flow-run/{failed}/repeat" not in site.show(f"/runs/flow-run/{failed}").actions


def test_a_run_that_waits_is_cancelled_at_once(site):
    run = site.run("SCHEDULED")
    assert "The flow run is cancelled" in site.submit(f"/runs/flow-run/{run}/cancel").text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["type"] == "CANCELLED"


KEYS = {"schema": "ask-schema", "response": "ask-response", "description": "ask-description"}
ASKED = {
    "type": "object",
    "properties": {"approve": {"type": "boolean"}, "note": {"type": "string", "default": "as usual"}},
    "required": ["approve"],
}


def waiting(site, *, schema=None, description=None):
    """A flow run that waits for input."""
    details = {"run_input_keyset": KEYS, "pause_reschedule": True, "pause_timeout": "2999-01-01T00:00:00Z"}
    run = site.run({"type": "PAUSED", "name": "Suspended", "state_details": details})
    for key, value in (("schema", schema), ("description", description)):
        if value is not None:
            site.api("POST", f"/flow_runs/{run}/input", {"key": KEYS[key], "value": json.dumps(value)})
    return run


def test_a_run_that_waits_for_input_is_resumed_with_it(site):
    run = waiting(site, schema=ASKED, description="Is it **good**? <script>alert(1)</script>")
    assert f"/runs/flow-run/{run}/input" in site.show(f"/runs/flow-run/{run}").links
    form = site.show(f"/runs/flow-run/{run}/input")
    assert "<strong>good</strong>" in form.html
    assert "<script>alert" not in form.html
    assert 'value="as usual"' in form.html
    refused = site.submit(f"/runs/flow-run/{run}/input", 409, **{"value.note": "what was typed"})
    assert "Run input is missing 'approve'" in refused.text
    assert 'value="what was typed"' in refused.html
    shown = site.submit(f"/runs/flow-run/{run}/input", **{"value.approve": "true", "value.note": "fine"})
    assert "goes on, with this input" in shown.text
    assert site.api("GET", f"/flow_runs/{run}")["state"]["name"] == "Resuming"
    assert site.api("GET", f"/flow_runs/{run}/input/ask-response") == {"approve": True, "note": "fine"}


def test_a_run_that_does_not_say_what_it_waits_for_is_given_json(site):
    run = waiting(site)
    assert "this is no JSON" in site.submit(f"/runs/flow-run/{run}/input", 422, values="{").text
    assert "goes on" in site.submit(f"/runs/flow-run/{run}/input", values='{"a": 1}').text
    assert site.api("GET", f"/flow_runs/{run}/input/ask-response") == {"a": 1}


def test_a_run_that_waits_for_nothing_has_no_form_for_it(site):
    assert "does not wait for input" in site.show(f"/runs/flow-run/{site.run()}/input", 409).text
    paused = site.run("PAUSED")
    assert f"/runs/flow-run/{paused}/resume" in site.show(f"/runs/flow-run/{paused}").actions
    assert "The flow run goes on" in site.submit(f"/runs/flow-run/{paused}/resume").text


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
