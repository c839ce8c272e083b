"""`prefect task-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.groups import command, noun
from prefect.cli.logs import Head, NumLogs, Reverse, Tail
from prefect.cli.output import Limit, Output, print_fields, print_json, show_state

if TYPE_CHECKING:
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.objects import TaskRun

app = noun("Show runs of tasks.")

Id = Annotated[str, typer.Argument(help="The id of a task run, the first 8 or more characters of it, or its name.")]


@command(app, "ls")
def ls(
    task_run_name: Annotated[Optional[list[str]], typer.Option(help="Only runs of this name; may be repeated.")] = None,
    limit: Limit = 15,
    state: Annotated[
        Optional[list[str]], typer.Option(help="Only runs in the state of this name; may be repeated.")
    ] = None,
    state_type: Annotated[
        Optional[list[str]], typer.Option(help="Only runs in a state of this type; may be repeated.")
    ] = None,
    flow_run: Annotated[
        Optional[str], typer.Option(help="Only runs in this flow run: an id, the beginning of one, or a name.")
    ] = None,
    output: Output = None,
) -> None:
    """List task runs, the latest first."""
    from prefect._contract.endpoints.task_runs import read_task_runs
    from prefect._contract.sorting import TaskRunSort
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    chosen = _selected(task_run_name, state, state_type, flow_run)
    latest = TaskRunSort.EXPECTED_START_TIME_DESC
    runs = list(
        pages(lambda most, at: read_task_runs(task_run_filter=chosen, sort=latest, limit=most, offset=at), limit)
    )
    if output:
        print_json(runs)
        return
    rows = [
        (run.id, _task_name(run), run.name, run.state_name, ago(run.start_time or run.expected_start_time))
        for run in runs
    ]
    types = {run.state_name or "": run.state_type for run in runs}
    states = Column("State", colour=lambda line, name: show_state(name, types[name], line))
    print_table([Column("ID", whole=True), "Task", "Name", states, "When"], rows, "No task runs found.")


def _task_name(run: TaskRun) -> str:
    """The name of the function, without what its key is made unique with."""
    return run.task_key.rpartition("-")[0] or run.task_key


def _selected(
    names: list[str] | None, states: list[str] | None, types: list[str] | None, flow_run: str | None
) -> TaskRunFilter:
    from prefect._contract.filters import task_runs as filters
    from prefect.cli.selecting import find_flow_run, state_names, state_types

    chosen = filters.TaskRunFilter()
    if names:
        chosen.name = filters.TaskRunFilterName(any_=names)
    if states or types:
        chosen.state = filters.TaskRunFilterState(
            name=filters.TaskRunFilterStateName(any_=state_names(states)) if states else None,
            type=filters.TaskRunFilterStateType(any_=state_types(types)) if types else None,
        )
    if flow_run is not None:
        chosen.flow_run_id = filters.TaskRunFilterFlowRunId(any_=[find_flow_run(flow_run).id])
    return chosen


def names_in(flow_run_id: UUID) -> dict[UUID, str]:
    """The names of the task runs of a flow run, by their ids."""
    from prefect._contract.endpoints.task_runs import read_task_runs
    from prefect._contract.filters.task_runs import TaskRunFilter, TaskRunFilterFlowRunId
    from prefect.cli.asking import pages

    inside = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[flow_run_id]))
    found = pages(lambda limit, offset: read_task_runs(task_run_filter=inside, limit=limit, offset=offset))
    return {run.id: run.name for run in found}


@command(app, "inspect")
def inspect(id: Id, output: Output = None) -> None:
    """Show a task run."""
    from prefect.cli.selecting import find_task_run

    run = find_task_run(id)
    if output:
        print_json(run)
    else:
        print_fields(_fields(run))


def _fields(run: TaskRun) -> dict[str, Any]:
    from prefect.cli.moments import ago, clock, seconds_of

    state = run.state
    started = run.start_time
    return {
        "ID": run.id,
        "Name": run.name,
        "Task": run.task_key,
        "Flow run": run.flow_run_id,
        "State": show_state(run.state_name, run.state_type),
        "Message": state.message if state is not None else None,
        "Started": started and f"{clock(started)} ({ago(started)})",
        "Ended": run.end_time and clock(run.end_time),
        "Running for": seconds_of(run.estimated_run_time) if started else None,
        "Attempts": run.run_count,
        "Inputs": {
            name: [each.model_dump(mode="json") for each in found] for name, found in run.task_inputs.items() if found
        },
        "Tags": ", ".join(run.tags),
        "Cache key": run.cache_key,
    }


@command(app, "logs")
def logs(
    id: Id,
    head: Head = False,
    num_logs: NumLogs = 20,
    reverse: Reverse = False,
    tail: Tail = False,
    output: Output = None,
) -> None:
    """Show what a task run has logged."""
    from prefect._contract.filters.logs import LogFilter, LogFilterTaskRunId
    from prefect.cli.logs import Selection, read_selected, write_logs
    from prefect.cli.selecting import find_task_run

    selection = Selection(head, tail, reverse, num_logs)
    run = find_task_run(id)
    found = read_selected(LogFilter(task_run_id=LogFilterTaskRunId(any_=[run.id])), selection)
    write_logs(found, {run.id: run.name}, output)
