# `deploy` is longer than 60 lines: its options, each with its help, are its signature.
"""`prefect deploy`: deployments from entrypoints, and from what a project's file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import CommandGroup, command
from prefect.cli.initializing import init

_FILE = Path("prefect.yaml")


class _DeployGroup(CommandGroup):
    """A command with an argument that has subcommands, too: `prefect deploy flows.py:greet`, and `prefect deploy init`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take a first word that names a subcommand for that, and not for an entrypoint."""
        if not args or args[0] not in self.commands:
            return super().parse_args(ctx, args)
        super().parse_args(ctx, [])
        ctx._protected_args, ctx.args = args[:1], args[1:]
        return args[1:]


app = typer.Typer(
    cls=_DeployGroup,
    invoke_without_command=True,
    context_settings={"allow_interspersed_args": True},  # options may follow the entrypoint
    add_completion=False,
    rich_markup_mode=None,
)
command(app, "init")(init)


@app.callback()
def deploy(
    context: typer.Context,
    entrypoint: Annotated[
        Optional[str], typer.Argument(help="Where the flow is: path/to/file.py:function or package.module:function.")
    ] = None,
    names: Annotated[
        Optional[list[str]],
        typer.Option(
            "--name",
            "-n",
            metavar="NAME",
            help="The name of the deployment; or of one in prefect.yaml: name, flow/name, 'flow/*'. May be repeated.",
        ),
    ] = None,
    description: Annotated[Optional[str], typer.Option("--description", "-d", help="What it is for.")] = None,
    version_type: Annotated[Optional[str], typer.Option(help="Which kind of version --version is.")] = None,
    version: Annotated[Optional[str], typer.Option(help="The version of its code.")] = None,
    tags: Annotated[Optional[list[str]], typer.Option("--tag", "-t", help="A tag; may be repeated.")] = None,
    concurrency_limit: Annotated[
        Optional[int],
        typer.Option("--concurrency-limit", "-cl", min=0, help="How many of its runs there may be at once."),
    ] = None,
    collision_strategy: Annotated[
        Optional[str], typer.Option(metavar="ENQUEUE|CANCEL_NEW", help="What becomes of runs beyond the limit.")
    ] = None,
    pool: Annotated[Optional[str], typer.Option("--pool", "-p", help="The work pool that its runs wait in.")] = None,
    work_queue: Annotated[Optional[str], typer.Option("--work-queue", "-q", help="The queue of that pool.")] = None,
    job_variables: Annotated[
        Optional[list[str]],
        typer.Option(
            "--job-variable", "-jv", metavar="NAME=VALUE", help="Overrides the pool's job template. May be repeated."
        ),
    ] = None,
    cron: Annotated[Optional[list[str]], typer.Option(help="Due as a cron expression says. May be repeated.")] = None,
    interval: Annotated[
        Optional[list[int]], typer.Option(metavar="SECONDS", help="Due each time so long passed. May be repeated.")
    ] = None,
    anchor_date: Annotated[Optional[str], typer.Option(help="With --interval: a moment at which it is due.")] = None,
    rrule: Annotated[Optional[list[str]], typer.Option(help="Due as a recurrence rule says. May be repeated.")] = None,
    timezone: Annotated[Optional[str], typer.Option(help="The time zone of the schedules: Europe/Berlin.")] = None,
    trigger: Annotated[
        Optional[list[str]],
        typer.Option(metavar="JSON|FILE", help="An event that runs it: JSON, or a file of triggers. May be repeated."),
    ] = None,
    param: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME=VALUE", help="What runs are called with. May be repeated.")
    ] = None,
    params: Annotated[Optional[str], typer.Option(metavar="JSON", help="The same as a JSON object.")] = None,
    enforce_parameter_schema: Annotated[
        Optional[bool],
        typer.Option(
            "--enforce-parameter-schema/--no-enforce-parameter-schema",
            help="Whether runs with parameters that do not fit the flow are refused.",
            show_default=False,
        ),
    ] = None,
    deploy_all: Annotated[
        bool, typer.Option("--all/--no-all", help="Deploy all deployments of prefect.yaml.", show_default=False)
    ] = False,
    prefect_file: Annotated[Path, typer.Option(metavar="FILE", help="The project's file.")] = _FILE,
    sla: Annotated[Optional[list[str]], typer.Option(help="Not offered: nothing here watches agreements.")] = None,
) -> None:
    """Deploy a flow, or what prefect.yaml says: make it known, with when and where its runs are executed."""
    if context.invoked_subcommand is not None:
        return
    from prefect.cli.deploying import Choice, changes_from, choose, deploy_all_of
    from prefect.deployments.projects import ProjectError, read_project

    if sla:
        raise CliError("--sla needs an orchestrator that watches service level agreements, and there is none.")
    changes = changes_from(
        description=description, version_type=version_type, version=version, tags=tags,
        concurrency_limit=concurrency_limit, collision_strategy=collision_strategy, pool=pool, work_queue=work_queue,
        job_variables=job_variables, cron=cron, interval=interval, anchor_date=anchor_date, rrule=rrule,
        timezone=timezone, trigger=trigger, param=param, params=params, enforce_parameter_schema=enforce_parameter_schema,
    )  # fmt: skip
    if prefect_file != _FILE and not prefect_file.exists():
        raise CliError(f"There is no file {str(prefect_file)!r} (looked for {prefect_file.absolute()}).")
    try:
        project = read_project(prefect_file)
        choice = Choice(entrypoint, tuple(names or ()), deploy_all, changes)
        deploy_all_of(choose(context, project, choice), project, context)
    except ProjectError as error:
        raise CliError(str(error)) from None
