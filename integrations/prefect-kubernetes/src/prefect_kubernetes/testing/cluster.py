"""The parts of a fake cluster that make pods of Jobs, and processes or containers of pods."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from prefect.testing.podman import Podman
from prefect_kubernetes.testing.server import ApiServer
from prefect_kubernetes.testing.store import Refusal, Store

__all__ = ["FakeCluster"]

_GRACE_SECONDS = 30


class FakeCluster:
    """
    A cluster whose pods are processes of this machine, or containers. To be used in a `with` statement.

    Args:
        environment: Variables that all pods have, besides those of their manifests.
        version: The version of Kubernetes by whose schemas manifests are judged.
        podman: What runs the pods in containers, of their images.
    """

    def __init__(
        self, environment: dict[str, str] | None = None, version: str = "1.31", podman: Podman | None = None
    ) -> None:
        self.store = Store()
        self.folder = Path(tempfile.mkdtemp(prefix="fake-cluster-"))
        self.images_that_fail: dict[str, str] = {}
        self.makes_no_pods = False
        self._environment = environment or {}
        self._podman = podman
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._removed: set[str] = set()
        self.server = ApiServer(self, version)
        self.store.create("namespaces", {"metadata": {"name": "kube-system", "namespace": ""}})

    def __enter__(self) -> FakeCluster:
        """Start the API server."""
        self.server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        """End the API server, and all pods by force."""
        for name, process in self._processes.items():
            self._kill(name)
            process.wait()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """A value for `cluster_config`: how to get at it."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.server.address}}],
            "users": [{"name": "fake", "user": {"token": "fake-token"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        }
        return {"config": config, "context_name": "fake"}

    # -- what may go wrong

    def fail_image(self, image: str, reason: str = "ImagePullBackOff") -> None:
        """From now on, pods with an image do not start."""
        self.images_that_fail[image] = reason

    def evict(self, pod: str, namespace: str = "default", reason: str = "EvictionByEvictionAPI") -> None:
        """End a pod from outside, at once."""
        why = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "The node is drained"}
        status = {"phase": "Failed", "reason": "Evicted", "message": "The node is drained", "conditions": [why]}
        self.store.change("pods", namespace, pod, {"status": status})
        self._kill(pod)

    def drop_connections(self) -> None:
        """Break all watches and log streams under way."""
        self.server.drop_connections()

    def refuse(self, times: int, code: int = 429) -> None:
        """Refuse the next requests."""
        self.server.refusals.extend([code] * times)

    # -- Jobs

    def run_job(self, job: dict[str, Any]) -> None:
        """Make a pod of a Job that is new, or whose last one has failed."""
        if self.makes_no_pods or job["spec"].get("suspend"):
            return
        metadata, template = job["metadata"], job["spec"]["template"]
        labels = {**(template.get("metadata") or {}).get("labels", {}), "job-name": metadata["name"]}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "labels": {**labels, "batch.kubernetes.io/job-name": metadata["name"]},
                "annotations": (template.get("metadata") or {}).get("annotations", {}),
                "ownerReferences": [{"kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
        self._set_job(job, {"active": 1})
        self._start(self.store.create("pods", pod))

    def delete_job(self, namespace: str, name: str) -> dict[str, Any]:
        """Remove a Job, and end its pods."""
        job = self.store.remove("jobs", namespace, name)
        for pod in self.store.find("pods", namespace, {"job-name": name}):
            self.delete_pod(namespace, pod["metadata"]["name"])
        return job

    def _set_job(self, job: dict[str, Any], status: dict[str, Any]) -> None:
        self.store.change("jobs", job["metadata"]["namespace"], job["metadata"]["name"], {"status": status})

    def run_pod(self, pod: dict[str, Any]) -> None:
        """Start a pod that is of no Job."""
        self.store.change(
            "pods", pod["metadata"]["namespace"], pod["metadata"]["name"], {"status": {"phase": "Pending"}}
        )
        self._start(pod)

    def _settle_job(self, pod: dict[str, Any], code: int) -> None:
        """What becomes of a Job whose pod has ended."""
        namespace, name = pod["metadata"]["namespace"], (pod["metadata"].get("labels") or {}).get("job-name")
        if name is None:
            return
        try:
            job = self.store.read("jobs", namespace, name)
        except Refusal:
            return
        if job["spec"].get("suspend"):
            self._set_job(job, {"active": 0})
            return
        if code == 0:
            self._set_job(job, {"active": 0, "succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]})
            return
        failed = (job.get("status") or {}).get("failed", 0) + 1
        self._set_job(job, {"active": 0, "failed": failed})
        if failed <= job["spec"].get("backoffLimit", 6):
            self.run_job(job)
            return
        why = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "It failed too often."}
        self._set_job(job, {"conditions": [why]})

    # -- pods

    def log_of(self, pod: str) -> Path:
        """The file with what a pod has printed."""
        return self.folder / f"{pod}.log"

    def has_ended(self, pod: str) -> bool:
        """Whether the process of a pod has ended."""
        process = self._processes.get(pod)
        return process is None or process.poll() is not None

    def _start(self, pod: dict[str, Any]) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        container = pod["spec"]["containers"][0]
        image = container["image"]
        reason = self.images_that_fail.get(image)
        if reason is None and self._podman is not None and not self._podman.has_image(image):
            reason = "ErrImageNeverPull"
        if reason is not None:
            message = f'Back-off pulling image "{image}": not found'
            self._set_container(pod, "Pending", {"waiting": {"reason": reason, "message": message}})
            return
        command, arguments = list(container.get("command", ())), list(container.get("args", ()))
        environment = self._environment_of(container, namespace)
        if self._podman is not None:
            command = self._podman.command(name, image, command, arguments, environment)
            environment = self._podman.environment
        else:
            command += arguments
            if command[:1] == ["prefect"]:
                command = [sys.executable, "-m", *command]
        with self.log_of(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - that is what a cluster is for
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[name] = process
        self._set_container(pod, "Running", {"running": {}})
        threading.Thread(target=self._wait_for, args=(pod, process), daemon=True).start()

    def _environment_of(self, container: dict[str, Any], namespace: str) -> dict[str, str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}
        environment |= {"PREFECT_HOME": str(self.folder / "home"), **self._environment}
        for entry in container.get("env", ()):
            value = entry.get("value", "")
            if "valueFrom" in entry:
                reference = entry["valueFrom"]["secretKeyRef"]
                data = self.store.read("secrets", namespace, reference["name"])["data"]
                value = base64.b64decode(data[reference["key"]]).decode()
            environment[entry["name"]] = value
        return environment

    def _set_container(self, pod: dict[str, Any], phase: str, state: dict[str, Any]) -> None:
        container = pod["spec"]["containers"][0]
        about = {"image": container["image"], "imageID": "", "ready": phase == "Running", "restartCount": 0}
        status = {"phase": phase, "containerStatuses": [{"name": container["name"], **about, "state": state}]}
        self._unless_removed(
            lambda: self.store.change("pods", pod["metadata"]["namespace"], pod["metadata"]["name"], {"status": status})
        )

    def _wait_for(self, pod: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        exit_code = code if code >= 0 else 128 - code
        self._set_container(
            pod, "Failed" if exit_code else "Succeeded", {"terminated": {"exitCode": exit_code, "reason": "Error"}}
        )
        self._settle_job(pod, exit_code)

    def delete_pod(self, namespace: str, name: str, grace_seconds: float = _GRACE_SECONDS) -> dict[str, Any]:
        """Tell a pod to end; by force after some seconds. It is removed when it has ended."""
        pod = self.store.read("pods", namespace, name)
        process = self._processes.get(name)
        if name not in self._removed:
            self._removed.add(name)
            threading.Thread(target=self._end, args=(pod, process, grace_seconds), daemon=True).start()
        return pod

    def _end(self, pod: dict[str, Any], process: subprocess.Popen[bytes] | None, grace_seconds: float) -> None:
        if process is not None:
            _signal(process, signal.SIGTERM)
            try:
                process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._kill(pod["metadata"]["name"])
                process.wait()
        metadata = pod["metadata"]
        self._unless_removed(lambda: self.store.remove("pods", metadata["namespace"], metadata["name"]))

    def _kill(self, name: str) -> None:
        process = self._processes[name]
        if self._podman is not None and process.poll() is None:
            self._podman.kill(name)
        else:
            _signal(process, signal.SIGKILL)

    @staticmethod
    def _unless_removed(change: Callable[[], Any]) -> None:
        """Do something to a resource, unless somebody has just removed it."""
        try:
            change()
        except Refusal as refusal:
            if refusal.code != 404:
                raise


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
