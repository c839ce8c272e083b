"""An ECS whose tasks are processes of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

__all__ = ["FakeEcs"]

_ECS = "AmazonEC2ContainerServiceV20141113."
_STOP_SECONDS = 30


class Refusal(Exception):
    """A request is answered with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class FakeEcs:
    """
    Starts tasks as processes, over the real protocol. To be used in a `with` statement.

    Whatever else is asked for (task definitions, secrets, networks, logs) another emulator answers, such as a
    `moto_server`, whose task definitions and secrets the processes get.

    Args:
        beside: The address of that emulator.
        tells_changes: Whether the EventBridge of that emulator is told of each change of a task, as ECS does.

    Attributes:
        requests: What was asked of ECS: pairs of an operation and its arguments.
        images_that_fail: Images that cannot be pulled.
        placement_failures: Reasons that the next requests to start a task are given for not doing so.
        starts_nothing: Whether tasks wait for ever.
    """

    def __init__(self, beside: str, *, tells_changes: bool = False) -> None:
        self.beside = beside
        self.tells_changes = tells_changes
        self.folder = Path(tempfile.mkdtemp(prefix="fake-ecs-"))
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.images_that_fail: set[str] = set()
        self.placement_failures: list[str] = []
        self.starts_nothing = False
        self._refusals: list[tuple[str, str]] = []
        self._tasks: dict[str, dict[str, Any]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stop_seconds: dict[str, float] = {}
        self._by_token: dict[str, str] = {}
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ecs": self}))
        self._http.daemon_threads = True

    def __enter__(self) -> FakeEcs:
        """Begin to answer."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        """Answer no more, and end all tasks by force."""
        for process in self._processes.values():
            _signal(process, signal.SIGKILL)
            process.wait()
        self._http.shutdown()
        self._http.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    # -- what may go wrong

    def refuse(self, times: int, operation: str = "", code: str = "ThrottlingException") -> None:
        """Refuse the next requests of ECS, or those of an operation."""
        with self._lock:
            self._refusals.extend([(operation, code)] * times)

    def forgive(self) -> None:
        """Refuse nothing any more."""
        with self._lock:
            self._refusals.clear()

    def take_away(self, arn: str) -> None:
        """End a task as if its spot machine was wanted by somebody else."""
        self._tasks[arn] |= {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}
        _signal(self._processes[arn], signal.SIGKILL)

    def kill(self, arn: str) -> None:
        """End the container of a task by force, as when it has used too much memory."""
        _signal(self._processes[arn], signal.SIGKILL)

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of all requests of an operation so far."""
        return [arguments for name, arguments in self.requests if name == operation]

    def output(self, arn: str) -> str:
        """What a task has printed."""
        return self._log(arn).read_text()

    # -- the protocol

    def answer(self, operation: str, arguments: dict[str, Any], ask_beside: Any) -> Any:
        """What an operation answers; None if the other emulator is to answer."""
        with self._lock:
            self.requests.append((operation, arguments))
            for each in self._refusals:
                if each[0] in {"", operation}:
                    self._refusals.remove(each)
                    raise Refusal(each[1], "Rate exceeded")
        method = getattr(self, f"_on_{operation}", None)
        return None if method is None else method(arguments, ask_beside)

    def _on_RunTask(self, asked: dict[str, Any], ask_beside: Any) -> dict[str, Any]:  # noqa: N802 - names of operations
        token = asked.get("clientToken")
        if token in self._by_token:
            return {"tasks": [self._shown(self._by_token[token])], "failures": []}
        if self.placement_failures:
            return {"tasks": [], "failures": [{"reason": self.placement_failures.pop(0)}]}
        definition = ask_beside(f"{_ECS}DescribeTaskDefinition", {"taskDefinition": asked["taskDefinition"]})
        definition = definition["taskDefinition"]
        if definition["status"] != "ACTIVE":
            raise Refusal("ClientException", "TaskDefinition is inactive")
        cluster = str(asked.get("cluster", "default")).rpartition("/")[2]
        where = "arn:aws:ecs:us-east-1:123456789012"
        arn = f"{where}:task/{cluster}/{uuid4().hex}"
        self._tasks[arn] = {
            "taskArn": arn,
            "clusterArn": f"{where}:cluster/{cluster}",
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "lastStatus": "PENDING",
            "startedBy": asked.get("startedBy"),
            "tags": asked.get("tags", []),
            "overrides": asked.get("overrides", {}),
        }
        self._tell(arn, ask_beside)
        if token:
            self._by_token[token] = arn
        self._start(arn, definition, asked.get("overrides", {}), ask_beside)
        return {"tasks": [self._shown(arn)], "failures": []}

    def _on_DescribeTasks(self, asked: dict[str, Any], ask_beside: Any) -> dict[str, Any]:  # noqa: N802
        known = [arn for arn in asked["tasks"] if arn in self._tasks]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in self._tasks]
        return {"tasks": [self._shown(arn) for arn in known], "failures": missing}

    def _on_StopTask(self, asked: dict[str, Any], ask_beside: Any) -> dict[str, Any]:  # noqa: N802
        arn = asked["task"]
        if arn not in self._tasks:
            raise Refusal("InvalidParameterException", "The referenced task was not found.")
        task = self._tasks[arn]
        if task["lastStatus"] != "STOPPED":
            task.setdefault("stopCode", "UserInitiated")
            task.setdefault("stoppedReason", asked.get("reason", ""))
            threading.Thread(target=self._stop, args=(arn,), daemon=True).start()
        return {"task": self._shown(arn)}

    def _on_ListTasks(self, asked: dict[str, Any], ask_beside: Any) -> dict[str, Any]:  # noqa: N802
        family, wanted = asked.get("family"), asked.get("desiredStatus", "RUNNING")
        found = [
            arn
            for arn, task in self._tasks.items()
            if family in {None, task["taskDefinitionArn"].rpartition("/")[2].rpartition(":")[0]}
            and (task["lastStatus"] == "STOPPED") == (wanted == "STOPPED")
        ]
        return {"taskArns": found}

    def _shown(self, arn: str) -> dict[str, Any]:
        with self._lock:
            return json.loads(json.dumps(self._tasks[arn]))  # type: ignore[no-any-return]

    # -- tasks

    def _log(self, arn: str) -> Path:
        return self.folder / f"{arn.rpartition('/')[2]}.log"

    def _start(self, arn: str, definition: dict[str, Any], overrides: dict[str, Any], ask_beside: Any) -> None:
        container = definition["containerDefinitions"][0]
        changes = {each["name"]: each for each in overrides.get("containerOverrides", ())}
        override: dict[str, Any] = changes.get(container["name"], {})
        if self.starts_nothing:
            return
        if container["image"] in self.images_that_fail:
            why = f"CannotPullContainerError: {container['image']}: not found"
            self._end(arn, container["name"], None, "TaskFailedToStart", why, ask_beside)
            return
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PREFECT_HOME": str(self.folder / "home")}
        for entry in (*container.get("environment", ()), *override.get("environment", ())):
            environment[entry["name"]] = entry["value"]
        for entry in container.get("secrets", ()):
            arn_of_secret, _, version = entry["valueFrom"].partition(":::")
            wanted = {"SecretId": arn_of_secret, **({"VersionId": version} if version else {})}
            environment[entry["name"]] = ask_beside("secretsmanager.GetSecretValue", wanted)["SecretString"]
        command = override.get("command") or container.get("command") or []
        if command[:1] == ["prefect"]:
            command = [sys.executable, "-m", *command]
        with self._log(arn).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - that is what tasks are for
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[arn] = process
        self._stop_seconds[arn] = container.get("stopTimeout", _STOP_SECONDS)
        self._tasks[arn] |= {"lastStatus": "RUNNING", "startedAt": 1_700_000_000}
        self._tell(arn, ask_beside)
        threading.Thread(target=self._wait, args=(arn, container["name"], process, ask_beside), daemon=True).start()

    def _wait(self, arn: str, name: str, process: subprocess.Popen[bytes], ask_beside: Any) -> None:
        code = process.wait()
        why = "Essential container in task exited"
        self._end(arn, name, code if code >= 0 else 128 - code, "EssentialContainerExited", why, ask_beside)

    def _end(self, arn: str, name: str, code: int | None, stop_code: str, reason: str, ask_beside: Any) -> None:
        with self._lock:
            task = self._tasks[arn]
            task.setdefault("stopCode", stop_code)
            task.setdefault("stoppedReason", reason)
            task["containers"] = [{"name": name, **({} if code is None else {"exitCode": code})}]
            task["lastStatus"] = "STOPPED"
        self._tell(arn, ask_beside)

    def _tell(self, arn: str, ask_beside: Any) -> None:
        """Tell EventBridge of the status of a task. It is not told the tags."""
        if not self.tells_changes:
            return
        detail = {name: value for name, value in self._shown(arn).items() if name != "tags"}
        detail["updatedAt"] = datetime.now(timezone.utc).isoformat()
        entry = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": json.dumps(detail)}
        ask_beside("AWSEvents.PutEvents", {"Entries": [{**entry, "Resources": [arn]}]})

    def _stop(self, arn: str) -> None:
        process = self._processes.get(arn)
        if process is None:
            self._tasks[arn]["lastStatus"] = "STOPPED"
            return
        _signal(process, signal.SIGTERM)
        try:
            process.wait(self._stop_seconds[arn])
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


