"""`prefect deployment schedule`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import AlsoNamed, command, noun
from prefect.cli.output import Output, confirm, print_json, say

if TYPE_CHECKING:
    from prefect._contract.deployments import CatchUp, DeploymentSchedule
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect._contract.schedules import SCHEDULE_TYPES

app = noun("Show and change when runs of a deployment are due.")

DeploymentName = Annotated[
    str, typer.Argument(help="The names of a flow and of its deployment, such as my-flow/my-deployment.")
]
OneOrAll = Annotated[
    Optional[str], typer.Argument(help="The names of a flow and of its deployment."), AlsoNamed("--deployment_name")
]
ScheduleOrAll = Annotated[Optional[UUID], typer.Argument(help="The id of a schedule."), AlsoNamed("--schedule_id")]
Yes = Annotated[bool, typer.Option("--accept-yes/--no-accept-yes", "-y", help="Do not ask.", show_default=False)]


def words_for(schedule: DeploymentSchedule) -> str:
    """When runs are due, in a line."""
    from prefect._contract.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    when = schedule.schedule
    zone = getattr(when, "timezone", None)
    place = f" ({zone})" if zone and zone != "UTC" else ""
    if isinstance(when, IntervalSchedule):
        return f"every {when.interval}{place}"
    if isinstance(when, CronSchedule):
        return f"cron: {when.cron}{place}"
    if isinstance(when, RRuleSchedule):
        return f"rrule: {' '.join(when.rrule.split())}{place}"
    return "never"


@command(app, "ls")
def ls(deployment_name: DeploymentName, output: Output = None) -> None:
    """List the schedules of a deployment."""
    from prefect._contract.endpoints.deployments import read_deployment_schedules
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment
    from prefect.cli.tables import Column, print_table

    found = ask(read_deployment_schedules(find_deployment(deployment_name).id))
    if output:
        print_json(found)
        return
    rows = [(each.id, words_for(each), "yes" if each.active else "no", each.slug or "") for each in found]
    columns: list[Column | str] = [Column("ID", whole=True), "Schedule", "Active", "Slug"]
    print_table(columns, rows, "No schedules found.")


@command(app, "create")
def create(
    context: typer.Context,
    name: DeploymentName,
    interval: Annotated[Optional[float], typer.Option(metavar="SECONDS", help="Due each time so long passed.")] = None,
    anchor_date: Annotated[
        Optional[str], typer.Option(metavar="DATE", help="With --interval: a moment at which it is due.")
    ] = None,
    rrule: Annotated[
        Optional[str], typer.Option(metavar="RRULE", help="Due as a recurrence rule says: FREQ=DAILY;COUNT=3.")
    ] = None,
    cron: Annotated[
        Optional[str], typer.Option(metavar="CRON", help="Due as a cron expression says: 0 9 * * *.")
    ] = None,
    day_or: Annotated[
        bool,
        typer.Option(
            "--day_or/--no-day_or",
            help="With --cron: a day matches by its day of month or its day of week; else both must.",
        ),
    ] = True,
    timezone: Annotated[Optional[str], typer.Option(metavar="NAME", help="The time zone: Europe/Berlin.")] = None,
    active: Annotated[bool, typer.Option("--active/--no-active", help="Whether it begins at once.")] = True,
    catchup: Annotated[
        str,
        typer.Option(metavar="none|latest|all", help="Which of the times that pass while no server looks give runs."),
    ] = "none",
    replace: Annotated[
        bool, typer.Option("--replace/--no-replace", help="Instead of all that there are.", show_default=False)
    ] = False,
    accept_yes: Yes = False,
) -> None:
    """Add a schedule to a deployment."""
    from prefect._contract.actions.deployments import DeploymentScheduleCreate
    from prefect._contract.endpoints.deployments import create_deployment_schedules
    from prefect.cli.asking import ask
    from prefect.cli.selecting import find_deployment

    when = _schedule(interval, anchor_date, rrule, cron, day_or, timezone)
    deployment = find_deployment(name)
    before = deployment.schedules if replace else []
    if before and not accept_yes:
        confirm(context, f"Replace {len(before)} schedule(s) of {name!r}?")
    # Older servers refuse what they do not know, so what is usual is not said.
    unusual = {} if catchup == "none" else {"catchup": _catchup(catchup)}
    wanted = DeploymentScheduleCreate(schedule=when, active=active, **unusual)
    # The new one comes first: what fails then leaves a deployment that is due too often, not one that never is.
    (made,) = ask(create_deployment_schedules(deployment.id, [wanted]))
    _delete_all(deployment, before)
    instead = f" instead of {len(before)} other(s)" if before else ""
    say(f"Created schedule {made.id} of {name!r}{instead}: {words_for(made)}{'' if active else ' (paused)'}.")


def _schedule(
    interval: float | None,
    anchor_date: str | None,
    rrule: str | None,
    cron: str | None,
    day_or: bool,
    timezone: str | None,
) -> SCHEDULE_TYPES:
    from pydantic import ValidationError

    from prefect._contract.schedules import CronSchedule, IntervalSchedule

    if sum(each is not None for each in (interval, rrule, cron)) != 1:
        raise CliError("Exactly one of --interval, --rrule and --cron must be given.", exit_code=2)
    if anchor_date is not None and interval is None:
        raise CliError("--anchor-date goes with --interval only.", exit_code=2)
    if not day_or and cron is None:
        raise CliError("--no-day_or goes with --cron only.", exit_code=2)
    try:
        if interval is not None:
            anchor = {} if anchor_date is None else {"anchor_date": _moment(anchor_date)}
            return IntervalSchedule.model_validate({"interval": interval, "timezone": timezone, **anchor})
        if cron is not None:
            return CronSchedule(cron=cron, timezone=timezone, day_or=day_or)
        return _rule(str(rrule), timezone)
    except ValidationError as error:
        raise CliError(f"The schedule is not valid: {first_reason(error)}.") from None


def _catchup(text: str) -> CatchUp:
    from prefect._contract.deployments import CatchUp

    try:
        return CatchUp(text)
    except ValueError:
        known = ", ".join(each.value for each in CatchUp)
        raise CliError(f"--catchup must be one of {known}, and not {text!r}.", exit_code=2) from None


def _moment(text: str) -> Any:
    from dateutil.parser import ParserError, parse

    try:
        return parse(text)
    except (ParserError, OverflowError):
        raise CliError(
            f"The anchor date {text!r} is not a date. Give one as in 2030-01-01 or 2030-01-01T09:00."
        ) from None


def _rule(text: str, timezone: str | None) -> SCHEDULE_TYPES:
    """A recurrence rule: RFC 5545, or the JSON of a schedule."""
    from prefect._contract.schedules import RRuleSchedule
    from prefect.cli.parameters import parse_object

    fields = parse_object(text, "--rrule") if text.lstrip().startswith("{") else {"rrule": text}
    if timezone is not None:
        fields["timezone"] = timezone
    return RRuleSchedule.model_validate(fields)


@command(app, "delete")
def delete(
    context: typer.Context,
    deployment_name: DeploymentName,
    schedule_id: Annotated[UUID, typer.Argument(help="The id of a schedule.")],
    accept_yes: Yes = False,
) -> None:
    """Delete a schedule of a deployment."""
    from prefect.cli.selecting import find_deployment

    deployment = find_deployment(deployment_name)
    schedule = _of(deployment, schedule_id, deployment_name)
    if not accept_yes:
        confirm(context, f"Delete schedule {schedule_id} of {deployment_name!r} ({words_for(schedule)})?")
    _delete_all(deployment, [schedule])
    say(f"Deleted schedule {schedule_id} of {deployment_name!r}.")


def _of(deployment: DeploymentResponse, schedule_id: UUID, name: str) -> DeploymentSchedule:
    for schedule in deployment.schedules:
        if schedule.id == schedule_id:
            return schedule
    raise CliError(f"Deployment schedule '{schedule_id}' not found! See: prefect deployment schedule ls {name}")


def _delete_all(deployment: DeploymentResponse, schedules: list[DeploymentSchedule]) -> None:
    from prefect._contract.endpoints.deployments import delete_deployment_schedule
    from prefect.cli.asking import ask

    for schedule in schedules:
        ask(delete_deployment_schedule(deployment.id, schedule.id))


@command(app, "clear")
def clear(context: typer.Context, deployment_name: DeploymentName, accept_yes: Yes = False) -> None:
    """Delete all schedules of a deployment."""
    from prefect.cli.selecting import find_deployment

    deployment = find_deployment(deployment_name)
    found = deployment.schedules
    if found and not accept_yes:
        confirm(context, f"Delete all {len(found)} schedule(s) of {deployment_name!r}?")
    _delete_all(deployment, found)
    say(f"Deleted {len(found)} schedule(s) of {deployment_name!r}.")


@command(app, "pause")
def pause(
    context: typer.Context,
    deployment_name: OneOrAll = None,
    schedule_id: ScheduleOrAll = None,
    all: Annotated[
        bool, typer.Option("--all/--no-all", help="Pause all schedules of all deployments.", show_default=False)
    ] = False,
) -> None:
    """Pause a schedule of a deployment, or all schedules of all deployments."""
    _switch(context, deployment_name, schedule_id, all, active=False)


@command(app, "resume")
def resume(
    context: typer.Context,
    deployment_name: OneOrAll = None,
    schedule_id: ScheduleOrAll = None,
    all: Annotated[
        bool, typer.Option("--all/--no-all", help="Resume all schedules of all deployments.", show_default=False)
    ] = False,
) -> None:
    """Resume a schedule of a deployment, or all schedules of all deployments."""
    _switch(context, deployment_name, schedule_id, all, active=True)


def _switch(
    context: typer.Context, deployment_name: str | None, schedule_id: UUID | None, all: bool, active: bool
) -> None:
    from prefect.cli.selecting import find_deployment

    doing = "resume" if active else "pause"
    if all:
        if deployment_name is not None or schedule_id is not None:
            raise CliError(
                f"Cannot {doing} all schedules and a single one: leave out --all, or the schedule.", exit_code=2
            )
        _switch_all(context, active)
        return
    if deployment_name is None or schedule_id is None:
        raise CliError("Give a deployment and the id of one of its schedules, or --all.", exit_code=2)
    deployment = find_deployment(deployment_name)
    schedule = _of(deployment, schedule_id, deployment_name)
    if schedule.active == active:
        raise CliError(f"Schedule {schedule_id} of {deployment_name!r} is already {'active' if active else 'paused'}.")
    _set_active(deployment, schedule, active)
    say(f"{doing.capitalize()}d schedule {schedule_id} of {deployment_name!r}.")


def _switch_all(context: typer.Context, active: bool) -> None:
    from prefect._contract.endpoints.deployments import read_deployments
    from prefect.cli.asking import pages

    deployments = list(pages(lambda limit, offset: read_deployments(limit=limit, offset=offset)))
    found = [(each, schedule) for each in deployments for schedule in each.schedules if schedule.active != active]
    doing, other = ("resume", "paused") if active else ("pause", "active")
    if not found:
        say(f"There are no {other} schedules.")
        return
    confirm(context, f"{doing.capitalize()} all {len(found)} {other} schedule(s)?")
    for deployment, schedule in found:
        _set_active(deployment, schedule, active)
    say(f"{doing.capitalize()}d {len(found)} schedule(s).")


def _set_active(deployment: DeploymentResponse, schedule: DeploymentSchedule, active: bool) -> None:
    from prefect._contract.actions.deployments import DeploymentScheduleUpdate
    from prefect._contract.endpoints.deployments import update_deployment_schedule
    from prefect.cli.asking import ask

    ask(update_deployment_schedule(deployment.id, schedule.id, DeploymentScheduleUpdate(active=active)))
