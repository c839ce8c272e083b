"""What is told of the pods of flow runs, as events. Functions of a pod's JSON, and of nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from prefect.events.related import labels_as_related_resources
from prefect_kubernetes.conditions import condition_of

__all__ = ["FLOW_RUN", "environment_of", "event_of", "run_of"]

FLOW_RUN = "prefect.io/flow-run-id"
"""The label with the id of the flow run."""

_NAMES = UUID("5b2c6a4e-8b0f-4f53-9f6e-0b1f6a6f3f5d")
"""The namespace of the ids of events: workers that see the same phase of the same pod tell the same event."""


def event_of(pod: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `emit_event` for the phase that a pod is in."""
    metadata, phase = pod["metadata"], str((pod.get("status") or {}).get("phase", "Pending"))
    occurred, condition = _since(pod, phase), condition_of(pod)
    said = {"reason": condition.reason, "exit_code": condition.exit_code}
    return {
        "event": f"prefect.kubernetes.pod.{phase.lower()}",
        "resource": {
            "prefect.resource.id": f"prefect.kubernetes.pod.{metadata['uid']}",
            "prefect.resource.name": metadata["name"],
            "kubernetes.namespace": metadata["namespace"],
        },
        "related": labels_as_related_resources(metadata.get("labels") or {}, "kubernetes"),
        "payload": {name: value for name, value in said.items() if value not in {None, ""}},
        "id": uuid5(_NAMES, f"{metadata['uid']}:{phase}"),
        **({} if occurred is None else {"occurred": occurred}),
    }


def _since(pod: dict[str, Any], phase: str) -> str | None:
    """Since when a pod is in its phase, as far as it says so."""
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    states = [each.get("state") or {} for each in containers]
    if phase == "Pending":
        moments = [pod["metadata"].get("creationTimestamp")]
    else:
        kind, moment = ("running", "startedAt") if phase == "Running" else ("terminated", "finishedAt")
        moments = [(state.get(kind) or {}).get(moment) for state in states]
    return max((str(each) for each in moments if each), default=None)


def run_of(pod: dict[str, Any]) -> UUID | None:
    """The flow run that a pod executes; None if its label is not the id of one."""
    try:
        return UUID(pod["metadata"]["labels"][FLOW_RUN])
    except (KeyError, TypeError, ValueError):
        return None


def environment_of(pod: dict[str, Any]) -> dict[str, str]:
    """The environment variables that the manifest of a pod sets, as far as their values are in it."""
    entries = pod["spec"]["containers"][0].get("env") or ()
    return {entry["name"]: entry["value"] for entry in entries if "value" in entry}
