"""The few requests to a cluster that Jobs of flow runs take, repeated where the cluster is busy or away for a moment."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.lowlevel

from prefect.exceptions import InfrastructureError
from prefect_kubernetes.credentials import KubernetesClusterConfig, connect

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

    from prefect_kubernetes.settings import KubernetesSettings

__all__ = ["Change", "Cluster", "ClusterError", "cluster_uid", "open_cluster"]

Resource = dict[str, Any]
"""A resource of the cluster, as JSON."""

Change = Literal["LISTED", "ADDED", "MODIFIED", "DELETED"]

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
    api = await connect(config)
    try:
        yield Cluster(api)
    finally:
        with anyio.CancelScope(shield=True):  # what is not closed now would be when it is collected, by no loop
            await api.close()
            await anyio.lowlevel.checkpoint()


async def cluster_uid(cluster: Cluster, settings: KubernetesSettings) -> str:
    """What a cluster is known by. Its address, if the worker may not read the namespace that tells it."""
    if settings.cluster_uid:
        return settings.cluster_uid
    try:
        namespace = await cluster.ask("GET", "/api/v1/namespaces/kube-system")
    except ClusterError as error:
        if error.status not in {403, 404}:
            raise InfrastructureError(f"The cluster cannot be used: {error}") from error
        return cluster.address
    return str(namespace["metadata"]["uid"])


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
        self,
        method: str,
        path: str,
        body: Resource | None = None,
        query: Mapping[str, str] | None = None,
        pauses: Iterable[float] | None = None,
    ) -> Any:
        """
        Send a request, again if the cluster is busy or away for a moment. Requests must bear repetition.

        Args:
            method: The HTTP method.
            path: The path, such as `/api/v1/namespaces/default/pods`.
            body: The resource that is sent.
            query: The query.
            pauses: Seconds to wait before each further try, if the cluster does not ask for more; longer each time by default.

        Returns:
            The answer's JSON.

        Raises:
            ClusterError: It refuses, or is away for long.
        """
        waits = iter(_pauses() if pauses is None else pauses)
        while True:
            try:
                async with self._answer(method, path, body, query, seconds=_REQUEST_SECONDS) as answer:
                    return json.loads(await answer.read())
            except _Busy as busy:
                wait = next(waits, None)
                if wait is None:
                    raise ClusterError(str(busy), busy.status) from busy
                await anyio.sleep(busy.pause(wait))

    async def pods(self, namespace: str, selector: str) -> AsyncGenerator[list[Resource], None]:
        """
        The pods that a selector of labels finds, as they are now, and again whenever they change.

        Args:
            namespace: Their namespace.
            selector: Such as `job-name=hello`.
        """
        known: dict[str, Resource] = {}
        async with aclosing(self.follow(f"/api/v1/namespaces/{namespace}/pods", selector)) as changes:
            async for kind, pods in changes:
                if kind == "LISTED":
                    known.clear()
                for pod in pods:
                    known[pod["metadata"]["name"]] = pod
                    if kind == "DELETED":
                        del known[pod["metadata"]["name"]]
                yield list(known.values())

    async def follow(self, path: str, selector: str) -> AsyncGenerator[tuple[Change, list[Resource]], None]:
        """
        The resources that a selector of labels finds, and then each change. A watch that ends or breaks goes on where it was.

        Args:
            path: Where they are, such as `/api/v1/pods`.
            selector: Such as `job-name=hello`.

        Yields:
            All of them, first and whenever the cluster does not know any more what has changed since (410): `"LISTED"`. Else
            the one that was `"ADDED"`, `"MODIFIED"`, or `"DELETED"`, as it was last.

        Raises:
            ClusterError: It refuses, or is away for long.
        """
        version, waits = "", iter(_pauses())
        while True:
            if not version:
                listed = await self.ask("GET", path, query={"labelSelector": selector})
                version = str(listed["metadata"]["resourceVersion"])
                yield "LISTED", listed["items"]
            try:
                async with aclosing(self._changes(path, selector, version)) as changes:
                    async for change in changes:
                        if change["type"] == "ERROR":
                            version = ""
                            break
                        version, waits = str(change["object"]["metadata"]["resourceVersion"]), iter(_pauses())
                        if change["type"] != "BOOKMARK":
                            yield change["type"], [change["object"]]
            except ClusterError as error:
                if error.status != 410:
                    raise
                version = ""
            except _Busy as busy:
                wait = next(waits, None)
                if wait is None:
                    raise ClusterError(str(busy), busy.status) from busy
                await anyio.sleep(busy.pause(wait))

    async def _changes(self, path: str, selector: str, version: str) -> AsyncGenerator[Resource, None]:
        """What changes from a version on, until the cluster ends the watch."""
        query = {"labelSelector": selector, "watch": "true", "timeoutSeconds": str(_WATCH_SECONDS)}
        query |= {"resourceVersion": version, "allowWatchBookmarks": "true"}
        async with self._answer("GET", path, None, query) as answer:
            async for line in answer.content:
                yield json.loads(line)

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
        last, waits = "", _pauses()
        while True:
            since = {"sinceTime": last} if last else {}
            try:
                async with self._answer("GET", path, None, {**query, **since}) as answer:
                    async for line in answer.content:
                        stamp, _, text = line.decode(errors="replace").rstrip("\n").partition(" ")
                        if stamp > last:
                            last, waits = stamp, _pauses()
                            yield text
            except _Busy as busy:
                await anyio.sleep(busy.pause(next(waits, _LONGEST_PAUSE)))
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

    def pause(self, planned: float) -> float:
        """Seconds to wait before the next try: those that the cluster asks for, else those that are planned."""
        return planned if self._after is None else min(self._after, _LONGEST_PAUSE)


def _pauses() -> Iterator[float]:
    """Seconds between tries, longer each time: a minute, together."""
    for attempt in range(_TRIES - 1):
        longer = _FIRST_PAUSE * float(2**attempt)
        yield min(longer, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret


def _message(text: str) -> str:
    """What a cluster says about a refused request."""
    try:
        said = json.loads(text)
    except ValueError:
        return text.strip()
    return str(said.get("message", said)) if isinstance(said, dict) else text
