"""`prefect events`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TextIO

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, print_json, say

if TYPE_CHECKING:
    from prefect._contract.events import ReceivedEvent
    from prefect._contract.filters.events import EventFilter
    from prefect.client.http import ServerAddress

app = noun("Emit events, and see which have occurred.")


@command(app, "emit")
def emit(
    event: Annotated[str, typer.Argument(help="What happened, such as orders.received.")],
    resource: Annotated[
        Optional[list[str]],
        typer.Option(
            "--resource",
            "-r",
            metavar="LABEL=VALUE",
            help="A label of the resource, or a JSON object. May be repeated.",
        ),
    ] = None,
    resource_id: Annotated[
        Optional[str], typer.Option(metavar="ID", help="To whom it happened: its label prefect.resource.id.")
    ] = None,
    related: Annotated[
        Optional[str],
        typer.Option(metavar="JSON", help="What else was involved: an object of labels, or a list of them."),
    ] = None,
    payload: Annotated[
        Optional[str], typer.Option("--payload", "-p", metavar="JSON", help="What else is to be said: a JSON object.")
    ] = None,
) -> None:
    """Emit an event."""
    from pydantic import ValidationError

    from prefect._contract.endpoints.events import create_events
    from prefect._contract.events import Event
    from prefect.cli.asking import ask
    from prefect.cli.parameters import parse_object

    labels = _labels(resource or [])
    if resource_id is not None:
        labels["prefect.resource.id"] = resource_id
    if not labels.get("prefect.resource.id"):
        raise CliError("An event happens to a resource: say to which with --resource-id ID.", exit_code=2)
    content = {
        "event": event,
        "resource": labels,
        "related": _related(related),
        "payload": parse_object(payload, "--payload") if payload is not None else {},
    }
    try:
        wanted = Event.model_validate(content)
    except ValidationError as error:
        raise CliError(f"The event {event!r} is not valid: {first_reason(error)}.") from None
    ask(create_events([wanted]))
    say(f"Emitted event {event!r} ({wanted.id}).")


def _labels(given: list[str]) -> dict[str, Any]:
    from prefect.cli.parameters import parse_object

    labels: dict[str, Any] = {}
    for each in given:
        if each.lstrip().startswith("{"):
            labels.update(parse_object(each, "--resource"))
            continue
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise CliError(f"--resource {each!r} is neither LABEL=VALUE nor a JSON object.", exit_code=2)
        labels[name] = value
    return labels


def _related(text: str | None) -> list[Any]:
    import json

    if text is None:
        return []
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CliError(f"--related is not JSON: {error}.", exit_code=2) from None
    return found if isinstance(found, list) else [found]


# -- ls ---------------------------------------------------------------------------------------------------------------


@command(app, "ls")
def ls(
    name: Annotated[
        Optional[list[str]],
        typer.Option("--event", "-e", metavar="NAME", help="Only these, such as prefect.task-run.*. May be repeated."),
    ] = None,
    resource_id: Annotated[
        Optional[str], typer.Option(metavar="ID", help="Only what happened to this resource: prefect.flow-run.1234….")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=50, help="How many, at most.")] = 15,
    output: Output = None,
) -> None:
    """List events, the latest first."""
    from prefect._contract.endpoints.events import read_events
    from prefect.cli.asking import ask
    from prefect.cli.moments import clock
    from prefect.cli.tables import Column, print_table

    events: list[ReceivedEvent] = ask(read_events(_filter(name or [], resource_id), limit)).events
    if output:
        print_json(events)
        return
    rows = [(clock(each.occurred), each.event, each.resource.name, each.resource.id) for each in events]
    print_table(["Occurred", Column("Event", whole=True), "Name", "Resource"], rows, "No events found.")


def _filter(names: list[str], resource_id: str | None) -> EventFilter:
    from prefect._contract.filters.events import EventFilter, EventNameFilter, EventResourceFilter

    prefixes = [name.removesuffix("*") for name in names if name.endswith("*")]
    if prefixes and len(prefixes) < len(names):
        raise CliError(
            "Events are selected by whole names or by beginnings (with a final *), and not by both.", exit_code=2
        )
    named = EventNameFilter(prefix=prefixes or None, name=None if prefixes else names) if names else None
    resource = EventResourceFilter(id=[resource_id]) if resource_id is not None else None
    return EventFilter(event=named, resource=resource)


# -- stream -----------------------------------------------------------------------------------------------------------


@command(app, "stream")
def stream(
    format: Annotated[
        str, typer.Option("--format", metavar="json|text", help="How: one JSON object per line, or text for people.")
    ] = "json",
    output_file: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Append the events to this file, instead of showing them.")
    ] = None,
    run_once: Annotated[
        bool, typer.Option("--run-once/--no-run-once", help="Stop after the first event.", show_default=False)
    ] = False,
) -> None:
    """Show events as they occur, until Ctrl-C. Needs a server."""
    import asyncio

    if format not in {"json", "text"}:
        raise CliError(f"Unknown format {format!r}: it is json or text.", exit_code=2)
    address = _server()
    with ExitStack() as stack:
        target = stack.enter_context(_opened(output_file)) if output_file is not None else sys.stdout
        try:
            asyncio.run(_stream(address, target, format, once=run_once))
        except KeyboardInterrupt:
            say("Stopped.", to=sys.stderr)


def _server() -> ServerAddress:
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None:
        raise CliError(
            "`prefect events stream` needs a server, which tells of events as they occur, and none is set. "
            "Start one (prefect server start), and name it: prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    from prefect.client.http import ServerAddress

    return ServerAddress.from_settings(settings)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise CliError(f"{str(path)!r} cannot be written: {error.strerror}.") from None


async def _stream(address: ServerAddress, target: TextIO, format: str, *, once: bool) -> None:
    from contextlib import aclosing

    from prefect._contract.filters.events import EventFilter, EventOccurredFilter
    from prefect.client.http.subscription import subscribe_to_events
    from prefect.utilities.time import now

    say(f"Waiting for events of the server at {address.url} ...", to=sys.stderr)
    wanted = EventFilter(occurred=EventOccurredFilter(since=now()))
    async with aclosing(subscribe_to_events(address, wanted)) as events:
        async for event in events:
            say(_line(event) if format == "text" else event.model_dump_json(), to=target)
            target.flush()
            if once:
                return


def _line(event: ReceivedEvent) -> str:
    from prefect.cli.moments import clock

    name = f" {event.resource.name!r}" if event.resource.name else ""
    return f"{clock(event.occurred)} | {event.event} | {event.resource.id}{name}"
