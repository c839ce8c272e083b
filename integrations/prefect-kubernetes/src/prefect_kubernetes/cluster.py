"""The few requests to a cluster that Jobs of flow runs take, repeated where the cluster is busy or away for a moment."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from prefect_kubernetes.credentials import KubernetesClusterConfig, connect

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

__all__ = ["Cluster", "ClusterError", "open_cluster"]

Resource = dict[str, Any]
"""A resource of the cluster, as JSON."""

_TRIES = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0
_PASSING = frozenset({429, 500, 502, 503, 504})
"""What a busy API server answers."""

_WATCH_SECONDS = 240
_REQUEST_SECONDS = 30.0
_SILENT_SECONDS = 300.0
"""After so long a connection on which nothing comes is taken for broken, and made anew."""


class ClusterError(Exception):
    """
    A cluster has refused a request, or cannot be reached.

    Args:
        message: What it says.
        status: The HTTP status code; None if it did not answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@asynccontextmanager
async def open_cluster(config: KubernetesClusterConfig | None) -> AsyncIterator[Cluster]:
    """Connect to a cluster: by default to that in which this process runs, else to that of the kubeconfig file."""
    async with await connect(config) as api:
        yield Cluster(api)


class Cluster:
    """
    A connection to a cluster.

    Args:
        api: The client that knows its address and credentials.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._api.configuration.host)

    async def ask(
        self, method: str, path: str, body: Resource | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """
        Send a request, again if the cluster is busy or away for a moment. Requests must bear repetition.

        Args:
            method: The HTTP method.
            path: The path, such as `/api/v1/namespaces/default/pods`.
            body: The resource that is sent.
            query: The query.

        Returns:
            The answer's JSON.

        Raises:
            ClusterError: It refuses, or is away for long.
        """
        for attempt in range(_TRIES):
            try:
                async with self._answer(method, path, body, query, seconds=_REQUEST_SECONDS) as answer:
                    return json.loads(await answer.read())
            except _Busy as busy:
                if attempt == _TRIES - 1:
                    raise ClusterError(str(busy), busy.status) from busy
                await anyio.sleep(busy.pause(attempt))
        raise AssertionError

    async def pods(self, namespace: str, selector: str) -> AsyncGenerator[list[Resource], None]:
        """
        The pods that a selector of labels finds, as they are now, and again whenever they change.

        Args:
            namespace: Their namespace.
            selector: Such as `job-name=hello`.
        """
        path = f"/api/v1/namespaces/{namespace}/pods"
        while True:
            listed = await self.ask("GET", path, query={"labelSelector": selector})
            known = {pod["metadata"]["name"]: pod for pod in listed["items"]}
            yield list(known.values())
            async with aclosing(self._changes(path, selector, listed["metadata"]["resourceVersion"])) as changes:
                async for change in changes:
                    pod = change["object"]
                    if change["type"] == "DELETED":
                        known.pop(pod["metadata"]["name"], None)
                    else:
                        known[pod["metadata"]["name"]] = pod
                    yield list(known.values())

    async def _changes(self, path: str, selector: str, version: str) -> AsyncGenerator[Resource, None]:
        """What changes from a version on, until the cluster has no more to say of it: then it is to be listed again."""
        query = {"labelSelector": selector, "watch": "true", "timeoutSeconds": str(_WATCH_SECONDS)}
        for attempt in range(_TRIES):
            try:
                async with self._answer("GET", path, None, {**query, "resourceVersion": version}) as answer:
                    async for line in answer.content:
                        change = json.loads(line)
                        if change["type"] in {"ADDED", "MODIFIED", "DELETED"}:
                            yield change
                        elif change["type"] != "BOOKMARK":
                            return  # what has changed since is not known any more: 410
            except ClusterError as error:
                if error.status != 410:
                    raise
                return
            except _Busy as busy:
                await anyio.sleep(busy.pause(attempt))
                if busy.status is None:
                    return  # the connection broke, perhaps in the middle
            else:
                return

    async def log_lines(self, namespace: str, pod: str, container: str) -> AsyncGenerator[str, None]:
        """
        What a container prints, line by line, until it has ended. A connection that breaks is taken up again.

        Args:
            namespace: The pod's namespace.
            pod: The pod.
            container: The container.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "follow": "true", "timestamps": "true"}
        last, attempt = "", 0
        while True:
            since = {"sinceTime": last} if last else {}
            try:
                async with self._answer("GET", path, None, {**query, **since}) as answer:
                    async for line in answer.content:
                        stamp, _, text = line.decode(errors="replace").rstrip("\n").partition(" ")
                        if stamp > last:
                            last, attempt = stamp, 0
                            yield text
            except _Busy as busy:
                await anyio.sleep(busy.pause(attempt))
                attempt = min(attempt + 1, _TRIES)
            else:
                return

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int) -> list[str]:
        """The last lines that a container printed."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": str(lines)}
        try:
            async with self._answer("GET", path, None, query, seconds=_REQUEST_SECONDS) as answer:
                return bytes(await answer.read()).decode(errors="replace").splitlines()
        except _Busy as busy:
            raise ClusterError(str(busy), busy.status) from busy

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        body: Resource | None,
        query: Mapping[str, str] | None,
        seconds: float | None = None,
    ) -> AsyncIterator[Any]:
        """The answer to one request. What may pass with time is raised as `_Busy`."""
        from aiohttp import ClientError, ClientTimeout

        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            answer = await self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Content-Type": kind, "Accept": "application/json"},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=ClientTimeout(total=seconds, sock_connect=_REQUEST_SECONDS, sock_read=_SILENT_SECONDS),
            )
            async with answer:
                if answer.status >= 300:
                    message = f"{method} {path}: {_message(await answer.text())}"
                    if answer.status in _PASSING:
                        raise _Busy(message, answer.status, answer.headers.get("Retry-After"))
                    raise ClusterError(message, answer.status)
                yield answer
        except (ClientError, OSError, asyncio.TimeoutError) as error:
            raise _Busy(f"{method} {self.address}{path}: {type(error).__name__}: {error}", None, None) from error


class _Busy(Exception):
    """A request that may be sent again."""

    def __init__(self, message: str, status: int | None, after: str | None) -> None:
        super().__init__(message)
        self.status = status
        self._after = float(after) if after is not None and after.isdigit() else None

    def pause(self, attempt: int) -> float:
        """Seconds to wait before the next try: those that the cluster asks for, else longer each time."""
        if self._after is not None:
            return min(self._after, _LONGEST_PAUSE)
        longer = _FIRST_PAUSE * float(2**attempt)
        return min(longer, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret


def _message(text: str) -> str:
    """What a cluster says about a refused request."""
    try:
        said = json.loads(text)
    except ValueError:
        return text.strip()
    return str(said.get("message", said)) if isinstance(said, dict) else text
