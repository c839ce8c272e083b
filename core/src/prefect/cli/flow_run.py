"""`prefect flow-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.logs import Head, NumLogs, Reverse, Tail
from prefect.cli.output import Limit, Output, confirm, print_fields, print_json, say, show_state
from prefect.cli.why import add_why

if TYPE_CHECKING:
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.objects import FlowRun

app = noun("Show, cancel, retry and delete runs of flows.")

add_why(app)

Id = Annotated[str, typer.Argument(help="The id of a flow run, the first 8 or more characters of it, or its name.")]


@command(app, "ls")
def ls(
    flow_name: Annotated[Optional[list[str]], typer.Option(help="Only runs of this flow; may be repeated.")] = None,
    limit: Limit = 15,
    state: Annotated[
        Optional[list[str]], typer.Option(help="Only runs in the state of this name; may be repeated.")
    ] = None,
    state_type: Annotated[
        Optional[list[str]], typer.Option(help="Only runs in a state of this type; may be repeated.")
    ] = None,
    output: Output = None,
) -> None:
    """List flow runs, the latest first."""
    from prefect._contract.endpoints.flow_runs import read_flow_runs
    from prefect._contract.sorting import FlowRunSort
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    filters: Any = {"flow_filter": _flows(flow_name), "flow_run_filter": _in_states(state, state_type)}
    latest = FlowRunSort.EXPECTED_START_TIME_DESC
    runs = list(pages(lambda most, offset: read_flow_runs(**filters, sort=latest, limit=most, offset=offset), limit))
    if output:
        print_json(runs)
        return
    flows = flow_names({run.flow_id for run in runs})
    rows = [
        (run.id, flows.get(run.flow_id), run.name, run.state_name, ago(run.start_time or run.expected_start_time))
        for run in runs
    ]
    types = {run.state_name or "": run.state_type for run in runs}
    states = Column("State", colour=lambda line, name: show_state(name, types[name], line))
    print_table([Column("ID", whole=True), "Flow", "Name", states, "When"], rows, "No flow runs found.")


def _flows(names: list[str] | None) -> FlowFilter | None:
    if not names:
        return None
    from prefect._contract.filters.flows import FlowFilter, FlowFilterName

    return FlowFilter(name=FlowFilterName(any_=names))


def _in_states(names: list[str] | None, types: list[str] | None) -> FlowRunFilter | None:
    if not names and not types:
        return None
    from prefect._contract.filters import flow_runs as filters
    from prefect.cli.selecting import state_names, state_types

    by_name = filters.FlowRunFilterStateName(any_=state_names(names)) if names else None
    by_type = filters.FlowRunFilterStateType(any_=state_types(types)) if types else None
    return filters.FlowRunFilter(state=filters.FlowRunFilterState(name=by_name, type=by_type))


def flow_names(ids: set[UUID]) -> dict[UUID, str]:
    """The names of flows by their ids."""
    from prefect._contract.endpoints.flows import read_flows
    from prefect._contract.filters.flows import FlowFilter, FlowFilterId
    from prefect.cli.asking import pages

    chosen = FlowFilter(id=FlowFilterId(any_=list(ids)))
    found = pages(lambda limit, offset: read_flows(flow_filter=chosen, limit=limit, offset=offset)) if ids else ()
    return {flow.id: flow.name for flow in found}


@command(app, "inspect")
def inspect(id: Id, output: Output = None) -> None:
    """Show a flow run."""
    from prefect.cli.selecting import find_flow_run

    run = find_flow_run(id)
    if output:
        print_json(run)
    else:
        print_fields(_fields(run))


def _fields(run: FlowRun) -> dict[str, Any]:
    from prefect.cli.moments import ago, clock, seconds_of
    from prefect.cli.progress import task_counts, words_for

    state = run.state
    started = run.start_time
    return {
        "ID": run.id,
        "Name": run.name,
        "Flow": flow_names({run.flow_id}).get(run.flow_id),
        "State": show_state(run.state_name, run.state_type),
        "Message": state.message if state is not None else None,
        "Created": f"{clock(run.created)} ({ago(run.created)})" if run.created else None,
        "Scheduled for": run.next_scheduled_start_time and clock(run.next_scheduled_start_time),
        "Started": started and f"{clock(started)} ({ago(started)})",
        "Ended": run.end_time and clock(run.end_time),
        "Running for": seconds_of(run.estimated_run_time) if started else None,
        "Attempts": run.run_count,
        "Tasks": words_for(task_counts(run)),
        "Parameters": run.parameters,
        "Tags": ", ".join(run.tags),
        "Labels": run.labels,
        "Flow version": run.flow_version,
        "Deployment": run.deployment_id,
        "Parent task run": run.parent_task_run_id,
    }


@command(app, "logs")
def logs(
    id: Id,
    head: Head = False,
    num_logs: NumLogs = None,
    reverse: Reverse = False,
    tail: Tail = False,
    output: Output = None,
) -> None:
    """Show what a flow run and its tasks have logged."""
    from prefect._contract.filters.logs import LogFilter, LogFilterFlowRunId
    from prefect.cli.logs import Selection, read_selected, write_logs
    from prefect.cli.selecting import find_flow_run
    from prefect.cli.task_run import names_in

    selection = Selection(head, tail, reverse, num_logs)
    run = find_flow_run(id)
    found = list(read_selected(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])), selection))
    tasks = names_in(run.id) if any(log.task_run_id for log in found) and not output else {}
    write_logs(found, {run.id: run.name, **tasks}, output)


@command(app, "delete")
def delete(context: typer.Context, id: Id) -> None:
    """Delete a flow run, with its task runs and logs."""
    from prefect._contract.endpoints.flow_runs import delete_flow_run
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_flow_run

    run = find_flow_run(id)
    confirm(context, f"Delete flow run {run.name!r} ({run.id})?")
    ask(delete_flow_run(run.id), missing=f"Flow run {id!r} not found!")
    say(f"Deleted flow run {run.name!r} ({run.id}).")


@command(app, "cancel")
def cancel(id: Id) -> None:
    """Cancel a flow run: its process stops it within seconds. What has no process is cancelled at once."""
    from prefect.cli.cancellation import cancel_flow_run
    from prefect.cli.selecting import find_flow_run

    say(cancel_flow_run(find_flow_run(id)))


@command(app, "watch")
def watch(
    id: Id,
    timeout: Annotated[Optional[int], typer.Option(metavar="SECONDS", min=1, help="Give up after so long.")] = None,
) -> None:
    """
    Show what a flow run logs and which states it enters, until it ends.

    The exit code is 0 if it completes, and 1 otherwise.
    """
    from prefect.cli.following import follow
    from prefect.cli.selecting import find_flow_run

    raise typer.Exit(follow(find_flow_run(id), timeout))


@command(app, "execute")
def execute(
    id: Annotated[
        Optional[UUID], typer.Argument(help="The flow run; by default the one that PREFECT__FLOW_RUN_ID names.")
    ] = None,
) -> None:
    """
    Execute a flow run that exists, here. This is what workers do.

    The exit code is 0 if it completes, 130 if it is interrupted by Ctrl-C, and 1 otherwise.
    """
    import os

    from prefect.cli.executing import execute_flow_run

    named = os.environ.get("PREFECT__FLOW_RUN_ID")
    if id is None:
        try:
            id = UUID(named or "")
        except ValueError:
            said = "is not set" if named is None else f"is {named!r}, which is no id"
            raise CliError(f"Which flow run? Give its id: PREFECT__FLOW_RUN_ID {said}.") from None
    raise typer.Exit(execute_flow_run(id))


@command(app, "retry")
def retry(
    id_or_name: Annotated[str, typer.Argument(help="The id of a flow run, the beginning of one, or its name.")],
    entrypoint: Annotated[
        Optional[str],
        typer.Option(
            "--entrypoint", "-e", help="Where its flow is, if not where it was: path/to/file.py:flow or module:flow."
        ),
    ] = None,
) -> None:
    """Run a flow run again that has ended, here, with its recorded parameters."""
    from prefect.cli.retrying import retry_flow_run
    from prefect.cli.selecting import find_flow_run

    raise typer.Exit(retry_flow_run(find_flow_run(id_or_name), entrypoint))
