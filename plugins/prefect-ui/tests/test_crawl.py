"""From the dashboard, every link of ours leads to a page, and every page keeps the rules."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timezone
from urllib.parse import urldefrag, urlsplit
from uuid import uuid4

_MOST = 600
_MOST_ALIKE = 4
"""Of pages that differ in their filters, so many are looked at: a calendar has a next month in every month."""

_NOUNS = {
    "/artifacts/artifact/",
    "/artifacts/key/",
    "/assets/asset?",
    "/automations/automation/",
    "/blocks/block/",
    "/concurrency-limits/concurrency-limit/",
    "/deployments/deployment/",
    "/events/event/",
    "/flows/flow/",
    "/runs/flow-run/",
    "/runs/task-run/",
    "/variables/variable/",
    "/work-pools/work-pool/",
    "/work-queues/work-queue/",
}


def seed(site):
    """Make one thing of each kind."""
    flow = site.flow("crawled flow")
    site.api("POST", "/work_pools/", {"name": "crawled pool", "type": "process"})
    site.api("POST", "/work_pools/crawled%20pool/workers/heartbeat", {"name": "w 1", "heartbeat_interval_seconds": 30})
    asked = {"flow_id": flow, "name": "crawled", "work_pool_name": "crawled pool", "tags": ["a tag & more"]}
    asked["schedules"] = [{"active": True, "schedule": {"interval": 3600}}]
    deployment = site.api("POST", "/deployments/", asked)["id"]
    site.run("FAILED", flow, name="deployed", deployment_id=deployment, tags=["a tag & more"])
    above = site.run("RUNNING", flow, name="above")
    site.api("POST", f"/flow_runs/{above}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    extract = site.task(above, "extract-0")
    load = site.task(above, "load-0", task_inputs={"rows": [{"input_type": "task_run", "id": extract}]})
    site.run("COMPLETED", flow, name="below", parent_task_run_id=site.task(above, "child-0"))
    line = {"name": "n", "level": 20, "message": "m", "timestamp": datetime.now(timezone.utc).isoformat()}
    site.api("POST", "/logs/", [{**line, "flow_run_id": above, "task_run_id": extract}])
    artifact = {"type": "markdown", "data": "# Title\n\n[elsewhere](https://example.org)", "key": "crawled-artifact"}
    site.api("POST", "/artifacts/", {**artifact, "flow_run_id": above, "task_run_id": load})
    related = [
        {"prefect.resource.id": "s3://crawled/raw & more", "prefect.resource.role": "asset"},
        {"prefect.resource.id": f"prefect.flow-run.{above}", "prefect.resource.role": "flow-run"},
    ]
    event = {"event": "prefect.asset.materialization.succeeded", "id": str(uuid4()), "occurred": line["timestamp"]}
    site.api("POST", "/events", [{**event, "resource": {"prefect.resource.id": "s3://crawled/it"}, "related": related}])
    found = {"object": "flow_run", "property": "tag", "type": "string", "operation": "is", "value": "a tag & more"}
    site.api("PUT", "/saved_searches/", {"name": "crawled", "filters": [found]})
    site.api("POST", "/variables/", {"name": "crawled", "value": 1})
    site.api("POST", "/v2/concurrency_limits/", {"name": "crawled limit", "limit": 5})
    site.api("POST", "/concurrency_limits/", {"tag": "a tag & more", "concurrency_limit": 4})
    kind = site.api("POST", "/block_types/", {"name": "Crawled", "slug": "crawled"})["id"]
    fields = {
        "title": "Crawled",
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "block_type_slug": "crawled",
    }
    schema = site.api("POST", "/block_schemas/", {"fields": fields, "block_type_id": kind})["id"]
    block = {"name": "crawled", "data": {"a": "b"}, "block_type_id": kind, "block_schema_id": schema}
    site.api("POST", "/block_documents/", block)
    trigger = {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1, "within": 0}
    site.api("POST", "/automations/", {"name": "crawled", "trigger": trigger, "actions": [{"type": "do-nothing"}]})


def test_every_link_leads_somewhere(own_site):
    seed(own_site)
    seen: dict[str, str] = {}
    alike: Counter[str] = Counter()
    left = deque([("/dashboard", "the start")])
    while left:
        path, origin = left.popleft()
        page = path.partition("?")[0]
        if path in seen or alike[page] >= _MOST_ALIKE:
            continue
        alike[page] += 1
        assert len(seen) < _MOST, "links lead on and on"
        seen[path] = origin
        if path.startswith(("/static/", "/api/", "/docs")):
            assert own_site.client.get(path).is_success, (path, origin)
            continue
        shown = own_site.show(path)
        assert shown.title.endswith(" · Prefect"), path
        assert len(shown.headings) == 1, path
        assert shown.inline == [], path
        assert len(shown.ids) == len(set(shown.ids)), path
        for link in shown.links:
            address = urlsplit(urldefrag(link).url)
            if not address.netloc and address.path:
                left.append((f"{address.path}?{address.query}" if address.query else address.path, path))
    assert {noun for noun in _NOUNS if not any(path.startswith(noun) for path in seen)} == set()
