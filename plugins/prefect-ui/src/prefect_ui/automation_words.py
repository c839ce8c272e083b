"""What automations wait for and do, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prefect_ui.view import duration

__all__ = ["action_in_words", "trigger_in_words"]

_ACTIONS = {
    "do-nothing": "Do nothing",
    "run-deployment": "Run a deployment",
    "pause-deployment": "Pause a deployment",
    "resume-deployment": "Resume a deployment",
    "cancel-flow-run": "Cancel the flow run",
    "delete-flow-run": "Delete the flow run",
    "resume-flow-run": "Resume the flow run",
    "suspend-flow-run": "Suspend the flow run",
    "change-flow-run-state": "Change the state of the flow run",
    "call-webhook": "Call a webhook",
    "send-notification": "Notify people",
    "pause-work-pool": "Pause a work pool",
    "resume-work-pool": "Resume a work pool",
    "pause-work-queue": "Pause a work queue",
    "resume-work-queue": "Resume a work queue",
    "pause-automation": "Pause an automation",
    "resume-automation": "Resume an automation",
    "declare-incident": "Declare an incident",
}
_OF_METRICS = {
    "successes": "the share of runs that succeed",
    "duration": "how long runs take",
    "lateness": "how late runs begin",
}


def trigger_in_words(trigger: Mapping[str, Any]) -> str:
    """
    What a trigger waits for: `prefect.flow-run.Failed occurs for prefect.flow-run.*`.

    Args:
        trigger: What the API says of it. A kind that is not known is named, and no more.
    """
    kind = trigger.get("type")
    if kind in {"compound", "sequence"}:
        inner = [trigger_in_words(each) for each in trigger.get("triggers", [])]
        if kind == "sequence":
            return f"{', then '.join(inner)}{_within(trigger)}"
        wanted = trigger.get("require")
        joined = "; ".join(inner)
        if wanted == "any":
            return f"any of: {joined}{_within(trigger)}"
        return f"{'all' if wanted == 'all' else wanted} of: {joined}{_within(trigger)}"
    if kind == "metric":
        return _of_metric(trigger)
    return _of_events(trigger) if kind == "event" else f"a trigger of the type {kind}"


def _of_events(trigger: Mapping[str, Any]) -> str:
    expected = _listed(trigger.get("expect") or [], "any event")
    about = _resources(trigger.get("match") or {})
    threshold = trigger.get("threshold", 1)
    if trigger.get("posture") == "Proactive":
        missing = f"{expected} does not occur" if threshold == 1 else f"{expected} occurs less than {threshold} times"
        said = f"{missing}{about}{_within(trigger)}"
    else:
        said = f"{expected} occurs{'' if threshold == 1 else f' {threshold} times'}{about}{_within(trigger)}"
    if after := trigger.get("after"):
        said += f", after {_listed(after, '')}"
    if related := trigger.get("match_related"):
        specifications = related if isinstance(related, list) else [related]
        said += ", related to " + " and ".join(_labels(each) for each in specifications)
    return said


def _of_metric(trigger: Mapping[str, Any]) -> str:
    query = trigger.get("metric") or {}
    name = _OF_METRICS.get(str(query.get("name")), str(query.get("name")))
    span = f" over {duration(query['range'])}" if query.get("range") else ""
    lasting = f" for {duration(query['firing_for'])}" if query.get("firing_for") else ""
    return f"{name} is {query.get('operator')} {query.get('threshold')}{span}{lasting}{_resources(trigger.get('match') or {})}"


def _listed(names: Iterable[str], otherwise: str) -> str:
    return " or ".join(sorted(names)) or otherwise


def _resources(match: Mapping[str, Any]) -> str:
    return f" for {_labels(match)}" if match else ""


def _labels(match: Mapping[str, Any]) -> str:
    said = []
    for label, values in match.items():
        wanted = " or ".join(map(str, values if isinstance(values, list) else [values]))
        said.append(wanted if label == "prefect.resource.id" else f"{label} = {wanted}")
    return " with ".join(said)


def _within(trigger: Mapping[str, Any]) -> str:
    seconds = trigger.get("within")
    return f" within {duration(seconds)}" if seconds else ""


def action_in_words(action: Mapping[str, Any]) -> tuple[str, str | None]:
    """
    What an action does, and the path of the page of what it does it to, if it is about one thing that has a page.

    Args:
        action: What the API says of it.
    """
    kind = str(action.get("type"))
    said = _ACTIONS.get(kind, kind)
    if kind == "change-flow-run-state":
        said += f" to {action.get('name') or str(action.get('state')).capitalize()}"
    if kind == "send-notification" and action.get("subject"):
        said += f": {action['subject']}"
    if action.get("source") == "inferred":
        said += ", the one that the event is about"
    for name, path in _PLACES.items():
        if action.get(name):
            return said, f"{path}{action[name]}"
    return said, None


_PLACES = {
    "deployment_id": "/deployments/deployment/",
    "block_document_id": "/blocks/block/",
    "work_queue_id": "/work-queues/work-queue/",
    "automation_id": "/automations/automation/",
}
