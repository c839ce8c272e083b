# `run` is longer than 60 lines: its options, each with its help, are its signature.
"""`prefect deployment`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.backfilling import backfill, upcoming
from prefect.cli.deployment_schedule import app as schedule_app, words_for
from prefect.cli.errors import CliError
from prefect.cli.groups import AlsoNamed, command, noun
from prefect.cli.output import Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse

app = noun("Show, run, pause and delete deployments, and change their schedules.")
app.add_typer(schedule_app, name="schedule")
command(app, "backfill")(backfill)
command(app, "next")(upcoming)

Name = Annotated[
    Optional[str], typer.Argument(help="The names of a flow and of its deployment, such as my-flow/my-deployment.")
]
Id = Annotated[
    Optional[UUID], typer.Option("--id", metavar="UUID", help="The id of a deployment, instead of its name.")
]


@command(app, "ls")
def ls(
    flow_name: Annotated[
        Optional[list[str]], typer.Argument(help="Only deployments of these flows."), AlsoNamed("--flow_name")
    ] = None,
    by_created: Annotated[
        bool,
        typer.Option("--by-created/--no-by-created", help="The newest first, rather than by name.", show_default=False),
    ] = False,
    output: Output = None,
) -> None:
    """List deployments by the names of their flow and their own."""
    from prefect._contract.sorting import DeploymentSort
    from prefect.cli.flow_run import flow_names
    from prefect.cli.tables import Column, print_table

    sort = DeploymentSort.CREATED_DESC if by_created else DeploymentSort.NAME_ASC
    found = list(_read_all(flow_name, sort))
    flows = flow_names({each.flow_id for each in found})
    if not by_created:
        found.sort(key=lambda each: (flows.get(each.flow_id, ""), each.name))
    if output:
        print_json(found)
        return
    rows = [
        (f"{flows.get(each.flow_id)}/{each.name}", each.id, each.work_pool_name or "", _schedules_in_short(each))
        for each in found
    ]
    columns: list[Column | str] = ["Name", Column("ID", whole=True), "Work pool", "Schedules"]
    print_table(columns, rows, "No deployments found.")


def _read_all(flow_names: list[str] | None, sort: Any = None) -> Iterator[DeploymentResponse]:
    from prefect._contract.endpoints.deployments import read_deployments
    from prefect._contract.filters.flows import FlowFilter, FlowFilterName
    from prefect.cli.asking import pages

    chosen = FlowFilter(name=FlowFilterName(any_=flow_names)) if flow_names else None
    return pages(lambda limit, offset: read_deployments(flow_filter=chosen, sort=sort, limit=limit, offset=offset))


def _schedules_in_short(deployment: DeploymentResponse) -> str:
    if deployment.paused:
        return "paused"
    active = [words_for(each) for each in deployment.schedules if each.active]
    return "\n".join(active)


@command(app, "inspect")
def inspect(
    name: Annotated[str, typer.Argument(help="The names of a flow and of its deployment.")], output: Output = None
) -> None:
    """Show a deployment."""
    from prefect.cli.selecting import find_deployment

    found = find_deployment(name)
    if output:
        print_json(found)
        return
    print_fields({"Name": name, **_fields(found)})


def _fields(found: DeploymentResponse) -> dict[str, Any]:
    from prefect.cli.moments import ago, clock

    limit = found.global_concurrency_limit
    options = found.concurrency_options
    return {
        "ID": found.id,
        "Description": found.description,
        "Status": f"{found.status.value}{', paused' if found.paused else ''}" if found.status is not None else None,
        "Created": f"{clock(found.created)} ({ago(found.created)})" if found.created else None,
        "Updated": f"{clock(found.updated)} ({ago(found.updated)})" if found.updated else None,
        "Version": found.version,
        "Work pool": found.work_pool_name,
        "Work queue": found.work_queue_name,
        "Last polled": ago(found.last_polled),
        "Schedules": "\n".join(f"{words_for(each)}{'' if each.active else ' (paused)'}" for each in found.schedules),
        "Concurrency limit": f"{limit.limit}, {limit.active_slots} taken" if limit is not None else None,
        "If it is reached": options.collision_strategy.value if options is not None else None,
        "Entrypoint": found.entrypoint,
        "Path": found.path,
        "Pull steps": found.pull_steps,
        "Parameters": found.parameters,
        "Job variables": found.job_variables,
        "Tags": ", ".join(found.tags),
        "Labels": found.labels,
    }


@command(app, "pause")
def pause(name: Name = None, deployment_id: Id = None) -> None:
    """Pause all schedules of a deployment: no runs are scheduled until it is resumed."""
    from prefect._contract.endpoints.deployments import pause_deployment
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment

    found = find_deployment(name, deployment_id)
    ask(pause_deployment(found.id))
    say(f"Paused deployment {found.name!r} ({found.id}).")


@command(app, "resume")
def resume(name: Name = None, deployment_id: Id = None) -> None:
    """Let the schedules of a deployment go on."""
    from prefect._contract.endpoints.deployments import resume_deployment
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment

    found = find_deployment(name, deployment_id)
    ask(resume_deployment(found.id))
    say(f"Resumed deployment {found.name!r} ({found.id}).")


@command(app, "delete")
def delete(
    context: typer.Context,
    name: Name = None,
    deployment_id: Id = None,
    all: Annotated[bool, typer.Option("--all/--no-all", help="Delete all deployments.", show_default=False)] = False,
) -> None:
    """Delete a deployment, or all of them. Their runs stay, but for those that are still scheduled."""
    from prefect._contract.endpoints.deployments import delete_deployment
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment

    if not all:
        found = find_deployment(name, deployment_id)
        confirm(context, f"Delete deployment {found.name!r} ({found.id})?")
        ask(delete_deployment(found.id), missing=f"Deployment {found.name!r} was deleted by somebody else.")
        say(f"Deleted deployment {found.name!r} ({found.id}).")
        return
    if name is not None or deployment_id is not None:
        raise CliError(
            "Cannot delete all deployments and a single one: leave out --all, or the deployment.", exit_code=2
        )
    every = list(_read_all(None))
    if not every:
        say("No deployments found.")
        return
    confirm(context, f"Delete all {len(every)} deployment(s)?")
    for each in every:
        ask(delete_deployment(each.id))
    say(f"Deleted {len(every)} deployment(s).")


# -- running ----------------------------------------------------------------------------------------------------------


@command(app, "run")
def run(
    name: Name = None,
    deployment_id: Id = None,
    job_variable: Annotated[
        Optional[list[str]],
        typer.Option(
            "--job-variable",
            "-jv",
            metavar="NAME=VALUE",
            help="A job variable of the run; the value is JSON, or else text. May be repeated.",
        ),
    ] = None,
    param: Annotated[
        Optional[list[str]],
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="A parameter; the value is JSON, or else text. May be repeated."
        ),
    ] = None,
    params: Annotated[
        Optional[str],
        typer.Option(metavar="JSON", help="Parameters as a JSON object; '-' reads it from stdin. --param wins."),
    ] = None,
    start_in: Annotated[
        Optional[str], typer.Option(metavar="TIME", help="Start after so long: '20 minutes', '1h 30m'.")
    ] = None,
    start_at: Annotated[
        Optional[str],
        typer.Option(metavar="MOMENT", help="Start then: '17:30', 'tomorrow at 5pm', '2030-01-01 10:00'."),
    ] = None,
    tag: Annotated[Optional[list[str]], typer.Option(help="A tag of the run; may be repeated.")] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch/--no-watch", help="Follow the run until it ends; exit with 1 if it fails.", show_default=False
        ),
    ] = False,
    watch_interval: Annotated[
        Optional[int], typer.Option(metavar="SECONDS", min=1, help="With --watch: how often to look.")
    ] = None,
    watch_timeout: Annotated[
        Optional[int], typer.Option(metavar="SECONDS", min=1, help="With --watch: give up after so long.")
    ] = None,
    flow_run_name: Annotated[Optional[str], typer.Option(help="The name of the run.")] = None,
) -> None:
    """
    Create a run of a deployment, which a worker picks up.

    It starts at once, or as --start-in or --start-at say.
    """
    from prefect.cli.following import ASK_SECONDS, follow
    from prefect.cli.parameters import parse_pairs
    from prefect.cli.selecting import find_deployment

    if not watch and (watch_interval is not None or watch_timeout is not None):
        raise CliError("--watch-interval and --watch-timeout are of no use without --watch.", exit_code=2)
    deployment = find_deployment(name, deployment_id)
    asked: dict[str, Any] = {
        "name": flow_run_name,
        "parameters": _parameters(deployment, param or [], params),
        "job_variables": parse_pairs(job_variable, "--job-variable") if job_variable else None,
        "tags": tag or [],
    }
    created = _create(deployment, start_in, start_at, **asked)
    if watch:
        raise typer.Exit(follow(created, watch_timeout, watch_interval or ASK_SECONDS))
    say(f"Follow it: prefect flow-run watch {created.id}")


def _parameters(deployment: DeploymentResponse, given: list[str], as_json: str | None) -> dict[str, Any]:
    from prefect.cli.parameters import parse_object, parse_pairs

    known: Mapping[str, Any] | None = (deployment.parameter_openapi_schema or {}).get("properties")
    texts = {name for name, field in (known or {}).items() if field.get("type") == "string"}
    single = parse_pairs(given, "--param", texts)
    parameters = {**(parse_object(as_json, "--params") if as_json is not None else {}), **single}
    unknown = [name for name in parameters if known is not None and name not in known]
    if unknown:
        has = ", ".join(map(repr, known or ())) or "none"
        raise CliError(f"The deployment has no parameter {', '.join(map(repr, unknown))}. It has: {has}.")
    return parameters


def _create(deployment: DeploymentResponse, start_in: str | None, start_at: str | None, **asked: Any) -> FlowRun:
    from prefect._contract.actions.runs import DeploymentFlowRunCreate, StateCreate
    from prefect._contract.endpoints.deployments import create_flow_run_from_deployment
    from prefect._contract.state import StateDetails, StateType
    from prefect.cli.asking import ask
    from prefect.cli.moments import ago, clock
    from prefect.cli.start_times import parse_delay, parse_moment
    from prefect.utilities.time import now

    if start_in is not None and start_at is not None:
        raise CliError("Give only one of --start-in and --start-at.", exit_code=2)
    begins = now()
    if start_in is not None:
        begins += parse_delay(start_in)
    elif start_at is not None:
        begins = parse_moment(start_at)
    state = StateCreate(type=StateType.SCHEDULED, state_details=StateDetails(scheduled_time=begins))
    wanted = DeploymentFlowRunCreate(state=state, **{name: value for name, value in asked.items() if value is not None})
    run = ask(create_flow_run_from_deployment(deployment.id, wanted))
    say(f"Created flow run {run.name!r} of deployment {deployment.name!r}.")
    print_fields(
        {
            "ID": run.id,
            "Parameters": run.parameters,
            "Job variables": run.job_variables,
            "Tags": ", ".join(run.tags),
            "Starts": f"{clock(begins)} ({'now' if begins <= now() else ago(begins)})",
        }
    )
    return run
