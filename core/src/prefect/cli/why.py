"""`prefect flow-run why`."""

from __future__ import annotations

from typing import Annotated

import typer

from prefect.cli.groups import command
from prefect.cli.output import Output, print_json, say

__all__ = ["add_why"]


def add_why(app: typer.Typer) -> None:
    """Add the command to `prefect flow-run`."""
    command(app, "why")(why)


def why(
    id: Annotated[str, typer.Argument(help="The id of a flow run, the first 8 or more characters of it, or its name.")],
    output: Output = None,
) -> None:
    """Say why a flow run does not run: who has its slots, what is paused, who does not poll, when it is its turn."""
    from prefect._contract.endpoints.why import explain_flow_run
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_flow_run

    told = ask(explain_flow_run(find_flow_run(id).id))
    if output:
        print_json(told)
        return
    say(f"Flow run '{told.name}' is {told.state_name}.")
    for cause in told.causes:
        say(f"- {cause.message}")
    if not told.causes:
        say("Nothing keeps it from running: it is its turn.")
