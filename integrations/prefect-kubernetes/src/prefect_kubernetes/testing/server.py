"""The API server of a fake cluster: real HTTP on a port of this machine."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from prefect_kubernetes.testing.discovery import described
from prefect_kubernetes.testing.store import Refusal

if TYPE_CHECKING:
    from prefect_kubernetes.testing.cluster import FakeCluster

__all__ = ["ApiServer"]

_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<part>log|status))?"
)
_DONE = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success"}
_NAMESPACE = re.compile(r"/api/v1/namespaces/(?P<name>[^/]+)")
_KINDS = {
    "deployments": "Deployment",
    "events": "Event",
    "jobs": "Job",
    "pods": "Pod",
    "secrets": "Secret",
    "services": "Service",
}
_GROUPS = {"deployments": "apps", "jobs": "batch"}
"""The groups of kinds that are not in the core; whatever is in a group with a dot in its name is a custom object."""


class ApiServer:
    """
    The API server of a cluster.

    Args:
        cluster: The cluster.
        version: The version of Kubernetes by whose schemas manifests are judged.
    """

    def __init__(self, cluster: FakeCluster, version: str) -> None:
        self.cluster = cluster
        self.version = version
        self.refusals: list[int] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.epoch = 0
        self.needs_token = (
            True  # clients that send none over plain HTTP, such as kubectl, need a cluster that asks for none
        )
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self.drop_connections()
        self._http.shutdown()
        self._http.server_close()

    def drop_connections(self) -> None:
        """Break all watches and log streams under way."""
        self.epoch += 1

    def validate(self, resource: dict[str, Any]) -> None:
        """Refuse what the official schemas refuse."""
        import kubernetes_validate

        try:
            kubernetes_validate.validate(resource, self.version, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Refusal(422, "Invalid", f"{resource.get('kind')} is invalid: {error.message}") from error


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    """The class of request handlers of a server."""

    class Handler(_Handler):
        api = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    api: ApiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept, and not printed."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self._epoch = self.api.epoch  # connections that are dropped from now on include this one
        self.api.requests.append((self.command, self.path, body))
        try:
            if self.api.needs_token and self.headers.get("Authorization") != "Bearer fake-token":
                raise Refusal(401, "Unauthorized", "Unauthorized")
            if self.api.refusals:
                code = self.api.refusals.pop(0)
                raise Refusal(code, "TooManyRequests", "the server is busy", {"Retry-After": "0"})
            self._route(url.path, query, body)
        except Refusal as refusal:
            self._answer(refusal.code, refusal.status(), refusal.headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of the base class

    def _route(self, path: str, query: dict[str, str], body: Any) -> None:
        store = self.api.cluster.store
        if (found := _NAMESPACE.fullmatch(path)) and self.command == "GET":
            self._answer(200, store.read("namespaces", "", found["name"]))
            return
        about_itself = described(path, self.api.version) if self.command == "GET" else None
        if about_itself is not None:
            self._answer(200, about_itself)
            return
        found = _PATH.fullmatch(path)
        group = found["group"] if found else None
        if found is None or not (
            "." in (group or "") or (found["kind"] in _KINDS and _GROUPS.get(found["kind"]) == group)
        ):
            raise Refusal(404, "NotFound", f"the server could not find the requested resource: {path}")
        kind, namespace, name = found["kind"], found["namespace"], found["name"]
        if found["part"] == "log":
            self._send_log(name, query)
        elif self.command == "GET" and name:
            self._answer(200, store.read(kind, namespace, name))
        elif self.command == "GET" and query.get("watch"):
            self._send_changes(kind, namespace, query)
        elif self.command == "GET":
            items = [each for each in store.find(kind, namespace, _labels(query)) if _is_named(each, query)]
            about = {"kind": f"{_KINDS.get(kind, 'Custom')}List", "metadata": {"resourceVersion": str(store.version)}}
            self._answer(200, {**about, "items": items})
        else:
            self._answer(201 if self.command == "POST" else 200, self._changed(kind, namespace, name, body or {}))

    def _changed(self, kind: str, namespace: str, name: str | None, body: dict[str, Any]) -> Any:
        cluster = self.api.cluster
        if self.command in {"POST", "PUT"} and kind in _KINDS:
            self.api.validate(body)
        if self.command == "POST":
            body["metadata"].setdefault("namespace", namespace)
            made = cluster.store.create(kind, body)
            if kind == "jobs":
                cluster.run_job(made)
            elif kind == "pods":
                cluster.run_pod(made)
            return made
        if name is None:
            raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        if self.command == "PATCH":
            return cluster.store.change(kind, namespace, name, body)
        if self.command == "PUT":
            return cluster.store.replace(kind, namespace, name, body)
        if kind == "jobs":
            cluster.delete_job(namespace, name)
            return _DONE
        if kind == "pods":
            return cluster.delete_pod(namespace, name, body.get("gracePeriodSeconds", 30))
        removed = cluster.store.remove(kind, namespace, name)
        return removed if kind == "services" else _DONE

    def _answer(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    # -- streams

    def _begin_stream(self) -> Callable[[bytes], None]:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

        def send(line: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

        return send

    def _send_changes(self, kind: str, namespace: str | None, query: dict[str, str]) -> None:
        changes = self.api.cluster.store.changes(kind, namespace, _labels(query), int(query["resourceVersion"]))
        first = next(changes)  # a version that is too old is refused before anything is sent
        epoch, send = self._epoch, self._begin_stream()
        deadline = time.monotonic() + float(query.get("timeoutSeconds", 300))
        try:
            while self.api.epoch == epoch and time.monotonic() < deadline:
                if first is not None and _is_named(first["object"], query):
                    send(json.dumps(first).encode() + b"\n")
                first = next(changes)
        except Refusal as refusal:
            send(json.dumps({"type": "ERROR", "object": refusal.status()}).encode() + b"\n")
        except OSError:
            return  # who watched has gone
        if self.api.epoch == epoch:
            self._end_stream()

    def _end_stream(self) -> None:
        with suppress(OSError):  # who watched has gone
            self.wfile.write(b"0\r\n\r\n")

    def _send_log(self, pod: str, query: dict[str, str]) -> None:
        cluster = self.api.cluster
        path = cluster.log_of(pod)
        if not path.exists():
            raise Refusal(400, "BadRequest", f'container in pod "{pod}" is waiting to start')
        if "follow" not in query:
            lines = path.read_text().splitlines()[-int(query.get("tailLines", 10**9)) :]
            content = "".join(f"{line}\n" for line in lines).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        epoch, send = self._epoch, self._begin_stream()
        try:
            self._follow(pod, query, send, epoch)
        except OSError:
            return
        if self.api.epoch == epoch:
            self._end_stream()

    def _follow(self, pod: str, query: dict[str, str], send: Callable[[bytes], None], epoch: int) -> None:
        """Send lines as they come. Their times only tell their order."""
        since, cluster = query.get("sinceTime", ""), self.api.cluster
        with cluster.log_of(pod).open("rb") as log:
            number, rest = 0, b""
            while self.api.epoch == epoch:
                had_ended = cluster.has_ended(pod)
                rest += log.read()
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    stamp, number = _stamp(number), number + 1
                    if stamp > since:
                        send(stamp.encode() + b" " + line + b"\n")
                if had_ended:
                    return
                time.sleep(0.05)


def _stamp(number: int) -> str:
    """The time of a line, the same each time that it is asked for."""
    return datetime.fromtimestamp(1_700_000_000 + number, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_named(resource: dict[str, Any], query: dict[str, str]) -> bool:
    """Whether a resource is what a selector of fields asks for: by its name, that is."""
    selector = query.get("fieldSelector")
    return selector is None or selector == f"metadata.name={resource['metadata']['name']}"


def _labels(query: dict[str, str]) -> dict[str, str | None]:
    """What a selector asks for: `a=b` a value of a label, `a` that there is one."""
    parts = [part.partition("=") for part in query.get("labelSelector", "").split(",") if part]
    return {name: value if sign else None for name, sign, value in parts}
