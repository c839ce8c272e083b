"""Tasks: how they are started, looked at without too many calls, and what their ends mean."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import anyio

from prefect.exceptions import InfrastructureError
from prefect_aws.ecs.calls import ask, ask_again, waits_to_run
from prefect_aws.ecs.errors import is_transient
from prefect_aws.settings import EcsWorkerSettings

__all__ = ["Ending", "TaskWatch", "ending_of", "run_task"]

_AT_ONCE = 100
"""So many tasks can be asked for in one call."""

_UNSEEN_SECONDS = 60.0
"""A task that was just started may not be known everywhere for so long."""

_TAKEN_AWAY = frozenset({"SpotInterruption", "TerminationNotice"})
"""Stop codes of tasks whose machine was taken away: they may run elsewhere."""


@dataclass(frozen=True)
class Ending:
    """
    How a task has ended.

    Args:
        kind: `succeeded`; `failed`: its code ended with an error; `unstarted`: its code never ran; `disrupted`: its machine
            was taken away, so that it may run elsewhere.
        reason: Why, for people.
        exit_code: That of its container, if that ran.
    """

    kind: Literal["succeeded", "failed", "unstarted", "disrupted"]
    reason: str = ""
    exit_code: int | None = None

    @property
    def message(self) -> str:
        """What to say of a flow run that has not said itself what became of it."""
        return {
            "succeeded": "The task has ended with exit code 0, and the flow run has not said how it ended.",
            "failed": f"{self.reason}.",
            "unstarted": f"The task did not start: {self.reason}.",
            "disrupted": f"The machine of the flow run was taken away, and it runs again: {self.reason}",
        }[self.kind]


def ending_of(task: dict[str, Any], container_name: str) -> Ending:
    """What the end of a task means for the flow run in it."""
    containers = task.get("containers") or []
    own = next((each for each in containers if each.get("name") == container_name), containers[0] if containers else {})
    code = own.get("exitCode")
    said = [task.get("stoppedReason"), own.get("reason")]
    why = ": ".join(dict.fromkeys(str(part) for part in said if part)) or "ECS gives no reason"
    if task.get("stopCode") in _TAKEN_AWAY:
        return Ending("disrupted", why, code)
    if code == 0:
        return Ending("succeeded", exit_code=0)
    if task.get("stopCode") == "TaskFailedToStart" or (code is None and not task.get("startedAt")):
        return Ending("unstarted", why, code)
    code_text = "" if code is None else f" with exit code {code}"
    return Ending("failed", f"The container {container_name!r} has ended{code_text}: {why}", code)


async def run_task(
    client: Any, request: dict[str, Any], token: str, settings: EcsWorkerSettings, say: Callable[[str], None]
) -> dict[str, Any]:
    """
    Start a task. An attempt whose answer was lost does not start a second one.

    Args:
        client: A client of ECS.
        request: The arguments of RunTask.
        token: Names what the task is started for.
        settings: How often to try.
        say: Told about further attempts.

    Raises:
        prefect.exceptions.InfrastructureError: There is no room for it, or another reason not to place it.
    """
    waits, attempt = waits_to_run(settings), 0
    while True:
        answer = await ask_again(client.run_task, waits, say, **request, clientToken=f"{token}-{attempt}")
        if answer.get("tasks"):
            found: dict[str, Any] = answer["tasks"][0]
            return found
        failures = answer.get("failures") or [{"reason": "ECS gives no reason"}]
        reason = "; ".join(": ".join(str(f[key]) for key in ("reason", "detail") if f.get(key)) for f in failures)
        wait = next(waits, None)
        if wait is None:
            raise InfrastructureError(f"The task could not be placed in cluster {request.get('cluster')!r}: {reason}")
        say(f"The task could not be placed ({reason}). Trying again in {wait:.1f} s.")
        attempt += 1
        await anyio.sleep(wait)


class TaskWatch:
    """
    Looks at the tasks of a cluster: whoever asks first looks for all who want to know, up to a hundred in a call.

    Args:
        client: A client of ECS.
        cluster: The cluster.
        say: Told about calls that failed for a moment.
    """

    def __init__(self, client: Any, cluster: str, say: Callable[[str], None]) -> None:
        self._client = client
        self._cluster = cluster
        self._say = say
        self._since: dict[str, float] = {}
        self._seen: dict[str, tuple[float, dict[str, Any] | None]] = {}
        self._lock = anyio.Lock()

    def add(self, task: dict[str, Any]) -> None:
        """A task is there."""
        arn = str(task["taskArn"])
        self._since[arn] = time.monotonic()
        self._seen[arn] = (float("-inf"), task)

    def drop(self, arn: str) -> None:
        """Nobody wants to know about a task any more."""
        self._since.pop(arn, None)
        self._seen.pop(arn, None)

    def age(self, arn: str) -> float:
        """How many seconds ago a task was seen; infinite if it has not been."""
        return time.monotonic() - self._seen[arn][0]

    async def look(self, arn: str, seconds: float) -> dict[str, Any] | None:
        """
        A task as it was not longer ago than some seconds; None if it is not there any more.

        A call that is throttled, or fails otherwise for a moment, says nothing about a task: it is as it was.

        Args:
            arn: The task.
            seconds: How old the answer may be.
        """
        async with self._lock:
            if self.age(arn) > seconds:
                wanted = [arn, *(each for each in self._since if each != arn)][:_AT_ONCE]
                try:
                    answer = await ask(
                        self._client.describe_tasks, cluster=self._cluster, tasks=wanted, include=["TAGS"]
                    )
                except Exception as error:
                    if not is_transient(error):
                        raise
                    self._say(f"The tasks of cluster {self._cluster!r} cannot be looked at now: {error}")
                    return self._seen[arn][1]
                self._note(wanted, answer)
            return self._seen[arn][1]

    def _note(self, wanted: list[str], answer: dict[str, Any]) -> None:
        at, tasks = time.monotonic(), {task["taskArn"]: task for task in answer.get("tasks", ())}
        for arn in wanted:
            if arn not in self._since:
                continue  # dropped meanwhile
            is_new = at - self._since[arn] < _UNSEEN_SECONDS
            self._seen[arn] = (at, tasks.get(arn) or (self._seen[arn][1] if is_new else None))
