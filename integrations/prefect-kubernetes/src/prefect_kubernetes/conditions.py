"""What the state of a pod means for the flow run in it. Functions of the pod's JSON, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Condition", "condition_of", "newest"]

_HOPELESS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)
"""Why a container does not start, and will not unless somebody changes something. The first failure to pull an image is not
among them: the cluster tries once more."""

_OWN_FAULT = "exceed"
"""What an eviction says that hits the pod wherever it runs: it takes more of something than it may."""


@dataclass(frozen=True)
class Condition:
    """
    What a pod does.

    Args:
        kind: `waiting` for something; `stuck`: it will not start; `running`; `succeeded`; `failed`; `disrupted`: ended for
            a reason that is not its own, so that it may run elsewhere.
        reason: Why, for people.
        exit_code: That of its container, once that has ended.
    """

    kind: Literal["waiting", "stuck", "running", "succeeded", "failed", "disrupted"]
    reason: str = ""
    exit_code: int | None = None


def newest(pods: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The pod that was made last; None if there is none."""
    return max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)


def condition_of(pod: dict[str, Any]) -> Condition:
    """What a pod does."""
    status = pod.get("status") or {}
    phase = status.get("phase", "Pending")
    disruption = _disruption_of(status)
    if phase == "Succeeded":
        return Condition("succeeded", exit_code=0)
    if phase in {"Failed", "Unknown"}:
        return _ended(pod, status, disruption)
    if phase == "Running" and _states(status, "running"):
        return Condition("running")
    return _waiting(status)


def _ended(pod: dict[str, Any], status: dict[str, Any], disruption: str | None) -> Condition:
    ends = _states(status, "terminated")
    ended = next((each for each in ends if each.get("exitCode") != 0), ends[-1] if ends else {})
    code = ended.get("exitCode")
    if disruption is not None:
        return Condition("disrupted", disruption, code)
    said = [status.get("reason"), status.get("message"), ended.get("reason"), ended.get("message")]
    reason = ": ".join(str(part) for part in said if part and part != "Error")
    if ended.get("reason") == "OOMKilled":
        reason = "OOMKilled: it took more memory than it may (see the job variable `memory_limit`)"
    name = pod["metadata"]["name"]
    code_text = "" if code is None else f" with exit code {code}"
    return Condition("failed", f"Pod {name!r} has ended{code_text}{': ' + reason if reason else ''}", code)


def _disruption_of(status: dict[str, Any]) -> str | None:
    """Why a pod was ended from outside; None if it was not."""
    for each in status.get("conditions") or ():
        if each.get("type") == "DisruptionTarget" and each.get("status") == "True":
            return _explained(each)
    reason, message = status.get("reason"), status.get("message") or ""
    if reason in {"Evicted", "NodeLost", "NodeShutdown", "Preempting", "Shutdown", "Terminated"}:
        return None if _OWN_FAULT in message.lower() else _explained(status)
    return None


def _waiting(status: dict[str, Any]) -> Condition:
    for state in _states(status, "waiting"):
        kind: Literal["stuck", "waiting"] = "stuck" if state.get("reason") in _HOPELESS else "waiting"
        return Condition(kind, _explained(state))
    for each in status.get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            return Condition("waiting", _explained(each))
    return Condition("waiting")


def _states(status: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The states of a kind that the pod's containers are in, those first that run before the others."""
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return [each["state"][kind] for each in containers if kind in (each.get("state") or {})]


def _explained(said: dict[str, Any]) -> str:
    return ": ".join(str(said[name]) for name in ("reason", "message") if said.get(name))
