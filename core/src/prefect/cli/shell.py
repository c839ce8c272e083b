"""`prefect shell`: shell commands as flows."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from prefect.cli.groups import command, noun
from prefect.cli.output import say

app = noun("Run a shell command as a flow, now or again and again.")

Command = Annotated[str, typer.Argument(help="What to run: one text, as the shell takes it.")]
LogOutput = Annotated[
    bool, typer.Option("--log-output/--no-log-output", help="Whether what the command prints is logged with the run.")
]
Stream = Annotated[
    bool, typer.Option("--stream-stdout/--no-stream-stdout", help="Whether it is logged line by line, while it runs.")
]
Tags = Annotated[Optional[list[str]], typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")]


@command(app, "watch")
def watch(
    command: Command,
    log_output: LogOutput = True,
    flow_run_name: Annotated[Optional[str], typer.Option(help="The name of the run.")] = None,
    flow_name: Annotated[str, typer.Option(help="The name of the flow.")] = "Shell Command",
    stream_stdout: Stream = True,
    tag: Tags = None,
) -> None:
    """Run a command as a flow, once, and say how it ended. The exit code is 1 if the command failed."""
    from prefect._engine.flow_run import execution
    from prefect.cli.execution import carry_out
    from prefect.cli.shell_flow import run_shell_process
    from prefect.context import tags

    flow = run_shell_process.with_options(name=flow_name, flow_run_name=flow_run_name)
    parameters = {"command": command, "log_output": log_output, "stream_stdout": stream_stdout}
    with tags(*(tag or ())):
        raise typer.Exit(carry_out(execution(flow, parameters)))


@command(app, "serve")
def serve(
    command: Command,
    flow_name: Annotated[str, typer.Option(help="The name of the flow.")],
    deployment_name: Annotated[str, typer.Option(help="The name of the deployment.")] = "CLI Runner Deployment",
    deployment_tags: Tags = None,
    log_output: LogOutput = True,
    stream_stdout: Stream = True,
    cron_schedule: Annotated[Optional[str], typer.Option(help="When it is due, as a cron expression.")] = None,
    timezone: Annotated[Optional[str], typer.Option(help="The time zone of the schedule: Europe/Berlin.")] = None,
    concurrency_limit: Annotated[
        Optional[int],
        typer.Option("--concurrency-limit", "-cl", min=1, help="How many of its runs there may be at once."),
    ] = None,
    run_once: Annotated[
        bool, typer.Option("--run-once/--no-run-once", help="Execute what is due, and end.", show_default=False)
    ] = False,
) -> None:
    """Make a deployment of a command, and execute its runs here until Ctrl-C."""
    import asyncio

    from prefect.cli.errors import CliError
    from prefect.cli.shell_flow import run_shell_process
    from prefect.runner import Runner
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    if timezone is not None and cron_schedule is None:
        raise CliError("--timezone goes with --cron-schedule.", exit_code=2)
    try:
        schedule = Cron(cron_schedule, timezone=timezone) if cron_schedule is not None else None
    except ValueError as error:
        raise CliError(str(error)) from None
    deployment = run_shell_process.with_options(name=flow_name).to_deployment(
        deployment_name,
        parameters={"command": command, "log_output": log_output, "stream_stdout": stream_stdout},
        schedule=schedule,
        tags=deployment_tags or [],
        concurrency_limit=concurrency_limit,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )

    async def execute() -> None:
        runner = Runner(name=flow_name)
        await runner.aadd_deployment(deployment)
        say(f"Executes the runs of '{deployment.full_name}'. Run it: prefect deployment run '{deployment.full_name}'")
        await runner.start(run_once=run_once)

    asyncio.run(execute())
