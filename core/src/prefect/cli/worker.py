# `start` is longer than 60 lines: its options, each with its help, are its signature.
"""`prefect worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.installing import InstallPolicy, install_worker_type
from prefect.cli.output import say

app = noun("Start workers: processes that take runs from a work pool and have them executed.")

_DEFAULT_TYPE = "process"


@command(app, "start")
def start(
    context: typer.Context,
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
        Optional[str],
        typer.Option("--type", "-t", metavar="TYPE", help="The type of worker; that of the work pool by default."),
    ] = None,
    prefetch_seconds: Annotated[
        Optional[int], typer.Option(metavar="SECONDS", min=0, help="How long before its time a run is taken.")
    ] = None,
    run_once: Annotated[
        bool,
        typer.Option("--run-once/--no-run-once", help="Look once, execute what is due, and end.", show_default=False),
    ] = False,
    limit: Annotated[
        Optional[int],
        typer.Option("--limit", "-l", metavar="N", min=1, help="How many runs to execute at once, at most."),
    ] = None,
    with_healthcheck: Annotated[
        bool,
        typer.Option(
            "--with-healthcheck/--no-with-healthcheck",
            help="Answer requests about the worker's health over HTTP, at /health.",
            show_default=False,
        ),
    ] = False,
    install_policy: Annotated[
        InstallPolicy,
        typer.Option(help="Whether to install the package that the type of worker is part of, if it is known."),
    ] = InstallPolicy.PROMPT,
    base_job_template: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help="The job template of the work pool, as JSON, if that has to be made."),
    ] = None,
    create_pool_if_not_found: Annotated[
        bool,
        typer.Option(
            "--create-pool-if-not-found/--no-create-pool-if-not-found",
            help="Whether a work pool that does not exist is made.",
        ),
    ] = True,
) -> None:
    """Start a worker that has the runs of a work pool executed, until Ctrl-C. Runs under way may end within half a minute."""
    import anyio

    from prefect.cli.templates import read_template, worker_class

    kind = worker_type or _type_of_pool(work_pool_name) or _DEFAULT_TYPE
    install_worker_type(context, kind, install_policy)
    try:
        worker = worker_class(kind)(
            work_pool_name=work_pool_name,
            work_queues=work_queues,
            name=worker_name,
            prefetch_seconds=prefetch_seconds,
            limit=limit,
            create_pool_if_not_found=create_pool_if_not_found,
            base_job_template=read_template(base_job_template) if base_job_template is not None else None,
        )
    except ValueError as error:
        raise CliError(str(error)) from None
    try:
        anyio.run(worker.start, run_once, with_healthcheck, say)
    except OSError as error:
        if not with_healthcheck or error.strerror is None:
            raise
        raise CliError(f"{error.strerror}. PREFECT_WORKER_WEBSERVER_PORT names another port.") from None


def _type_of_pool(name: str) -> str | None:
    """The type of a work pool; None if it does not exist."""
    from prefect._contract.endpoints.work_pools import read_work_pool
    from prefect.client.base import current_transport
    from prefect.exceptions import ObjectNotFound

    try:
        return current_transport().send(read_work_pool(name)).type
    except ObjectNotFound:
        return None
