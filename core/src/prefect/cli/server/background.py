"""Processes of a home that run in the background: started, found again, and stopped."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.cli.errors import CliError
from prefect.cli.server.serving import CHILD

if TYPE_CHECKING:
    from prefect._contract.liveness import ProcessIdentity

__all__ = ["BackgroundProcess", "server_of", "services_of"]

_PATIENCE_SECONDS = 120.0
_STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not listened at


def server_of(home: Path) -> BackgroundProcess:
    """The server of a home."""
    return BackgroundProcess("server", "A server", home, "prefect server stop")


def services_of(home: Path) -> BackgroundProcess:
    """The process of a home that runs a server's loops."""
    return BackgroundProcess("services", "A process that runs the services", home, "prefect server services stop")


@dataclass(frozen=True)
class BackgroundProcess:
    """
    A process that runs by itself. There is at most one of a kind in a home.

    A file says which one it is: its number, and on the second line by what it is told apart from a later process of the
    same number.

    Args:
        kind: What its files are named after.
        noun: What it is called at the beginning of a sentence.
        home: The home.
        stops: The command that stops it.
    """

    kind: str
    noun: str
    home: Path
    stops: str

    @property
    def pid_file(self) -> Path:
        """Says which process it is."""
        return self.home / f"{self.kind}.pid"

    @property
    def log_file(self) -> Path:
        """What it writes."""
        return self.home / f"{self.kind}.log"

    def find(self) -> ProcessIdentity | None:
        """The process that the file names, whether it is still there or not; None if there is no such file."""
        from prefect._contract.liveness import ProcessIdentity

        try:
            number, _, rest = self.pid_file.read_text(encoding="utf-8").partition("\n")
        except FileNotFoundError:
            return None
        try:
            return ProcessIdentity(**json.loads(rest))
        except (ValueError, TypeError):
            message = (
                f"{self.pid_file} is not a file of this product's. Remove it if no process {number!r} is a server."
            )
            raise CliError(message) from None

    def running(self) -> ProcessIdentity | None:
        """
        The process, if it runs.

        Raises:
            CliError: It is on another machine, or in another container, so nobody can tell.
        """
        found = self.find()
        if found is None or found.is_alive() is False:
            return None
        if found.is_alive() is None:
            raise CliError(
                f"{self.noun} was started as process {found.pid} on {found.host}, which cannot be seen from here. Stop it "
                f"there, or remove {self.pid_file} if it is gone."
            )
        return found

    # -- starting

    def start(self, arguments: Sequence[str], keep: int | None = None, answers_at: Any = None) -> None:
        """
        Start it, and wait until it does its work.

        Args:
            arguments: Those of `prefect.cli.server.child`.
            keep: A socket that it inherits.
            answers_at: Where it is to answer that it is well.

        Raises:
            CliError: One runs already, or it ended at once. Then its last words are told.
        """
        self.require_none()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.log_file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            log.seek(0, os.SEEK_END)
            begins = log.tell()
            child = subprocess.Popen(  # noqa: S603 - our own program
                [*CHILD, *arguments, "--background"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=() if keep is None else (keep,),
                start_new_session=True,
            )
        try:
            self._wait(child, begins, lambda: self._does_its_work(child, answers_at))
        except BaseException:
            child.terminate()
            raise
        child.returncode = 0  # it is not ours to wait for

    def require_none(self) -> None:
        """
        Make sure that it does not run yet.

        Raises:
            CliError: It does.
        """
        process = self.running()
        if process is not None:
            message = (
                f"{self.noun} runs in the background already, as process {process.pid}. Stop it first: {self.stops}"
            )
            raise CliError(message)

    def _does_its_work(self, child: subprocess.Popen[bytes], answers_at: Any) -> bool:
        found = self.find()
        if found is None or found.pid != child.pid:
            return False
        return answers_at is None or _is_well(answers_at)

    def _wait(self, child: subprocess.Popen[bytes], begins: int, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_done():
            if child.poll() is not None:
                said = self.log_file.read_bytes()[begins:].decode(errors="replace").strip()
                raise CliError(said or f"It has ended at once, with exit code {child.returncode}.")
            if time.monotonic() > deadline:
                raise CliError(
                    f"It is not ready after {_PATIENCE_SECONDS:g} s, and was stopped. What it has written is in {self.log_file}."
                )
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """
        Be the process, inside of the `with` statement.

        Raises:
            CliError: Another one is.
        """
        from prefect._contract.liveness import ProcessIdentity

        me = ProcessIdentity.current()
        draft = self.pid_file.with_name(f"{self.pid_file.name}.{me.pid}.new")
        draft.write_text(f"{me.pid}\n{json.dumps(asdict(me))}\n", encoding="utf-8")
        try:
            self._place(draft)
        finally:
            draft.unlink()
        try:
            yield
        finally:
            if self.find() == me:
                self.pid_file.unlink()

    def _place(self, draft: Path) -> None:
        for _ in range(3):
            try:
                os.link(draft, self.pid_file)  # appears complete or not at all, and never replaces another's
            except FileExistsError:
                self.require_none()
                self.pid_file.unlink(missing_ok=True)
            else:
                return
        raise CliError(f"{self.pid_file} is made again and again by others. Try again when they are done.")

    # -- stopping

    def stop(self) -> int | None:
        """
        Stop it, and wait until it has ended.

        Returns:
            Its number; None if none ran.

        Raises:
            CliError: It goes on.
        """
        process = self.running()
        if process is None:
            self.pid_file.unlink(missing_ok=True)
            return None
        try:
            os.kill(process.pid, signal.SIGTERM)
        except PermissionError:
            message = f"Process {process.pid} belongs to another user, who can stop it: {self.stops}"
            raise CliError(message) from None
        except ProcessLookupError:
            pass  # it has ended by itself just now
        deadline = time.monotonic() + _STOP_SECONDS
        while process.is_alive():
            if time.monotonic() > deadline:
                raise CliError(
                    f"Process {process.pid} has not ended within {_STOP_SECONDS:g} s. End it by force: kill -9 {process.pid}"
                )
            time.sleep(_LOOK_SECONDS)
        self.pid_file.unlink(missing_ok=True)
        return process.pid


def _is_well(address: Any) -> bool:
    """Whether a server that listens at an address says that it is well."""
    host, port = address[:2]
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
