"""`prefect server audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from prefect.cli.groups import command, noun
from prefect.cli.output import Limit, Output, print_json

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["app"]

app = noun("Show who has changed what.", aliases={"list": "ls"})


@command(app, "ls")
def ls(
    actor: Annotated[Optional[str], typer.Option(help="Only what somebody of this name has changed.")] = None,
    resource: Annotated[
        Optional[str],
        typer.Option(metavar="PATH", help="Only changes of what is at this path, or below: /deployments."),
    ] = None,
    since: Annotated[
        Optional[str],
        typer.Option(
            metavar="WHEN", help="Only changes from then on: a moment such as 2031-05-06T12:00, or 2h ago as 2h."
        ),
    ] = None,
    limit: Limit = 50,
    output: Output = None,
) -> None:
    """List changes, the latest first."""
    from prefect._contract.endpoints.tokens import read_audit_trail
    from prefect.cli.asking import pages
    from prefect.cli.moments import clock
    from prefect.cli.tables import print_table

    start = _moment(since) if since is not None else None
    found = list(pages(lambda most, offset: read_audit_trail(start, actor, resource, most, offset), limit))
    if output:
        print_json(found)
        return
    rows = [(clock(each.occurred), each.actor, each.action, each.resource, each.address) for each in found]
    print_table(["When", "Who", "What", "Resource", "From"], rows, "No changes found.")


def _moment(text: str) -> datetime:
    """A moment, or how long ago it was."""
    from datetime import datetime

    from prefect.cli.errors import CliError
    from prefect.cli.start_times import parse_delay
    from prefect.utilities.time import now

    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    except (ValueError, OverflowError):  # no moment, or one of a year that no calendar here has
        try:
            return now() - parse_delay(text)
        except (CliError, OverflowError):
            message = f"{text!r} is no moment. Give one such as 2031-05-06T12:00, or how long ago it was, such as 2h."
            raise CliError(message) from None
