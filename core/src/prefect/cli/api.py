"""`prefect api`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command
from prefect.cli.output import say

if TYPE_CHECKING:
    import httpx

    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_UNREACHABLE = 7
_SECRET = frozenset({"authorization", "prefect-csrf-token"})


@command(app, "api")
def api(
    method: Annotated[str, typer.Argument(help=f"The verb: {', '.join(_METHODS)}.")],
    path: Annotated[str, typer.Argument(help="The path below PREFECT_API_URL, such as /flows/filter.")],
    data: Annotated[
        Optional[str],
        typer.Option(
            "--data", "-d", metavar="JSON", help="The body: JSON, @FILE for a file's, or - for that of stdin."
        ),
    ] = None,
    headers: Annotated[
        Optional[list[str]],
        typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="A further header. May be repeated."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose/--no-verbose", "-v", help="Show the headers, too, on stderr.", show_default=False)
    ] = False,
    root: Annotated[
        bool,
        typer.Option(
            "--root/--no-root", help="The path is below the server's root, not below its API.", show_default=False
        ),
    ] = False,
    account: Annotated[
        bool,
        typer.Option("--account/--no-account", help="Refused: only Prefect Cloud has accounts.", show_default=False),
    ] = False,
) -> None:
    """
    Send a request to the server, as this machine's settings say, and write its answer.

    The exit code is 0 for an answer, 3 if you are not allowed to ask, 4 if the request was refused, 5 if the server failed,
    and 7 if there is none.
    """
    from prefect.client.http.requests import HttpRequest

    verb = method.upper()
    if verb not in _METHODS:
        raise CliError(f"{method!r} is no verb of HTTP. Give one of {', '.join(_METHODS)}.")
    if account:
        raise CliError("There are no accounts on a server: --account is for Prefect Cloud. Leave it out.")
    address = _address(root)
    given = dict(_header(each) for each in headers or ())
    content = _body(data) if data is not None else b"{}" if verb in _WITH_BODY else None
    if content is not None and not any(name.lower() == "content-type" for name in given):
        given["Content-Type"] = "application/json"
    response = _send(address, HttpRequest(verb, "/" + path.lstrip("/"), content, given), root)
    if verbose:
        _show(response)
    raise typer.Exit(_write(response))


def _address(root: bool) -> ServerAddress:
    from dataclasses import replace

    from prefect.client.http.address import ServerAddress
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None:
        raise CliError(
            "PREFECT_API_URL is not set, so there is no server to send a request to. Start one: prefect server start"
        )
    address = ServerAddress.from_settings(settings)
    return replace(address, url=address.url.removesuffix("/api")) if root else address


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CliError(f"{text!r} is no header. Write it as 'Name: value'.")
    return name.strip(), value.strip()


def _body(data: str) -> bytes:
    """The body that was given, which must be JSON."""
    place = "What was given as --data"
    if data == "-":
        place, data = "What came on stdin", sys.stdin.read()
    elif data.startswith("@"):
        place = f"What is in {data[1:]!r}"
        try:
            data = Path(data[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CliError(f"{data[1:]!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    try:
        json.loads(data)
    except ValueError as error:
        raise CliError(f"{place} is not JSON: {error}.") from None
    return data.encode()


def _send(address: ServerAddress, request: HttpRequest, root: bool) -> httpx.Response:
    """The answer, whatever it is."""
    import httpx

    from prefect.client.http.connections import Connections
    from prefect.client.http.exchanging import Exchanger, Outage
    from prefect.exceptions.http_status import ServerUnreachableError
    from prefect.utilities.dual import drive

    # With settings of httpx it is httpx that sends, whose requests have all the headers to be shown.
    connections = Connections(address, {"follow_redirects": False})
    try:
        if root:  # what is there is not the API, and need not look like it
            return connections.sync().send(request)
        exchanger = Exchanger(address, connections, Outage(address.url), patience=0.0)
        return drive(exchanger.exchange(request, patient=False))
    except ServerUnreachableError as error:
        raise CliError(str(error), _UNREACHABLE) from None
    except httpx.TransportError as error:
        message = f"No server answers at {address.url}: {error or type(error).__name__}."
        raise CliError(message, _UNREACHABLE) from None
    except httpx.InvalidURL as error:
        raise CliError(f"{request.path!r} cannot be asked for: {error}.") from None
    finally:
        connections.close()


def _show(response: httpx.Response) -> None:
    request = response.request
    say(f"> {request.method} {request.url}", to=sys.stderr)
    for name, value in request.headers.items():
        say(f"> {name}: {'********' if name in _SECRET else value}", to=sys.stderr)
    say(f"\n< {response.status_code} {response.reason_phrase}", to=sys.stderr)
    for name, value in response.headers.items():
        say(f"< {name}: {value}", to=sys.stderr)
    say(to=sys.stderr)


def _write(response: httpx.Response) -> int:
    """Write an answer, and say what exit code it amounts to."""
    status = response.status_code
    if status < 400:
        if response.content:
            say(_text(response, readable=sys.stdout.isatty()))
        return 0
    say(f"Error: {status} {response.reason_phrase}", to=sys.stderr)
    if response.content:
        say(_text(response, readable=True), to=sys.stderr)
    if status == 401:
        say("Set PREFECT_API_KEY or PREFECT_API_AUTH_STRING to what the server wants.", to=sys.stderr)
    return 3 if status in {401, 403} else 4 if status < 500 else 5


def _text(response: httpx.Response, *, readable: bool) -> str:
    """The body: JSON in lines for people, anything else as it is."""
    if not readable:
        return response.text
    try:
        content: Any = response.json()
    except ValueError:
        return response.text
    return json.dumps(content, indent=2, ensure_ascii=False)
