"""Containers for tests, which podman runs: started one by one, or by what speaks to Docker."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

__all__ = ["EMPTY_IMAGE", "SYSTEM", "Podman"]

EMPTY_IMAGE = "localhost/empty:1"
"""An image with nothing in it: what a container of it executes is a program of this machine that it sees."""

_PATIENCE_SECONDS = 90.0

# What podman needs where the kernel gives it neither systemd nor higher limits.
_CONFIGURATION = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4000:4000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


SYSTEM = tuple(path for path in ("/usr", "/lib", "/lib64", "/bin") if Path(path).exists())
"""The folders of this machine that its programs need, wherever they run."""


class Podman:
    """
    Runs containers, which have nothing in common with others of this machine. To be used in a `with` statement.

    Needs root, `podman` and `runc`. Nothing is pulled: the only image is `EMPTY_IMAGE`, unless you make others.

    Args:
        seen: Folders of this machine that containers see under the same path, and cannot change.
        shared: Folders that they can change, too.

    Raises:
        RuntimeError: On entering: podman cannot run containers here, and why.
    """

    def __init__(self, seen: Iterable[str | Path] = (), shared: Iterable[str | Path] = ()) -> None:
        self._volumes = [f"--volume={path}:{path}:ro" for path in seen] + [f"--volume={path}:{path}" for path in shared]

    def __enter__(self) -> Podman:
        """Make room for images and containers, and the empty image."""
        self.folder = Path(tempfile.mkdtemp(prefix="pods-", dir="/tmp"))  # podman takes no long paths
        (self.folder / "containers.conf").write_text(_CONFIGURATION)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("empty"))
        made = self._run("import", "-", EMPTY_IMAGE, given=packed.getvalue())
        system = [f"--volume={path}:{path}:ro" for path in SYSTEM]
        if made.returncode == 0:
            made = self._run("run", "--rm", "--init", "--network=host", *system, EMPTY_IMAGE, "/usr/bin/true")
        if made.returncode != 0:
            self._remove()
            raise RuntimeError(f"podman cannot run containers here: {made.stderr.decode().strip()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        """End all containers by force, and remove what was made."""
        self._run("rm", "--all", "--force", "--time=0")
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `podman` itself."""
        return {**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")}

    def has_image(self, image: str) -> bool:
        """Whether there is an image. Nothing is pulled."""
        return self._run("image", "exists", image).returncode == 0

    def command(
        self, name: str, image: str, command: list[str], arguments: list[str], environment: Mapping[str, str]
    ) -> list[str]:
        """What starts a container, prints what it prints, passes signals on, and ends as it ends."""
        replaced = [f"--entrypoint={json.dumps(command)}"] if command else []
        variables = [f"--env={key}={value}" for key, value in environment.items()]
        options = ["--rm", "--init", "--pull=never", "--network=host", f"--name={name}", *self._volumes, *variables]
        return [*self._podman, "run", *options, *replaced, image, *arguments]

    def kill(self, name: str) -> None:
        """End a container by force."""
        self._run("rm", "--force", "--time=0", name)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """
        Answer what is asked of Docker, in a `with` statement.

        Yields:
            Where, as DOCKER_HOST says it.

        Raises:
            RuntimeError: It does not begin to, and what it printed.
        """
        socket, log = self.folder / "sock", self.folder / "service.log"
        with log.open("wb") as printed:
            service = subprocess.Popen(  # noqa: S603 - that is what it is for
                [*self._podman, "system", "service", "-t", "0", f"unix://{socket}"],
                env=self.environment,
                stdout=printed,
                stderr=printed,
            )
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not socket.exists():
                if service.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"podman does not answer at {socket}: {log.read_text()}")
                time.sleep(0.05)
            yield f"unix://{socket}"
        finally:
            service.terminate()
            service.wait()

    @property
    def _podman(self) -> list[str]:
        places = ["--root", str(self.folder / "root"), "--runroot", str(self.folder / "run")]
        return ["podman", *places, "--storage-driver", "vfs"]

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - that is what containers are for
            [*self._podman, *arguments],
            env=self.environment,
            input=given,
            capture_output=True,
            check=False,
            timeout=120,
        )
