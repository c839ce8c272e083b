"""
The process of a fork server: it has the product imported, and becomes the processes that are asked for.

    python -m prefect.runner.forking ORDERS REPORTS [embedded]

ORDERS and REPORTS are the file descriptors of sockets. An order is JSON after its length, with the read end of a process's
lifeline beside it. A report is a line of JSON: that orders are taken, the number of a process that has begun, how one ended.

Nothing here may read settings or start threads: what is forked must be as a Python that has just been started.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from prefect._engine.lifeline import LIFELINE

__all__ = ["LENGTH", "become", "preload", "serve"]

_PRELOADED = (
    "httpx",
    "httpcore",
    "logging.config",
    "pydantic.networks",
    "prefect.blocks.core",
    "prefect.cli",
    "prefect.cli.executing",
    "prefect.cli.execution",
    "prefect.cli.finding",
    "prefect.cli.flow_run",
    "prefect.cli.live",
    "prefect.cli.progress",
    "prefect.client.http.recording",
    "prefect.client.http.transport",
    "prefect.deployments.code",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "prefect.deployments.storage",
    "prefect.flow_engine",
    "prefect.logging.configuration",
    "prefect.logging.formatters",
    "prefect.logging.handlers",
    "prefect.plugins.loading",
    "prefect.settings",
    "prefect.task_runners",
    "prefect._engine.pool",
)
"""What each process of a flow run imports before it comes to the user's code."""

_EMBEDDED = (
    "prefect.client.embedded",
    "prefect.server.operations.flow_runs",
    "prefect.server.operations.flows",
    "prefect.server.operations.liveness",
    "prefect.server.operations.logs",
    "prefect.server.operations.transitions",
)
"""What it imports besides if there is no server."""

LENGTH = struct.Struct("!I")
"""Before each order: of how many bytes it is."""


def preload(*, is_embedded: bool = False) -> None:
    """
    Import what flow runs need.

    Args:
        is_embedded: Whether the orchestrator will be in their processes.

    Raises:
        RuntimeError: Something of it has started a thread, so that forks would not be safe.
    """
    for name in (*_PRELOADED, *(_EMBEDDED if is_embedded else ())):
        importlib.import_module(name)
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise RuntimeError(f"Importing has started threads ({names}): processes cannot be forked safely.")
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket, reports: socket.socket) -> dict[str, Any] | None:
    """
    Fork a process for each order, and report how it ends.

    Returns:
        In such a process: the order, which it is to carry out. In this one: None, once nobody can order any more.
    """
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: set[int] = set()
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _report_ends(running, reports)
        if orders not in ready:
            continue
        order = _receive(orders)
        if order is None:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (orders, reports, woken, waker):
                each.close()
            return order
        os.close(order["lifeline"])
        running.add(pid)
        _report(reports, number=order["number"], pid=pid)


def _receive(orders: socket.socket) -> dict[str, Any] | None:
    """The next order; None if there will be none."""
    begin, descriptors, _, _ = socket.recv_fds(orders, LENGTH.size, 1)
    if not begin:
        return None
    header = begin + _read(orders, LENGTH.size - len(begin))
    order: dict[str, Any] = json.loads(_read(orders, *LENGTH.unpack(header)))
    return order | {"lifeline": descriptors[0]}


def _read(orders: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        part = orders.recv(count - len(read))
        if not part:
            raise EOFError("Who orders processes has ended in the middle of an order.")
        read += part
    return read


def _report_ends(running: set[int], reports: socket.socket) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            running.discard(pid)
            _report(reports, pid=pid, code=os.waitstatus_to_exitcode(status))


def _report(reports: socket.socket, **said: int) -> None:
    with suppress(BrokenPipeError):  # who ordered is gone, which the next order that does not come says
        reports.sendall(json.dumps(said).encode() + b"\n")


def become(order: dict[str, Any]) -> NoReturn:
    """
    Be what `python -m MODULE ARGUMENTS` would be, in a session of its own.

    Args:
        order: `module`, `arguments`, `env`, `cwd`, `is_quiet` and `lifeline`.

    Raises:
        SystemExit: Always.
    """
    os.setsid()
    os.environ.clear()
    os.environ.update(order["env"])
    os.environ[LIFELINE] = str(order["lifeline"])
    time.tzset()
    if order["is_quiet"]:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
    os.chdir(order["cwd"])
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = str(Path.cwd())
    sys.argv = [order["module"], *order["arguments"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    raise SystemExit(0)


def main(orders: str, reports: str, *further: str) -> None:
    """Take orders until nobody gives any."""
    with socket.socket(fileno=int(orders)) as ordering, socket.socket(fileno=int(reports)) as reporting:
        preload(is_embedded="embedded" in further)
        _report(reporting, ready=1)
        order = serve(ordering, reporting)
    if order is not None:
        become(order)


if __name__ == "__main__":
    main(*sys.argv[1:])
