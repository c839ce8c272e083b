"""`prefect server token`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from prefect._contract.tokens import ApiToken

__all__ = ["app"]

app = noun("Create and revoke API tokens: who may ask the server what.", aliases={"list": "ls"})

Name = Annotated[str, typer.Argument(help="The name of a token, by which the audit trail calls who has it.")]


@command(app, "create")
def create(
    name: Name,
    scope: Annotated[
        Optional[list[str]],
        typer.Option(
            help="What it allows: read, run (what it takes to run flows), write, admin; each includes those before it. "
            "May be repeated; without it, run."
        ),
    ] = None,
    work_pool: Annotated[
        Optional[str], typer.Option(metavar="NAME", help="The only work pool that it is good for.")
    ] = None,
    expires_in: Annotated[
        Optional[str], typer.Option(metavar="DURATION", help="After how long it is good no longer, such as 90d or 12h.")
    ] = None,
    output: Output = None,
) -> None:
    """Create a token. Its secret is shown this once. From the first one on, nobody gets in without."""
    from pydantic import ValidationError

    from prefect._contract.endpoints.tokens import create_token
    from prefect._contract.tokens import ApiTokenCreate, TokenScope
    from prefect.cli.asking import ask
    from prefect.cli.start_times import parse_delay
    from prefect.utilities.time import now

    known = [each.value for each in TokenScope]
    for each in scope or ():
        if each not in known:
            raise CliError(f"There is no scope {each!r}. Scopes are {', '.join(known)}.")
    try:
        wanted = ApiTokenCreate(
            name=name,
            scopes=[TokenScope(each) for each in scope or ["run"]],
            work_pool_name=work_pool,
            expires_at=now() + parse_delay(expires_in) if expires_in is not None else None,
        )
    except (ValidationError, OverflowError) as error:
        reason = (
            first_reason(error) if isinstance(error, ValidationError) else "it would expire after the calendar ends"
        )
        raise CliError(f"Token {name!r} cannot be created: {reason}.") from None
    created = ask(create_token(wanted))
    if output:
        print_json(created)
        return
    print_fields({**_fields(created), "Secret": created.secret})
    say("The secret is not shown again. Whoever has it sets: PREFECT_API_KEY")


def _fields(token: ApiToken) -> dict[str, object]:
    from prefect.cli.moments import ago

    return {
        "Name": token.name,
        "Scopes": ", ".join(scope.value for scope in token.scopes),
        "Work pool": token.work_pool_name,
        "Expires": token.expires_at and ago(token.expires_at),
    }


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List the tokens by name, without their secrets."""
    from prefect._contract.endpoints.tokens import read_tokens
    from prefect.cli.asking import ask
    from prefect.cli.moments import ago
    from prefect.cli.tables import print_table

    found = ask(read_tokens())
    if output:
        print_json(found)
        return
    rows = [(*_fields(each).values(), ago(each.created), ago(each.last_used) or "never") for each in found]
    columns = ["Name", "Scopes", "Work pool", "Expires", "Created", "Last used"]
    print_table(columns, rows, "There are no tokens. Create one: prefect server token create NAME")


@command(app, "revoke")
def revoke(context: typer.Context, name: Name) -> None:
    """Revoke a token. Other servers on the same database hear of it within seconds."""
    from prefect._contract.endpoints.tokens import delete_token
    from prefect.cli.asking import ask

    confirm(context, f"Revoke token {name!r}?")
    ask(delete_token(name), missing=f"Token {name!r} not found. See: prefect server token ls")
    say(f"Revoked token {name!r}.")
