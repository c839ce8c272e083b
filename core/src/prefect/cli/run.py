"""`prefect run`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from prefect.cli.groups import command

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "run")
def run(
    flow: Annotated[str, typer.Argument(help="path/to/file.py or package.module, and :flow if it holds several.")],
    param: Annotated[
        Optional[list[str]],
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="A parameter; the value is JSON, or else text. Or @file.json with several. May be repeated.",
        ),
    ] = None,
) -> None:
    """
    Run a flow here, and show how far it is.

    The exit code is 0 if it completes, 130 if it is interrupted by Ctrl-C, and 1 otherwise.
    """
    from prefect._engine.flow_run import execution
    from prefect.cli.execution import carry_out
    from prefect.cli.finding import load_flow
    from prefect.cli.parameters import parse_parameters
    from prefect.utilities.callables import get_call_parameters

    found = load_flow(flow)
    parameters = get_call_parameters(found.fn, (), parse_parameters(found, param or []))
    raise typer.Exit(carry_out(execution(found, parameters)))
