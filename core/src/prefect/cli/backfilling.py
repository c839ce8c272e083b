"""`prefect deployment backfill` and `prefect deployment next`: due times, past and to come."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.output import Output, print_json, say

if TYPE_CHECKING:
    from prefect._contract.deployments import DeploymentSchedule
    from prefect._contract.responses.deployments import DeploymentResponse

__all__ = ["backfill", "upcoming"]

_AT_ONCE = 100

Name = Annotated[str, typer.Argument(help="The names of a flow and of its deployment, such as my-flow/my-deployment.")]
Schedule = Annotated[
    Optional[str],
    typer.Option("--schedule", metavar="ID|SLUG", help="Only this schedule; all active ones by default."),
]


def backfill(
    name: Name,
    start: Annotated[str, typer.Argument(metavar="FROM", help="From when on: 2030-01-01, '2030-01-01 10:00'.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Until when; a due time at this very moment is left out.")],
    schedule: Schedule = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, help="Refuse to create runs for more due times than this.")
    ] = 1000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--no-dry-run", help="Only show what is due.", show_default=False)
    ] = False,
) -> None:
    """
    Create the runs that the schedules of a deployment would have had between two moments.

    Due times that have a run already are passed over, so a backfill that was interrupted goes on when it is asked for
    again. How many of the runs are executed at once is for the deployment's concurrency limit to say.
    """
    from prefect._contract.endpoints.backfills import backfill_deployment
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment
    from prefect.cli.start_times import parse_moment

    since, before = parse_moment(start), parse_moment(end)
    if since >= before:
        raise CliError(f"The span from {since} to {before} is empty: its end must be after its start.", exit_code=2)
    deployment = find_deployment(name)
    chosen = _chosen(deployment, name, schedule)
    due = list(islice(takewhile(lambda date: date < before, _due(chosen, since)), limit + 1))
    if len(due) > limit:
        raise CliError(f"More than {limit} runs are due until {before}. Take a shorter span, or raise --limit.")
    if dry_run:
        say(f"{len(due)} run(s) are due.")
        for date in due:
            say(f"  {date:%Y-%m-%d %H:%M:%S} UTC")
        return
    only = chosen[0].id if schedule is not None else None
    created = existing = 0
    going_on: datetime | None = since if due else None
    while going_on is not None:
        part = ask(backfill_deployment(deployment.id, going_on, before, only, _AT_ONCE))
        created, existing, going_on = created + part.created, existing + part.existing, part.next
        if going_on is not None:
            say(f"  {created + existing} of {len(due)} due times looked at, up to {going_on:%Y-%m-%d %H:%M:%S} UTC.")
    say(f"Created {created} run(s) of {name!r}; {existing} due time(s) had one already.")


def upcoming(
    name: Name,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, max=1000, help="How many.")] = 5,
    schedule: Schedule = None,
    output: Output = None,
) -> None:
    """Show when a deployment is due next, whether or not its runs are there already."""
    from prefect.cli.moments import ago, clock
    from prefect.cli.selecting import find_deployment
    from prefect.cli.tables import print_table
    from prefect.utilities.time import now

    deployment = find_deployment(name)
    dates = list(islice(_due(_chosen(deployment, name, schedule), now()), count))
    if output:
        print_json([{"due": date.isoformat()} for date in dates])
        return
    if deployment.paused:
        say(f"Deployment {name!r} is paused, so it gets no runs. Resume it: prefect deployment resume {name}")
    print_table(["Due", "In"], [(clock(date), ago(date)) for date in dates], "Its schedules are not due any more.")


def _chosen(deployment: DeploymentResponse, name: str, wanted: str | None) -> list[DeploymentSchedule]:
    if wanted is None:
        active = [schedule for schedule in deployment.schedules if schedule.active]
        if not active:
            raise CliError(
                f"Deployment {name!r} has no active schedule. Add one: prefect deployment schedule create {name} --cron ..."
            )
        return active
    named = [each for each in deployment.schedules if wanted in {str(each.id), each.slug}]
    if not named:
        raise CliError(f"Deployment {name!r} has no schedule {wanted!r}. See: prefect deployment schedule ls {name}")
    return named


def _due(schedules: list[DeploymentSchedule], since: datetime) -> Iterator[datetime]:
    from prefect._contract.due_dates import due_dates

    return heapq.merge(*(due_dates(schedule.schedule, since) for schedule in schedules))
