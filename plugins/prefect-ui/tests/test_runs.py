"""The list of flow runs: leaving out, doing something with several, saved searches."""

from __future__ import annotations

from urllib.parse import quote

import pytest

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def found(site, query):
    return {link.rpartition("/")[2] for link in site.show(f"/runs?{query}").listed if "/runs/flow-run/" in link}


def test_runs_are_left_out_by_state_flow_and_being_subflows(site):
    flow, other = site.flow("left-in"), site.flow("left-out")
    failed, completed = site.run("FAILED", flow), site.run("COMPLETED", flow)
    unwanted = site.run("COMPLETED", other)
    subflow = site.run("COMPLETED", flow, parent_task_run_id=site.task(failed, "child-0"))
    assert found(site, "flow=left-") == {failed, completed, unwanted, subflow}
    assert found(site, "flow=left-&not_state=FAILED") == {completed, unwanted, subflow}
    assert found(site, "flow=left-&not_state=FAILED&not_state=COMPLETED") == set()
    assert found(site, "flow=left-&not_flow=ft-out") == {failed, completed, subflow}
    assert found(site, "flow=left-&subflows=no") == {failed, completed, unwanted}


def test_too_many_flows_to_leave_out_are_refused(site):
    for number in range(200):
        site.flow(f"crowd-{number}")
    assert "Write more of it" in site.show("/runs?not_flow=crowd-", 422).text


def test_the_picture_shows_runs_that_were_and_that_are_due(site):
    flow = site.flow("pictured")
    past = site.run("COMPLETED", flow)
    due = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2999-01-01T00:00:00Z"}}
    future = site.run(due, flow)
    shown = site.show("/runs?flow=pictured")
    assert [shown.links.count(f"/runs/flow-run/{run}") for run in (past, future)] == [2, 2]
    assert "2 runs: when they began or are due" in shown.html


def selected(site, what, *runs, back=""):
    return site.submit("/runs/selected", what=what, run=list(runs), back=back)


def states(site, *runs):
    return [site.api("GET", f"/flow_runs/{run}")["state"]["name"] for run in runs]


def test_several_runs_are_cancelled(site):
    running, waiting = site.run("RUNNING"), site.run("SCHEDULED")
    assert "2 runs are cancelled, or being cancelled" in selected(site, "cancel", running, waiting).text
    assert states(site, running, waiting) == ["Cancelling", "Cancelled"]


def test_what_is_refused_for_some_of_several_is_said(site):
    running, completed = site.run("RUNNING"), site.run("COMPLETED")
    shown = selected(site, "cancel", running, completed, "00000000-0000-4000-8000-000000000000")
    assert "1 run is cancelled, or being cancelled." in shown.text
    assert "did not accept 1: Run is already COMPLETED." in shown.text
    assert "1 run is gone." in shown.text
    assert states(site, running, completed) == ["Cancelling", "Completed"]


def test_several_runs_are_run_again(site):
    flow = site.flow("again")
    deployment = site.api("POST", "/deployments/", {"flow_id": flow, "name": "d"})["id"]
    runs = [site.run("FAILED", flow, deployment_id=deployment) for _ in range(2)]
    assert "2 runs are to be run again" in selected(site, "retry", *runs).text
    assert states(site, *runs) == ["AwaitingRetry"] * 2
    assert "without an associated deployment" in selected(site, "retry", site.run("FAILED")).text


def test_several_runs_are_deleted_and_the_list_is_the_same_again(site):
    flow = site.flow("doomed")
    doomed, kept = [site.run(flow=flow) for _ in range(2)], site.run(flow=flow)
    shown = selected(site, "delete", *doomed, back="flow=doomed&page=7&unknown=1")
    assert "2 runs are deleted" in shown.text
    assert 'value="flow=doomed"' in shown.html
    assert found(site, "flow=doomed") == {kept}


def test_nothing_is_done_with_nothing(site):
    assert "No run is selected" in selected(site, "delete").text
    site.submit("/runs/selected", 404, what="nonsense")
    assert site.client.post("/runs/selected", data={"what": "cancel", "run": "nonsense"}).status_code == 200


def test_a_search_is_saved_shown_and_deleted(site):
    query = "state=FAILED&flow=orders&not_state=CRASHED&sort=oldest"
    assert "The search is kept as Bad orders" in site.submit("/runs/searches", name="Bad orders", back=query).text
    shown = site.show("/runs")
    assert f"/runs?{query}" in shown.links
    assert "Bad orders" in shown.text
    assert 'aria-current="true">Bad orders' in site.show(f"/runs?{query}&page=1").html
    (search,) = [each for each in site.api("POST", "/saved_searches/filter", {}) if each["name"] == "Bad orders"]
    assert "is deleted" in site.submit(f"/runs/searches/{search['id']}/delete").text
    assert f"/runs?{query}" not in site.show("/runs").links
    assert "A search needs a name" in site.submit("/runs/searches", name=" ", back=query).text


def test_a_search_that_another_program_saved_is_shown_without_a_link(site):
    foreign = {"object": "RUNS", "property": "STATE", "type": "enum", "operation": "equals", "value": ["x"]}
    site.api("PUT", "/saved_searches/", {"name": "from elsewhere", "filters": [foreign]})
    assert "Another program has saved it" in site.show("/runs").html


@pytest.mark.parametrize("field", ["name", "flow", "deployment", "tag", "pool", "not_flow", "sort", "since"])
def test_what_is_in_the_address_is_harmless(site, field):
    shown = site.show(f"/runs?{field}={quote(HOSTILE)}")
    assert "<script>alert" not in shown.html
    site.submit("/runs/searches", name=HOSTILE, back=f"{field}={quote(HOSTILE)}")
    assert "<script>alert" not in site.show("/runs").html
