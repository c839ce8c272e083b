"""Task definitions: what one is compared by, and how revisions are reused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

from prefect_aws.ecs.calls import ask, ask_again, waits_to_register
from prefect_aws.ecs.errors import code_of
from prefect_aws.settings import EcsWorkerSettings

__all__ = ["Definitions", "covers"]

_TAG = {"key": "prefect.io/made-by", "value": "ecs-worker"}
"""Tells revisions that workers have registered from those of other people."""

_ABOUT = frozenset(
    {
        "compatibilities",
        "deregisteredAt",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "status",
        "tags",
        "taskDefinitionArn",
    }
)
"""What the service says about a revision, besides what was registered."""

_KEPT = 10
"""So many revisions of a family stay, however old they are."""

_RETIRED_AT_ONCE = 10
"""So many are looked at, at most, when another one is registered."""

_DESCRIBED_AT_ONCE = 100
_DEFAULTS = {"essential": True, "networkMode": "bridge"}
_BY_NAME = frozenset({"environment", "secrets"})
_NOTHING: tuple[Any, ...] = (None, "", 0, False, [], {})


def covers(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a registered task definition is what somebody would register now."""
    return _same(wanted, {name: value for name, value in found.items() if name not in _ABOUT})


def _same(wanted: Any, found: Any, name: str = "") -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_same(wanted.get(key, _DEFAULTS.get(key)), found.get(key), key) for key in {*wanted, *found})
    if isinstance(wanted, list) and isinstance(found, list):
        if name in _BY_NAME:
            wanted, found = (sorted(each, key=lambda entry: str(entry.get("name"))) for each in (wanted, found))
        return len(wanted) == len(found) and all(_same(*pair) for pair in zip(wanted, found, strict=True))
    if wanted in _NOTHING and found in _NOTHING:
        return True  # the service fills in zeros and empty lists
    if found is None:
        found = _DEFAULTS.get(name)
    return wanted == found or (name in {"cpu", "memory"} and str(wanted) == str(found))


class Definitions:
    """
    The task definitions that a worker uses. It remembers revisions, and asks for the latest one of a family before it
    registers another.
    """

    def __init__(self) -> None:
        self._arns: dict[tuple[Any, str], str] = {}
        self._locks: dict[str, anyio.Lock] = {}

    async def find_or_register(
        self,
        client: Any,
        wanted: dict[str, Any],
        settings: EcsWorkerSettings,
        say: Callable[[str], None],
        *,
        cluster: str,
        reuses_others: bool = False,
    ) -> str:
        """
        The ARN of a revision that is what is wanted; it is registered if there is none, and old ones are deregistered then.

        Args:
            client: A client of ECS.
            wanted: The arguments of RegisterTaskDefinition.
            settings: How often to try.
            say: Told what happens.
            cluster: Where the family's tasks run.
            reuses_others: Whether a revision that no worker has registered is reused, too.
        """
        key = (client, json.dumps(wanted, sort_keys=True))  # a client is of one account, in one region
        async with self._locks.setdefault(wanted["family"], anyio.Lock()):  # of many runs at once, one registers
            if key not in self._arns:
                arn = await self._latest(client, wanted, reuses_others)
                if arn is None:
                    answer = await ask_again(
                        client.register_task_definition,
                        waits_to_register(settings),
                        say,
                        **{**wanted, "tags": [*wanted.get("tags", ()), _TAG]},
                    )
                    arn = str(answer["taskDefinition"]["taskDefinitionArn"])
                    say(f"Registered the task definition {arn!r}.")
                    self._arns[key] = arn
                    await self._retire_old(client, wanted["family"], cluster, say)
                self._arns[key] = arn
            return self._arns[key]

    async def _latest(self, client: Any, wanted: dict[str, Any], reuses_others: bool) -> str | None:
        try:
            answer = await ask(client.describe_task_definition, taskDefinition=wanted["family"], include=["TAGS"])
        except Exception as error:
            if code_of(error) == "ClientException":
                return None  # there is no revision
            raise
        found = answer["taskDefinition"]
        is_usable = found.get("status", "ACTIVE") == "ACTIVE" and (reuses_others or _TAG in answer.get("tags", ()))
        return str(found["taskDefinitionArn"]) if is_usable and covers(wanted, found) else None

    async def _retire_old(self, client: Any, family: str, cluster: str, say: Callable[[str], None]) -> None:
        """Deregister old revisions that workers have registered, and that nothing uses. What fails is left for the next time."""
        try:
            old = await self._old(client, family)
            in_use = {*self._arns.values(), *(await _used_by_tasks(client, family, cluster) if old else ())}
            for arn in old:
                if arn in in_use:
                    continue
                answer = await ask(client.describe_task_definition, taskDefinition=arn, include=["TAGS"])
                if _TAG in answer.get("tags", ()):
                    await ask(client.deregister_task_definition, taskDefinition=arn)
                    say(f"Deregistered the old task definition {arn!r}.")
        except Exception as error:
            say(f"Old task definitions of the family {family!r} are not deregistered: {error}")

    async def _old(self, client: Any, family: str) -> list[str]:
        """The oldest revisions of a family beyond those that stay."""
        answer = await ask(client.list_task_definitions, familyPrefix=family, status="ACTIVE", maxResults=100)
        found = [arn for arn in answer["taskDefinitionArns"] if arn.rpartition("/")[2].rpartition(":")[0] == family]
        found.sort(key=lambda arn: int(arn.rpartition(":")[2]))
        return found[:-_KEPT][:_RETIRED_AT_ONCE]

    def forget(self, arn: str) -> None:
        """A revision cannot be used any more."""
        self._arns = {key: each for key, each in self._arns.items() if each != arn}


async def _used_by_tasks(client: Any, family: str, cluster: str) -> set[str]:
    """The revisions of a family that tasks of a cluster were started with which have not ended."""
    pages = client.get_paginator("list_tasks").paginate(cluster=cluster, family=family)
    arns = await anyio.to_thread.run_sync(lambda: [arn for page in pages for arn in page["taskArns"]])
    used = set()
    for first in range(0, len(arns), _DESCRIBED_AT_ONCE):
        tasks = arns[first : first + _DESCRIBED_AT_ONCE]
        answer = await ask(client.describe_tasks, cluster=cluster, tasks=tasks)
        used |= {str(task["taskDefinitionArn"]) for task in answer["tasks"]}
    return used
