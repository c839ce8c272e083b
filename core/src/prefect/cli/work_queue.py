"""`prefect work-queue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, print_fields, print_json, say
from prefect.cli.queueing import Hours

if TYPE_CHECKING:
    from prefect._contract.responses.work_pools import WorkQueueResponse

app = noun("Create and change the queues of work pools.")

Name = Annotated[str, typer.Argument(help="The name of a queue, or its id.")]
Pool = Annotated[
    Optional[str], typer.Option("--pool", "-p", metavar="NAME", help="Its work pool; `default-agent-pool` without.")
]


def _place(name: str, pool: str | None) -> str:
    return f"work queue {name!r}" + (f" of work pool {pool!r}" if pool is not None else "")


def _missing(name: str, pool: str | None) -> str:
    if pool is not None:
        return f"Work queue {name!r} not found in work pool {pool!r}. See: prefect work-queue ls --pool {pool}"
    return (
        f"Work queue {name!r} not found in `default-agent-pool`. Name its work pool: --pool. See: prefect work-queue ls"
    )


def _read(name: str, pool: str | None) -> WorkQueueResponse:
    from prefect._contract.endpoints import work_queues
    from prefect.cli.asking import ask

    try:
        call = work_queues.read_work_queue(UUID(name))
    except ValueError:
        by_name = work_queues.read_work_queue_by_name
        call = by_name(name) if pool is None else work_queues.read_work_pool_queue(pool, name)
    return ask(call, missing=_missing(name, pool))


@command(app, "create")
def create(
    name: Annotated[str, typer.Argument(help="What to call the queue.")],
    limit: Annotated[
        Optional[int],
        typer.Option("--limit", "-l", metavar="N", min=0, help="How many of its runs may be under way at once."),
    ] = None,
    pool: Pool = None,
    priority: Annotated[
        Optional[int],
        typer.Option("--priority", "-q", metavar="N", min=1, help="Its place among the queues: 1 goes first."),
    ] = None,
) -> None:
    """Create a queue of a work pool."""
    from pydantic import ValidationError

    from prefect._contract.actions.settings import WorkQueueCreate
    from prefect._contract.endpoints.work_queues import create_work_pool_queue, create_work_queue
    from prefect.cli.asking import ask
    from prefect.exceptions import ObjectAlreadyExists

    given = {"concurrency_limit": limit, "priority": priority}
    try:
        wanted = WorkQueueCreate(name=name, **{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise CliError(f"Work queue {name!r} cannot be created: {first_reason(error)}.") from None
    call = create_work_queue(wanted) if pool is None else create_work_pool_queue(pool, wanted)
    try:
        made = ask(call, missing=f"Work pool {pool!r} not found! See: prefect work-pool ls")
    except ObjectAlreadyExists:
        place = _place(name, pool)
        raise CliError(f"{place[0].upper()}{place[1:]} already exists.") from None
    say(f"Created {_place(made.name, made.work_pool_name)} ({made.id}).")
    _show(made)
    say(f"Start a worker for it: prefect worker start --pool {made.work_pool_name} --work-queue {made.name}")


def _show(queue: WorkQueueResponse, **further: Any) -> None:
    from prefect.cli.moments import ago, clock
    from prefect.cli.queueing import limit_in_words

    print_fields(
        {
            "ID": queue.id,
            "Name": queue.name,
            "Work pool": queue.work_pool_name,
            "Description": queue.description,
            "Status": queue.status and queue.status.value.replace("_", " ").capitalize(),
            "Priority": queue.priority,
            "Concurrency limit": limit_in_words(queue.concurrency_limit),
            "Slots taken": queue.active_slots,
            "Created": queue.created and clock(queue.created),
            "Last polled": ago(queue.last_polled) or "never",
            **further,
        }
    )


@command(app, "ls")
def ls(
    verbose: Annotated[
        bool, typer.Option("--verbose/--no-verbose", "-v", help="Show more of each.", show_default=False)
    ] = False,
    match: Annotated[
        Optional[str], typer.Option("--match", "-m", metavar="TEXT", help="Only those whose names begin so.")
    ] = None,
    pool: Annotated[
        Optional[str], typer.Option("--pool", "-p", metavar="NAME", help="Only those of this work pool.")
    ] = None,
    output: Output = None,
) -> None:
    """List the queues of work pools."""
    from prefect.cli.moments import ago
    from prefect.cli.queueing import limit_in_words
    from prefect.cli.tables import Column, print_table

    found = _find(match, pool)
    if output:
        print_json(found)
        return
    columns: list[Column | str] = ["Name", "Work pool", "Status", "Priority", "Concurrency limit"]
    rows: list[list[Any]] = [
        [q.name, q.work_pool_name, q.status and q.status.value, q.priority, limit_in_words(q.concurrency_limit)]
        for q in found
    ]
    if verbose:
        columns += [Column("ID", whole=True), "Slots taken", "Description", "Last polled"]
        for row, queue in zip(rows, found, strict=True):
            row += [queue.id, queue.active_slots, queue.description, ago(queue.last_polled) or "never"]
    print_table(columns, rows, "No work queues found.")


def _find(match: str | None, pool: str | None) -> list[WorkQueueResponse]:
    from prefect._contract.endpoints.work_queues import read_work_pool_queues, read_work_queues
    from prefect._contract.filters.work_pools import WorkQueueFilter, WorkQueueFilterName
    from prefect.cli.asking import pages
    from prefect.exceptions import ObjectNotFound

    chosen = WorkQueueFilter(name=WorkQueueFilterName(startswith_=[match])) if match else None
    try:
        return list(
            pages(
                lambda most, offset: (
                    read_work_queues(chosen, most, offset)
                    if pool is None
                    else read_work_pool_queues(pool, chosen, most, offset)
                )
            )
        )
    except ObjectNotFound:
        raise CliError(f"Work pool {pool!r} not found! See: prefect work-pool ls") from None


@command(app, "inspect")
def inspect(name: Name, pool: Pool = None, output: Output = None) -> None:
    """Show a queue, and whether it is healthy: polled lately, and no run late."""
    from prefect._contract.endpoints.work_queues import read_work_queue_status
    from prefect.cli.asking import ask

    queue = _read(name, pool)
    status = ask(read_work_queue_status(queue.id))
    if output:
        print_json({**queue.model_dump(mode="json"), "status_details": status.model_dump(mode="json")})
        return
    _show(queue, Healthy="yes" if status.healthy else "no", **{"Late runs": status.late_runs_count})


def _change(name: str, pool: str | None, **changes: Any) -> None:
    from prefect._contract.actions.settings import WorkQueueUpdate
    from prefect._contract.endpoints.work_queues import update_work_queue
    from prefect.cli.asking import ask

    ask(update_work_queue(_read(name, pool).id, WorkQueueUpdate(**changes)), missing=_missing(name, pool))


@command(app, "pause")
def pause(name: Name, pool: Pool = None) -> None:
    """Pause a queue: its runs wait until it is resumed."""
    _change(name, pool, is_paused=True)
    say(f"Paused {_place(name, pool)}.")


@command(app, "resume")
def resume(name: Name, pool: Pool = None) -> None:
    """Resume a queue: its runs may begin again."""
    _change(name, pool, is_paused=False)
    say(f"Resumed {_place(name, pool)}.")


@command(app, "set-concurrency-limit")
def set_concurrency_limit(
    name: Name,
    limit: Annotated[int, typer.Argument(help="How many of its runs may be under way at once.", min=0)],
    pool: Pool = None,
) -> None:
    """Limit how many runs of a queue may be under way at once."""
    _change(name, pool, concurrency_limit=limit)
    say(f"At most {limit} run(s) of {_place(name, pool)} may be under way now.")


@command(app, "clear-concurrency-limit")
def clear_concurrency_limit(name: Name, pool: Pool = None) -> None:
    """Let any number of a queue's runs be under way at once."""
    _change(name, pool, concurrency_limit=None)
    say(f"Any number of runs of {_place(name, pool)} may be under way now.")


