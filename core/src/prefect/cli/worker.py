"""`prefect worker`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import say

app = noun("Start workers: processes that take runs from a work pool and execute them.")


@command(app, "start")
def start(
    work_pool_name: Annotated[
        str, typer.Option("--pool", "-p", metavar="NAME", help="The work pool to take runs from.")
    ],
    worker_name: Annotated[
        Optional[str], typer.Option("--name", "-n", metavar="NAME", help="What to call the worker; made up by default.")
    ] = None,
    work_queues: Annotated[
        Optional[list[str]],
        typer.Option("--work-queue", "-q", metavar="NAME", help="Take runs from this queue only. May be repeated."),
    ] = None,
    worker_type: Annotated[
        Optional[str], typer.Option("--type", "-t", metavar="TYPE", help="The type; that of the work pool by default.")
    ] = None,
    prefetch_seconds: Annotated[
        Optional[int], typer.Option(min=0, help="How many seconds before its time a run is taken.")
    ] = None,
    run_once: Annotated[bool, typer.Option("--run-once", help="Look once, execute what is due, and end.")] = False,
    limit: Annotated[
        Optional[int], typer.Option("--limit", "-l", min=1, help="How many runs to execute at once, at most.")
    ] = None,
    create_pool_if_not_found: Annotated[
        bool, typer.Option(help="Whether a work pool that does not exist is made.")
    ] = True,
) -> None:
    """Start a worker that executes the runs of a work pool on this machine, until Ctrl-C."""
    from prefect._contract.base import new_name
    from prefect.workers._process_worker import LocalWorker

    _ready_pool(work_pool_name, worker_type, create_pool_if_not_found)
    name = worker_name or f"ProcessWorker {new_name()}"
    say(f"Worker {name!r} takes runs from work pool {work_pool_name!r}.")
    LocalWorker(work_pool_name, name, work_queues, limit, prefetch_seconds, say).run(once=run_once)
    say(f"Worker {name!r} has ended.")


def _ready_pool(name: str, worker_type: str | None, makes: bool) -> None:
    """Make sure that there is a work pool of the type that this worker executes."""
    from prefect._contract.actions.settings import WorkPoolCreate
    from prefect._contract.endpoints.work_pools import create_work_pool, read_work_pool
    from prefect.cli.asking import ask
    from prefect.client.base import current_transport
    from prefect.exceptions import ObjectNotFound

    try:
        kind = current_transport().send(read_work_pool(name)).type
    except ObjectNotFound:
        if not makes:
            raise CliError(
                f"There is no work pool {name!r}. Make it: prefect work-pool create {name} --type process"
            ) from None
        kind = worker_type or "process"
        if kind == "process":
            ask(create_work_pool(WorkPoolCreate(name=name, type=kind)))
            say(f"Made work pool {name!r}.")
    if kind != "process" or worker_type not in {None, kind}:
        raise CliError(
            f"Work pool {name!r} is of type {kind!r}, and this installation has workers of the type 'process' only. "
            "Start a worker where one of its type is installed."
        )
