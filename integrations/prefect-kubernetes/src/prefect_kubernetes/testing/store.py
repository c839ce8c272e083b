"""The resources of a fake cluster, and their history, which watches are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

__all__ = ["Refusal", "Store"]

Resource = dict[str, Any]


class Refusal(Exception):
    """
    A request that the API server refuses.

    Args:
        code: The HTTP status code.
        reason: The reason, such as `NotFound`.
        message: What is wrong.
        headers: Further headers of the answer.
    """

    def __init__(self, code: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.headers = headers or {}

    def status(self) -> Resource:
        """The answer's body."""
        about = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure"}
        return {**about, "message": str(self), "reason": self.reason, "code": self.code}


class Store:
    """Resources by kind, namespace and name. Each change gets the next version."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = 1
        self.oldest = 0
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._history: list[tuple[int, str, str, Resource]] = []

    def create(self, kind: str, resource: Resource) -> Resource:
        """Add a resource."""
        with self.changed:
            metadata = resource["metadata"]
            if "name" not in metadata and metadata.get("generateName"):
                metadata["name"] = f"{metadata['generateName']}{uuid4().hex[:5]}"
            key = (kind, metadata["namespace"], metadata["name"])
            if key in self._resources:
                raise Refusal(409, "AlreadyExists", f'{kind} "{metadata["name"]}" already exists')
            metadata["uid"] = str(uuid4())
            metadata["creationTimestamp"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self._resources[key] = resource
            return self._record("ADDED", kind, resource)

    def read(self, kind: str, namespace: str, name: str) -> Resource:
        """A resource."""
        with self.changed:
            found = self._resources.get((kind, namespace, name))
            if found is None:
                raise Refusal(404, "NotFound", f'{kind} "{name}" not found')
            return deepcopy(found)

    def find(self, kind: str, namespace: str | None, labels: dict[str, str | None]) -> list[Resource]:
        """The resources with some labels, of a namespace or of all. A label of None may have any value."""
        with self.changed:
            return [
                deepcopy(each)
                for (a_kind, a_namespace, _), each in self._resources.items()
                if a_kind == kind and namespace in {None, a_namespace} and _has(each, labels)
            ]

    def change(self, kind: str, namespace: str, name: str, changes: Resource) -> Resource:
        """Merge changes into a resource."""
        with self.changed:
            self.read(kind, namespace, name)
            resource = self._resources[kind, namespace, name]
            _merge(resource, changes)
            return self._record("MODIFIED", kind, resource)

    def replace(self, kind: str, namespace: str, name: str, resource: Resource) -> Resource:
        """Put a resource in the place of another."""
        with self.changed:
            before = self.read(kind, namespace, name)["metadata"]
            kept = {key: before[key] for key in ("uid", "creationTimestamp", "namespace", "name")}
            self._resources[kind, namespace, name] = {**resource, "metadata": {**resource.get("metadata", {}), **kept}}
            return self._record("MODIFIED", kind, self._resources[kind, namespace, name])

    def remove(self, kind: str, namespace: str, name: str) -> Resource:
        """Remove a resource, and what it owns."""
        with self.changed:
            self.read(kind, namespace, name)
            resource = self._resources.pop((kind, namespace, name))
            owned = [
                (key, each)
                for key, each in self._resources.items()
                for owner in each["metadata"].get("ownerReferences", ())
                if owner["uid"] == resource["metadata"]["uid"] and key[0] != "pods"
            ]
            for (a_kind, a_namespace, a_name), _ in owned:
                self.remove(a_kind, a_namespace, a_name)
            return self._record("DELETED", kind, resource)

    def changes(
        self, kind: str, namespace: str | None, labels: dict[str, str | None], since: int
    ) -> Iterator[Resource | None]:
        """The changes since a version, as they come; None from time to time."""
        while True:
            with self.changed:
                if since < self.oldest:
                    raise Refusal(410, "Expired", f"too old resource version: {since} ({self.oldest})")
                news = [each for each in self._history if each[0] > since]
                if not news:
                    self.changed.wait(0.1)
            for version, change, a_kind, resource in news:
                since = version
                is_there = namespace in {None, resource["metadata"]["namespace"]}
                if a_kind == kind and is_there and _has(resource, labels):
                    yield {"type": change, "object": resource}
            yield None

    def forget_history(self) -> None:
        """From now on, watches that begin or go on at an older version are told 410."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self._history.clear()
            self.changed.notify_all()

    def _record(self, change: str, kind: str, resource: Resource) -> Resource:
        self.version += 1
        resource["metadata"]["resourceVersion"] = str(self.version)
        copy = deepcopy(resource)
        self._history.append((self.version, change, kind, copy))
        self.changed.notify_all()
        return copy


def _has(resource: Resource, labels: dict[str, str | None]) -> bool:
    found = resource["metadata"].get("labels") or {}
    return all(name in found and value in {None, found[name]} for name, value in labels.items())


def _merge(into: Resource, changes: Resource) -> None:
    """A JSON merge patch."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)
