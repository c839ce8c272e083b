"""`prefect work-pool`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import AlsoNamed, command, noun
from prefect.cli.output import Output, confirm, is_interactive, print_fields, print_json, say, write_json
from prefect.cli.queueing import Hours
from prefect.cli.work_pool_storage import app as storage_app

if TYPE_CHECKING:
    from prefect._contract.responses.work_pools import WorkPoolResponse

app = noun("Create and change work pools: where runs of deployments wait for a worker.")
app.add_typer(storage_app, name="storage")

Name = Annotated[str, typer.Argument(help="The name of a work pool.")]
Template = Annotated[
    Optional[Path],
    typer.Option("--base-job-template", metavar="FILE", help="The job template, as JSON; that of the type without."),
]
LimitOption = Annotated[
    Optional[int],
    typer.Option(
        "--concurrency-limit", "-cl", metavar="N", min=0, help="How many of its runs may be under way at once."
    ),
]


def _missing(name: str) -> str:
    return f"Work pool {name!r} not found! See: prefect work-pool ls"


def _read(name: str) -> WorkPoolResponse:
    from prefect._contract.endpoints.work_pools import read_work_pool
    from prefect.cli.asking import ask

    return ask(read_work_pool(name), missing=_missing(name))


@command(app, "create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call the work pool.")],
    base_job_template: Template = None,
    paused: Annotated[
        bool, typer.Option("--paused/--no-paused", help="Make it paused: no run begins.", show_default=False)
    ] = False,
    type: Annotated[
        Optional[str], typer.Option("--type", "-t", metavar="TYPE", help="Which workers serve it, such as process.")
    ] = None,
    set_as_default: Annotated[
        bool,
        typer.Option(
            "--set-as-default/--no-set-as-default",
            help="Let deployments of this profile use it, unless they name another.",
            show_default=False,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite/--no-overwrite", help="Change the work pool if there is one.", show_default=False),
    ] = False,
) -> None:
    """Create a work pool."""
    from pydantic import ValidationError

    from prefect._contract.actions.settings import WorkPoolCreate
    from prefect.cli.templates import default_template, read_template

    there = _find(name)
    if there is not None and not overwrite:
        raise CliError(f"Work pool {name!r} already exists. Use --overwrite to change it.")
    kind = type or (there.type if there is not None else None) or _asked_type(context)
    if there is not None and kind != there.type:
        raise CliError(f"Work pool {name!r} is of type {there.type!r}, which stays. Delete it first to make another.")
    template = read_template(base_job_template) if base_job_template is not None else default_template(kind)
    try:
        wanted = WorkPoolCreate(name=name, type=kind, base_job_template=template, is_paused=paused)
    except ValidationError as error:
        raise CliError(f"Work pool {name!r} cannot be created: {first_reason(error)}.") from None
    pool = _put(wanted, there is not None)
    say(f"{'Changed' if there is not None else 'Created'} work pool {pool.name!r}, of type {pool.type!r} ({pool.id}).")
    if not pool.is_paused:
        say(f"Start a worker for it: prefect worker start --pool {pool.name}")
    if set_as_default:
        _set_as_default(pool.name)


def _find(name: str) -> WorkPoolResponse | None:
    from prefect._contract.endpoints.work_pools import read_work_pool
    from prefect.cli.asking import ask
    from prefect.exceptions import ObjectNotFound

    try:
        return ask(read_work_pool(name))
    except ObjectNotFound:
        return None


def _asked_type(context: typer.Context) -> str:
    from prefect.plugins import registries

    known = registries.workers.names()
    if not is_interactive(context):
        raise CliError(f"Say of which type the work pool is: --type {known[0]}. Installed: {', '.join(known)}.")
    answer: str = typer.prompt(f"Which type ({', '.join(known)})?", default=known[0])
    return answer


def _put(wanted: Any, is_there: bool) -> WorkPoolResponse:
    from prefect._contract.actions.settings import WorkPoolUpdate
    from prefect._contract.endpoints.work_pools import create_work_pool, update_work_pool
    from prefect.cli.asking import ask

    if not is_there:
        return ask(create_work_pool(wanted))
    changes = WorkPoolUpdate(base_job_template=wanted.base_job_template, is_paused=wanted.is_paused)
    ask(update_work_pool(wanted.name, changes))
    return _read(wanted.name)


def _set_as_default(name: str) -> None:
    from prefect.settings.legacy import find_setting
    from prefect.settings.profiles import update_current_profile

    setting = find_setting("PREFECT_DEFAULT_WORK_POOL_NAME")
    profile = update_current_profile({setting: name})
    say(f"Deployments of profile {profile.name!r} use it, unless they name another ({setting.name}).")


@command(app, "ls")
def ls(
    verbose: Annotated[
        bool, typer.Option("--verbose/--no-verbose", "-v", help="Show more of each.", show_default=False)
    ] = False,
    output: Output = None,
) -> None:
    """List work pools by name."""
    from prefect._contract.endpoints.work_pools import read_work_pools
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.queueing import limit_in_words
    from prefect.cli.tables import Column, print_table

    found = list(pages(read_work_pools))
    if output:
        print_json(found)
        return
    columns: list[Column | str] = ["Name", "Type", "Status", Column("ID", whole=True), "Concurrency limit"]
    rows: list[list[object]] = [[p.name, p.type, _status(p), p.id, limit_in_words(p.concurrency_limit)] for p in found]
    if verbose:
        columns += ["Slots taken", "Description", "Created"]
        for row, pool in zip(rows, found, strict=True):
            row += [pool.active_slots, pool.description, ago(pool.created)]
    print_table(columns, rows, "No work pools found. Create one: prefect work-pool create NAME --type process")


def _status(pool: WorkPoolResponse) -> str | None:
    return pool.status.display_name if pool.status is not None else None


@command(app, "inspect")
def inspect(name: Name, output: Output = None) -> None:
    """Show a work pool, with its job template and its workers."""
    from prefect._contract.endpoints.work_pools import read_workers_for_work_pool
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago, clock
    from prefect.cli.queueing import limit_in_words

    pool = _read(name)
    if output:
        print_json(pool)
        return
    workers = pages(lambda most, offset: read_workers_for_work_pool(name, offset=offset, limit=most))
    heard = [f"{w.name}: {w.status.value.lower()}, heard of {ago(w.last_heartbeat_time)}" for w in workers]
    print_fields(
        {
            "ID": pool.id,
            "Name": pool.name,
            "Type": pool.type,
            "Description": pool.description,
            "Status": _status(pool),
            "Concurrency limit": limit_in_words(pool.concurrency_limit),
            "Slots taken": pool.active_slots,
            "Created": pool.created and clock(pool.created),
            "Updated": pool.updated and clock(pool.updated),
            "Workers": "\n".join(heard),
            "Job template": pool.base_job_template,
        }
    )


def _change(name: str, **changes: Any) -> None:
    from prefect._contract.actions.settings import WorkPoolUpdate
    from prefect._contract.endpoints.work_pools import update_work_pool
    from prefect.cli.asking import ask

    ask(update_work_pool(name, WorkPoolUpdate(**changes)), missing=_missing(name))


@command(app, "pause")
def pause(name: Name) -> None:
    """Pause a work pool: its runs wait until it is resumed."""
    _change(name, is_paused=True)
    say(f"Paused work pool {name!r}.")


@command(app, "resume")
def resume(name: Name) -> None:
    """Resume a work pool: its runs may begin again."""
    _change(name, is_paused=False)
    say(f"Resumed work pool {name!r}.")


@command(app, "update")
def update(
    name: Name,
    base_job_template: Template = None,
    concurrency_limit: LimitOption = None,
    description: Annotated[Optional[str], typer.Option(help="What it is for.")] = None,
) -> None:
    """Change a work pool: what is given, and nothing else."""
    from prefect.cli.templates import read_template

    changes: dict[str, Any] = {}
    if base_job_template is not None:
        changes["base_job_template"] = read_template(base_job_template)
    if concurrency_limit is not None:
        changes["concurrency_limit"] = concurrency_limit
    if description is not None:
        changes["description"] = description
    if not changes:
        raise CliError("Nothing to change: give --base-job-template, --concurrency-limit or --description.")
    _change(name, **changes)
    say(f"Updated work pool {name!r}.")


@command(app, "delete")
def delete(context: typer.Context, name: Name) -> None:
    """Delete a work pool, with its queues. The runs and deployments that waited there stay."""
    from prefect._contract.endpoints.work_pools import delete_work_pool
    from prefect.cli.asking import ask

    _read(name)
    confirm(context, f"Delete work pool {name!r}?")
    ask(delete_work_pool(name), missing=_missing(name))
    say(f"Deleted work pool {name!r}.")


@command(app, "set-concurrency-limit")
def set_concurrency_limit(
    name: Name,
    concurrency_limit: Annotated[
        int, typer.Argument(help="How many of its runs may be under way at once.", min=0), AlsoNamed("-cl")
    ],
) -> None:
    """Limit how many runs of a work pool may be under way at once."""
    _change(name, concurrency_limit=concurrency_limit)
    say(f"At most {concurrency_limit} run(s) of work pool {name!r} may be under way now.")


@command(app, "clear-concurrency-limit")
def clear_concurrency_limit(name: Name) -> None:
    """Let any number of a work pool's runs be under way at once."""
    _change(name, concurrency_limit=None)
    say(f"Any number of runs of work pool {name!r} may be under way now.")


