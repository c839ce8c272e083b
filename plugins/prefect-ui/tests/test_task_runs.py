"""The page of one task run."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

TABS = ["", "/logs", "/artifacts", "/events"]
HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


@pytest.mark.parametrize("tab", TABS)
def test_a_task_run_has_all_its_parts(site, tab):
    flow_run = site.run("RUNNING", name="its-flow-run")
    run = site.task(flow_run, "load-0", {"type": "FAILED", "message": "disk is full"})
    shown = site.show(f"/runs/task-run/{run}{tab}")
    assert shown.title == "load-0 · Prefect"
    assert "Failed disk is full" in shown.text
    assert "its-flow-run" in shown.text
    assert f"/runs/flow-run/{flow_run}" in shown.links


def test_what_it_was_given_leads_to_where_it_came_from(site):
    flow_run = site.run("RUNNING")
    extract, around = site.task(flow_run, "extract-0"), site.task(flow_run, "around-0")
    inputs = {
        "rows": [{"input_type": "task_run", "id": extract}],
        "more": [{"input_type": "flow_run", "id": flow_run}, {"input_type": "constant", "type": "int"}],
        "day": [{"input_type": "parameter", "name": "weekday"}],
        "lost": [{"input_type": "task_run", "id": "00000000-0000-4000-8000-000000000000"}],
        "__parents__": [{"input_type": "task_run", "id": around}],
    }
    shown = site.show(f"/runs/task-run/{site.task(flow_run, 'load-0', task_inputs=inputs)}")
    assert f"/runs/task-run/{extract}" in shown.links
    assert "rows result of extract-0" in shown.text
    assert "the flow's parameter weekday" in shown.text
    assert "a constant of type int" in shown.text
    assert "which is gone" in shown.text
    assert "Called in around-0" in shown.text
    assert "__parents__" not in shown.text


def test_a_stored_result_is_told_by_its_place_and_never_shown(site):
    data = {"storage_key": "results/abc", "serializer": {"type": "json"}, "secret": "value-of-it"}
    state = {"type": "COMPLETED", "data": data, "state_details": {"cache_key": "the-cache-key"}}
    flow_run = site.run("RUNNING")
    asked = {"flow_run_id": flow_run, "name": "n", "task_key": "t", "dynamic_key": "0", "state": state}
    shown = site.show(f"/runs/task-run/{site.api('POST', '/task_runs/', asked)['id']}")
    assert "results/abc" in shown.text
    assert "Serializer json" in shown.text
    assert "the-cache-key" in shown.text
    assert "value-of-it" not in shown.html


def test_its_logs_and_artifacts_are_its_own(site):
    flow_run = site.run("RUNNING")
    run, other = site.task(flow_run, "one"), site.task(flow_run, "two")
    for each, message in ((run, "of the one"), (other, "of the other")):
        line = {"name": "n", "level": 20, "message": message, "timestamp": datetime.now(timezone.utc).isoformat()}
        site.api("POST", "/logs/", [{**line, "flow_run_id": flow_run, "task_run_id": each}])
        site.api("POST", "/artifacts/", {"key": message.replace(" ", "-"), "type": "table", "task_run_id": each})
    logs, artifacts = (site.show(f"/runs/task-run/{run}/{tab}").text for tab in ("logs", "artifacts"))
    assert "of the one" in logs
    assert "of the other" not in logs
    assert "of-the-one" in artifacts
    assert "of-the-other" not in artifacts


def test_a_task_run_is_deleted(site):
    flow_run = site.run("RUNNING")
    run = site.task(flow_run, "unwanted")
    assert "The task run unwanted is deleted" in site.submit(f"/runs/task-run/{run}/delete").text
    site.show(f"/runs/task-run/{run}", 404)
    site.show(f"/runs/task-run/{run}/nonsense", 404)


def test_a_task_run_without_a_flow_run_has_a_page(site):
    shown = site.show(f"/runs/task-run/{site.task(None, 'alone')}")
    assert shown.headings == ["alone"]


def test_what_users_write_is_harmless(site):
    flow_run = site.run("RUNNING", name=HOSTILE)
    inputs = {HOSTILE: [{"input_type": "parameter", "name": HOSTILE}]}
    run = site.task(flow_run, HOSTILE, tags=[HOSTILE], task_inputs=inputs)
    for tab in TABS:
        assert "<script>alert" not in site.show(f"/runs/task-run/{run}{tab}").html
