"""`prefect concurrency-limit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prefect.cli.groups import AlsoNamed, command, noun
from prefect.cli.output import Limit, Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from prefect._contract.concurrency import ConcurrencyLimit

app = noun("Limit how many task runs with a tag may be running.")

Tag = Annotated[str, typer.Argument(help="A tag of tasks.")]


def _missing(tag: str) -> str:
    return f"No concurrency limit found for the tag: {tag}. See: prefect concurrency-limit ls"


def _read(tag: str) -> ConcurrencyLimit:
    from prefect._contract.endpoints.concurrency_limits import read_concurrency_limit_by_tag
    from prefect.cli.asking import ask

    return ask(read_concurrency_limit_by_tag(tag), missing=_missing(tag))


@command(app, "create")
def create(
    tag: Tag,
    concurrency_limit: Annotated[
        int, typer.Argument(help="How many task runs with that tag may be running.", min=0), AlsoNamed("-cl")
    ],
) -> None:
    """Limit the task runs with a tag; a limit of the same tag is changed."""
    from prefect._contract.actions.settings import ConcurrencyLimitCreate
    from prefect._contract.endpoints.concurrency_limits import create_concurrency_limit
    from prefect.cli.asking import ask

    made = ask(create_concurrency_limit(ConcurrencyLimitCreate(tag=tag, concurrency_limit=concurrency_limit)))
    say(f"At most {made.concurrency_limit} task run(s) with the tag {made.tag!r} may be running now.")
    say(f"See which are:  prefect concurrency-limit inspect {tag}")
    say(f"Undo it:        prefect concurrency-limit delete {tag}")


@command(app, "ls")
def ls(
    limit: Limit = 15,
    offset: Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Skip the first so many.")] = 0,
    output: Output = None,
) -> None:
    """List the limits of tags."""
    from prefect._contract.endpoints.concurrency_limits import read_concurrency_limits
    from prefect.cli.asking import pages
    from prefect.cli.tables import Column, print_table

    found = list(pages(lambda most, at: read_concurrency_limits(most, offset + at), limit))
    if output:
        print_json(found)
        return
    rows = [(each.tag, each.id, each.concurrency_limit, len(each.active_slots)) for each in found]
    columns: list[Column | str] = ["Tag", Column("ID", whole=True), "Limit", "Running task runs"]
    print_table(columns, rows, "No concurrency limits found.")


@command(app, "inspect")
def inspect(tag: Tag, output: Output = None) -> None:
    """Show the limit of a tag, and the task runs that hold its slots."""
    from prefect.cli.moments import clock

    found = _read(tag)
    if output:
        print_json(found)
        return
    print_fields(
        {
            "ID": found.id,
            "Tag": found.tag,
            "Limit": found.concurrency_limit,
            "Created": found.created and clock(found.created),
            "Updated": found.updated and clock(found.updated),
            "Running task runs": "\n".join(map(str, found.active_slots)) or "none",
        }
    )


@command(app, "reset")
def reset(context: typer.Context, tag: Tag) -> None:
    """Free all slots of a tag. Task runs that hold one go on, and are not counted any more."""
    from prefect._contract.endpoints.concurrency_limits import reset_concurrency_limit_by_tag
    from prefect.cli.asking import ask

    held = len(_read(tag).active_slots)
    if held:
        confirm(context, f"Free the {held} slot(s) of the tag {tag!r} that task runs hold?")
    ask(reset_concurrency_limit_by_tag(tag), missing=_missing(tag))
    say(f"Reset the concurrency limit of the tag {tag!r}: {held} slot(s) freed.")


@command(app, "delete")
def delete(context: typer.Context, tag: Tag) -> None:
    """Delete the limit of a tag."""
    from prefect._contract.endpoints.concurrency_limits import delete_concurrency_limit_by_tag
    from prefect.cli.asking import ask

    _read(tag)
    confirm(context, f"Delete the concurrency limit of the tag {tag!r}?")
    ask(delete_concurrency_limit_by_tag(tag), missing=_missing(tag))
    say(f"Deleted the concurrency limit of the tag {tag!r}.")
