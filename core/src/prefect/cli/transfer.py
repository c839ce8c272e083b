"""`prefect transfer`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command
from prefect.cli.output import confirm, say

if TYPE_CHECKING:
    from prefect.client.base import Transport

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_ADDRESS = ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
"""What says which orchestrator a profile means. What a profile leaves out is not that of the active one."""

_QUIET = frozenset({"block-schema"})


@command(app, "transfer")
def transfer(
    context: typer.Context,
    from_profile: Annotated[str, typer.Option("--from", metavar="PROFILE", help="The profile of the source.")],
    to_profile: Annotated[str, typer.Option("--to", metavar="PROFILE", help="The profile of the target.")],
) -> None:
    """
    Copy variables, limits, blocks, work pools, deployments and automations from one orchestrator to another.

    What the target has already, by name, is left as it is. Runs, logs, events and artifacts stay where they are. The exit
    code is 1 if something could not be copied.
    """
    from prefect.cli.tables import print_table
    from prefect.cli.transferring import carry, collect

    source, target = _transport(from_profile), _transport(to_profile)
    if source.spool_name == target.spool_name:
        raise CliError(f"The profiles {from_profile!r} and {to_profile!r} mean the same orchestrator: {source.url}")
    records = collect(source)
    shown = [record for record in records if record.kind not in _QUIET]
    if not records:
        say(f"There is nothing to transfer at {source.url}.")
        return
    confirm(context, f"Copy {len(shown)} records from {source.url} to {target.url}?")
    about = {
        "source_profile": from_profile,
        "target_profile": to_profile,
        "source_url": source.url,
        "target_url": target.url,
        "total_resources": len(shown),
    }
    resource = {
        "prefect.resource.id": f"prefect.workspace.transfer.{uuid4()}",
        "prefect.resource.name": f"{from_profile} -> {to_profile} transfer",
        "prefect.resource.role": "transfer",
    }
    _tell(target, "started", resource, about)
    outcomes = [
        outcome for outcome in carry(records, target) if outcome.record.kind not in _QUIET or outcome.status == "failed"
    ]
    counts = Counter(outcome.status for outcome in outcomes)
    numbers = {"succeeded": counts["transferred"], "failed": counts["failed"], "skipped": counts["skipped"]}
    _tell(target, "completed", resource, {**about, **numbers})
    rows = [(f"{each.record.kind}/{each.record.name}", each.status, each.detail) for each in outcomes]
    print_table(["Resource", "Status", "Details"], rows, "Nothing was transferred.")
    say(f"{numbers['succeeded']} transferred, {numbers['skipped']} skipped, {numbers['failed']} failed.")
    if counts["failed"]:
        raise typer.Exit(1)


def _transport(name: str) -> Transport:
    from prefect.cli.profile import existing
    from prefect.client.base import current_transport
    from prefect.settings import temporary_settings
    from prefect.settings.context import use_profile

    profile = existing(name)
    said = {setting.name for setting in profile.settings}
    with (
        temporary_settings(restore_defaults=[variable for variable in _ADDRESS if variable not in said]),
        use_profile(profile, override_environment_variables=True),
    ):
        return current_transport()


def _tell(target: Transport, what: str, resource: dict[str, str], payload: dict[str, Any]) -> None:
    from prefect._contract.endpoints.events import create_events
    from prefect._contract.events import Event

    target.send(create_events([Event(event=f"prefect.workspace.transfer.{what}", resource=resource, payload=payload)]))