class _Handler(BaseHTTPRequestHandler):
    ecs: FakeEcs
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept, and not printed."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "")
        try:
            answer = None
            if target.startswith(_ECS):
                answer = self.ecs.answer(target[len(_ECS) :], json.loads(body or b"{}"), self._ask_beside)
            if answer is None:
                self._send(*self._forward(body, dict(self.headers)))
                return
            status, content = 200, answer
        except Refusal as refusal:
            status, content = refusal.status, {"__type": refusal.code, "message": str(refusal)}
        self._send(status, json.dumps(content).encode(), "application/x-amz-json-1.1")

    def _forward(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """Ask the other emulator."""
        kept = {name: value for name, value in headers.items() if name.lower() not in {"host", "content-length"}}
        request = urllib.request.Request(f"{self.ecs.beside}{self.path}", body, kept)  # noqa: S310 - an emulator
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers.get("Content-Type", "")

    def _ask_beside(self, target: str, arguments: dict[str, Any]) -> Any:
        service = "ecs" if target.startswith(_ECS) else target.partition(".")[0].lower().removeprefix("aws")
        scope = f"Credential=an-id/20260101/us-east-1/{service}/aws4_request"
        headers = {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none",
        }
        status, content, _ = self._forward(json.dumps(arguments).encode(), headers)
        answer = json.loads(content)
        if status != 200:
            raise Refusal(str(answer.get("__type", "ServerException")), str(answer), status)
        return answer

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
