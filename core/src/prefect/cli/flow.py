"""`prefect flow`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from prefect.cli.groups import command, noun
from prefect.cli.output import Limit, Output, print_json

app = noun("Show flows, and serve them.")


@command(app, "ls")
def ls(
    limit: Limit = 15,
    output: Output = None,
) -> None:
    """List flows, the newest first."""
    from prefect._contract.endpoints.flows import read_flows
    from prefect._contract.sorting import FlowSort
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    newest = FlowSort.CREATED_DESC
    flows = list(pages(lambda most, offset: read_flows(sort=newest, limit=most, offset=offset), limit))
    if output:
        print_json(flows)
        return
    rows = [(flow.id, flow.name, ago(flow.created)) for flow in flows]
    print_table([Column("ID", whole=True), "Name", "Created"], rows, "No flows found.")


@command(app, "serve")
def serve(
    entrypoint: Annotated[str, typer.Argument(help="Where the flow is: path/to/file.py:function.")],
    name: Annotated[str, typer.Option("--name", "-n", help="The name of the deployment.")],
    description: Annotated[Optional[str], typer.Option("--description", "-d", help="What it is for.")] = None,
    version: Annotated[Optional[str], typer.Option("--version", "-v", help="The version of its code.")] = None,
    tag: Annotated[Optional[list[str]], typer.Option("--tag", "-t", help="A tag; may be repeated.")] = None,
    cron: Annotated[Optional[str], typer.Option(help="Due as a cron expression says.")] = None,
    interval: Annotated[Optional[int], typer.Option(metavar="SECONDS", help="Due each time so long passed.")] = None,
    anchor_date: Annotated[Optional[str], typer.Option(help="With --interval: a moment at which it is due.")] = None,
    rrule: Annotated[Optional[str], typer.Option(help="Due as a recurrence rule says.")] = None,
    timezone: Annotated[Optional[str], typer.Option(help="The time zone of the schedule: Europe/Berlin.")] = None,
    pause_on_shutdown: Annotated[
        bool,
        typer.Option("--pause-on-shutdown/--no-pause-on-shutdown", help="Whether its schedules are paused at the end."),
    ] = True,
    limit: Annotated[Optional[int], typer.Option(min=1, help="How many runs are executed here at once.")] = None,
    global_limit: Annotated[
        Optional[int], typer.Option(min=1, help="How many of its runs there may be at once.")
    ] = None,
) -> None:
    """Make a deployment of a flow, and execute its runs here until Ctrl-C."""
    from prefect._contract.schedules import construct_schedule
    from prefect.cli.errors import CliError
    from prefect.cli.finding import load_flow

    when = {"cron": cron, "interval": interval, "anchor_date": anchor_date, "rrule": rrule, "timezone": timezone}
    asked = any(value is not None for value in when.values())
    try:
        schedules = [construct_schedule(**when)] if asked else None  # type: ignore[arg-type]
        load_flow(entrypoint).serve(
            name=name,
            description=description,
            version=version,
            tags=tag,
            schedules=schedules,
            pause_on_shutdown=pause_on_shutdown,
            limit=limit,
            global_limit=global_limit,
        )
    except ValueError as error:
        raise CliError(str(error)) from None
