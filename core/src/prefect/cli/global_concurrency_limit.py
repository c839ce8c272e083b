"""`prefect global-concurrency-limit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, print_fields, print_json, say, write_json

if TYPE_CHECKING:
    from prefect._contract.responses.concurrency import GlobalConcurrencyLimitResponse

app = noun("Limit how much of something may happen at once, by name.")

Name = Annotated[str, typer.Argument(help="The name of a limit.")]
Active = Annotated[
    Optional[int], typer.Option("--active-slots", metavar="N", min=0, help="How many slots are taken to begin with.")
]
Decay = Annotated[
    Optional[float],
    typer.Option("--slot-decay-per-second", metavar="RATE", min=0, help="How many slots become free per second."),
]


def _missing(name: str) -> str:
    return f"Global concurrency limit {name!r} not found. See: prefect global-concurrency-limit ls"


def _read(name: str) -> GlobalConcurrencyLimitResponse:
    from prefect._contract.endpoints.global_concurrency_limits import read_global_concurrency_limit
    from prefect.cli.asking import ask

    return ask(read_global_concurrency_limit(name), missing=_missing(name))


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List the limits by name, those of tags and deployments included."""
    from prefect._contract.endpoints.global_concurrency_limits import read_global_concurrency_limits
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    found = list(pages(read_global_concurrency_limits))
    if output:
        print_json(found)
        return
    rows = [
        (
            each.id,
            each.name,
            "yes" if each.active else "no",
            each.limit,
            each.active_slots,
            f"{each.slot_decay_per_second:g}",
            ago(each.updated),
        )
        for each in found
    ]
    columns: list[Column | str] = [
        Column("ID", whole=True),
        "Name",
        "Active",
        "Limit",
        "Taken",
        "Decay per second",
        "Updated",
    ]
    print_table(columns, rows, "No global concurrency limits found.")


@command(app, "inspect")
def inspect(
    name: Name,
    output: Output = None,
    file_path: Annotated[
        Optional[Path], typer.Option("--file", "-f", help="Write the JSON to this file. Needs --output json.")
    ] = None,
) -> None:
    """Show a limit, and how many of its slots are taken."""
    from prefect.cli.moments import clock

    if file_path is not None and not output:
        raise CliError("--file needs --output json: prefect global-concurrency-limit inspect NAME -o json -f FILE")
    found = _read(name)
    if file_path is not None:
        write_json(found, file_path)
        say(f"Wrote the global concurrency limit {name!r} to {file_path}.")
        return
    if output:
        print_json(found)
        return
    print_fields(
        {
            "ID": found.id,
            "Name": found.name,
            "Active": "yes" if found.active else "no",
            "Limit": found.limit,
            "Taken": found.active_slots,
            "Decay per second": f"{found.slot_decay_per_second:g}",
            "Created": found.created and clock(found.created),
            "Updated": found.updated and clock(found.updated),
        }
    )


@command(app, "create")
def create(
    name: Name,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", min=0, help="How many slots there are.")],
    disable: Annotated[
        Optional[bool], typer.Option("--disable/--no-disable", help="Limit nothing yet.", show_default=False)
    ] = None,
    active_slots: Active = 0,
    slot_decay_per_second: Decay = 0.0,
) -> None:
    """Create a limit."""
    from pydantic import ValidationError

    from prefect._contract.actions.settings import ConcurrencyLimitV2Create
    from prefect._contract.endpoints.global_concurrency_limits import create_global_concurrency_limit
    from prefect.cli.asking import ask
    from prefect.exceptions import ObjectAlreadyExists

    try:
        wanted = ConcurrencyLimitV2Create(
            name=name,
            limit=limit,
            active=not disable,
            active_slots=active_slots or 0,
            slot_decay_per_second=slot_decay_per_second or 0.0,
        )
    except ValidationError as error:
        raise CliError(f"Global concurrency limit {name!r} cannot be created: {first_reason(error)}.") from None
    try:
        made = ask(create_global_concurrency_limit(wanted))
    except ObjectAlreadyExists:
        remedy = f"prefect global-concurrency-limit update {name} --limit {limit}"
        raise CliError(f"Global concurrency limit {name!r} already exists. Change it: {remedy}") from None
    say(f"Created global concurrency limit {made.name!r} ({made.id}).")


@command(app, "update")
def update(
    name: Name,
    enable: Annotated[
        Optional[bool], typer.Option("--enable/--no-enable", help="Limit from now on.", show_default=False)
    ] = None,
    disable: Annotated[
        Optional[bool], typer.Option("--disable/--no-disable", help="Limit nothing for now.", show_default=False)
    ] = None,
    limit: Annotated[
        Optional[int], typer.Option("--limit", "-l", metavar="N", min=0, help="How many slots there are.")
    ] = None,
    active_slots: Annotated[
        Optional[int], typer.Option("--active-slots", metavar="N", min=0, help="How many slots are taken.")
    ] = None,
    slot_decay_per_second: Decay = None,
) -> None:
    """Change a limit."""
    if enable is not None and disable is not None and enable == disable:
        raise CliError("Cannot enable and disable a global concurrency limit at the same time: give one of them.")
    changes: dict[str, Any] = {
        "active": enable if enable is not None else None if disable is None else not disable,
        "limit": limit,
        "active_slots": active_slots,
        "slot_decay_per_second": slot_decay_per_second,
    }
    given = {field: value for field, value in changes.items() if value is not None}
    if not given:
        raise CliError(
            "Nothing to change: give --limit, --active-slots, --slot-decay-per-second, --enable or --disable."
        )
    _change(name, **given)
    say(f"Updated global concurrency limit {name!r}.")


def _change(name: str, **changes: Any) -> None:
    from prefect._contract.actions.settings import ConcurrencyLimitV2Update
    from prefect._contract.endpoints.global_concurrency_limits import update_global_concurrency_limit
    from prefect.cli.asking import ask

    ask(update_global_concurrency_limit(name, ConcurrencyLimitV2Update(**changes)), missing=_missing(name))


@command(app, "enable")
def enable(name: Name) -> None:
    """Limit from now on."""
    _switch(name, True, "enabled")


@command(app, "disable")
def disable(name: Name) -> None:
    """Limit nothing, until the limit is enabled again."""
    _switch(name, False, "disabled")


def _switch(name: str, active: bool, word: str) -> None:
    if _read(name).active == active:
        raise CliError(f"Global concurrency limit {name!r} is already {word}.")
    _change(name, active=active)
    say(f"{word.capitalize()} global concurrency limit {name!r}.")


@command(app, "delete")
def delete(context: typer.Context, name: Name) -> None:
    """Delete a limit."""
    from prefect._contract.endpoints.global_concurrency_limits import delete_global_concurrency_limit
    from prefect.cli.asking import ask

    _read(name)
    confirm(context, f"Delete global concurrency limit {name!r}?")
    ask(delete_global_concurrency_limit(name), missing=_missing(name))
    say(f"Deleted global concurrency limit {name!r}.")
