"""Answering requests in this process, or in several that this one looks after."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefect.cli.errors import CliError

if TYPE_CHECKING:
    import socket

    from prefect.settings import Settings

__all__ = ["CHILD", "Serving", "require_several"]

CHILD = (
    sys.executable,
    "-c",
    "import sys; del sys.path[0]; from prefect.cli.server.child import main; main()",
)
"""The command of a process that this one starts. Not by `-m`: modules in the current directory must not hide others."""


@dataclass(frozen=True)
class Serving:
    """
    How a server answers.

    Args:
        where: Where it listens.
        workers: How many processes answer.
        no_services: Whether others run the loops.
    """

    where: socket.socket
    workers: int = 1
    no_services: bool = False

    @property
    def arguments(self) -> list[str]:
        """What tells a process that inherits the socket to do the same: see `prefect.cli.server.child`."""
        arguments = ["serve", "--socket", str(self.where.fileno()), "--workers", str(self.workers)]
        return [*arguments, "--no-services"] if self.no_services else arguments

    def run(self, settings: Settings) -> None:
        """Answer until a signal says to stop."""
        if self.workers > 1:
            from prefect.cli.server.workers import Workers

            Workers(Serving(self.where, 1, self.no_services), self.workers).run()
            return
        from prefect.logging.configuration import setup_logging
        from prefect.server.api.server import create_app, serve

        setup_logging()
        app = create_app(settings, webserver_only=self.no_services)
        serve(app, self.where, settings.server.api.keepalive_timeout, settings.server.logging_level)


def require_several(settings: Settings, workers: int) -> None:
    """
    Make sure that several processes can answer.

    Raises:
        CliError: Only one can write to the database at a time, or memory is what it is in.
    """
    from prefect.server.composition import open_database

    dialect = open_database(settings).dialect
    if not dialect.is_remote:
        raise CliError(
            f"--workers {workers} needs Postgres: {dialect.place} is written by one process at a time. Set "
            "PREFECT_SERVER_DATABASE_CONNECTION_URL=postgresql://..., or leave --workers out."
        )