@command(app, "slots")
def slots(name: Name, pool: Pool = None, output: Output = None) -> None:
    """Show which runs are under way, and so take the slots of a queue."""
    from prefect._contract.endpoints.work_queues import read_work_queue_concurrency_status
    from prefect.cli.asking import ask
    from prefect.cli.queueing import print_slots

    status = ask(read_work_queue_concurrency_status(_read(name, pool).id))
    if output:
        print_json(status)
        return
    holders = [(name, run) for run in status.flow_runs]
    title = _place(name, pool)
    print_slots(f"{title[0].upper()}{title[1:]}", status.active_slots, status.concurrency_limit, holders)


@command(app, "preview")
def preview(name: Name, hours: Hours = None, pool: Pool = None, output: Output = None) -> None:
    """Show the runs that are to begin next."""
    from prefect.cli.queueing import print_preview, scheduled_runs

    queue = _read(name, pool)
    print_preview(scheduled_runs(hours, queue.work_pool_name, queue.name), output)


@command(app, "read-runs")
def read_runs(name: Name, pool: Pool = None) -> None:
    """Show the runs that a worker would be given now. To ask this way counts as polling."""
    from prefect._contract.endpoints.work_queues import get_runs_in_work_queue
    from prefect.cli.asking import ask
    from prefect.cli.queueing import print_preview
    from prefect.utilities.time import now

    runs = ask(get_runs_in_work_queue(_read(name, pool).id, scheduled_before=now()))
    say(f"{len(runs)} runs of {_place(name, pool)} are due.")
    if runs:
        print_preview(runs, None)


@command(app, "delete")
def delete(context: typer.Context, name: Name, pool: Pool = None) -> None:
    """Delete a queue. The runs and deployments that waited there stay."""
    from prefect._contract.endpoints.work_queues import delete_work_queue
    from prefect.cli.asking import ask

    queue = _read(name, pool)
    confirm(context, f"Delete {_place(name, pool)}?")
    ask(delete_work_queue(queue.id), missing=_missing(name, pool))
    say(f"Deleted {_place(name, pool)}.")
