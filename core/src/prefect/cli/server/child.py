"""
The process of a server that another process has started.

It inherits the socket at which it answers, and its settings by the environment.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack

from prefect.cli.errors import explain
from prefect.cli.output import say


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("does", choices=["serve", "services"])
    parser.add_argument("--socket", type=int, metavar="FD", help="The socket that it inherits.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-services", action="store_true")
    parser.add_argument("--background", action="store_true", help="It is the one that is known to run by itself.")
    parser.add_argument("--lifeline", type=int, metavar="FD", help="A pipe whose other end goes with its parent.")
    return parser.parse_args(arguments)


def _follow(lifeline: int) -> None:
    """Stop when the process that looks after this one is gone, however it went."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def run(arguments: list[str]) -> None:
    """Do what the arguments say, until a signal says to stop."""
    from prefect.cli.server.background import server_of, services_of
    from prefect.server.composition import verify
    from prefect.settings import get_current_settings

    asked, settings = _parse(arguments), get_current_settings()
    if asked.lifeline is not None:
        _follow(asked.lifeline)
    verify(settings)
    with ExitStack() as stack:
        if asked.background:
            known = server_of(settings.home) if asked.does == "serve" else services_of(settings.home)
            stack.enter_context(known.claimed())
        if asked.does == "services":
            from prefect.cli.server.services import run_here

            run_here(settings)
        else:
            from prefect.cli.server.serving import Serving

            where = socket.socket(fileno=asked.socket)
            say(f"Process {os.getpid()} answers requests at port {where.getsockname()[1]}.")
            Serving(where, asked.workers, asked.no_services).run(settings)
            say(f"Process {os.getpid()} has stopped.")


def main() -> None:
    """Run, and say in a line what went wrong, if that is something that people can put right."""
    try:
        run(sys.argv[1:])
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        say(message, to=sys.stderr)
        raise SystemExit(1) from None