@command(app, "slots")
def slots(name: Name, output: Output = None) -> None:
    """Show which runs are under way, and so take the slots of a work pool."""
    from prefect._contract.endpoints.work_pools import read_work_pool_concurrency_status
    from prefect.cli.asking import ask
    from prefect.cli.queueing import print_slots

    status = ask(read_work_pool_concurrency_status(name), missing=_missing(name))
    if output:
        print_json(status)
        return
    holders = [(queue.queue_name, run) for queue in status.queues for run in queue.flow_runs]
    print_slots(f"Work pool {name!r}", status.active_slots, status.concurrency_limit, holders)


@command(app, "preview")
def preview(
    name: Annotated[Optional[str], typer.Argument(help="The name of a work pool; all without.")] = None,
    hours: Hours = None,
    output: Output = None,
) -> None:
    """Show the runs that are to begin next."""
    from prefect.cli.queueing import print_preview, scheduled_runs

    if name is not None:
        _read(name)
    print_preview(scheduled_runs(hours, name), output)


@command(app, "get-default-base-job-template")
def get_default_base_job_template(
    type: Annotated[
        str, typer.Option("--type", "-t", metavar="TYPE", help="A type of work pools whose worker is installed.")
    ],
    file: Annotated[
        Optional[Path], typer.Option("--file", "-f", metavar="FILE", help="Write it there, and not to stdout.")
    ] = None,
) -> None:
    """Show the job template that work pools of a type have by default."""
    from prefect.cli.templates import default_template

    template = default_template(type)
    if file is None:
        print_json(template)
        return
    write_json(template, file)
    say(f"Wrote the job template of type {type!r} to {file}.")
