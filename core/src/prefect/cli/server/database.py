"""`prefect server database`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import confirm, is_interactive, say

if TYPE_CHECKING:
    from prefect.server.database.engine import Database

__all__ = ["app"]

app = noun("Look after the database of a server.")

Yes = Annotated[bool, typer.Option("--yes/--no-yes", "-y", help="Do not ask.", show_default=False)]
DryRun = Annotated[
    bool, typer.Option("--dry-run/--no-dry-run", help="Show the SQL and change nothing.", show_default=False)
]


def _database() -> Database:
    from prefect.server.composition import open_database
    from prefect.settings import get_current_settings

    return open_database(get_current_settings())


def _require_yes(context: typer.Context, question: str, yes: bool) -> None:
    """Go on only if somebody has said so: where nobody can be asked, by --yes."""
    if yes:
        return
    if not is_interactive(context):
        raise CliError(f"{question} Nobody can be asked here: say so with --yes.")
    confirm(context, question)


@command(app, "reset")
def reset(context: typer.Context, yes: Yes = False) -> None:
    """Delete all that is recorded: all tables are dropped and made again, empty."""
    from prefect.server.database.migrations import rebuild

    database = _database()
    _require_yes(context, f"Delete all that is recorded in {database.dialect.place}?", yes)
    database.migration(rebuild)
    say(f"Reset {database.dialect.place}: its tables are new and empty.")


@command(app, "upgrade")
def upgrade(
    context: typer.Context,
    yes: Yes = False,
    revision: Annotated[
        str, typer.Option("--revision", "-r", help="The number of the last migration to run; `head` for all.")
    ] = "head",
    dry_run: DryRun = False,
) -> None:
    """Bring the tables up to date. A server does so when it starts, unless PREFECT_SERVER_DATABASE_MIGRATE_ON_START is off."""
    from prefect.server.database.migrations import migrate, missing_scripts, schema_version

    database = _database()
    dialect = database.dialect
    latest = _number(revision, dialect.latest)
    if dry_run:
        scripts = database.migration(lambda connection, dialect: missing_scripts(connection, dialect, latest))
        say("\n".join(path.read_text(encoding="utf-8") for path in scripts) or f"-- {dialect.place} is up to date.")
        return
    place = dialect.place
    before = database.migration(schema_version)
    latest = max(latest, min(before, dialect.latest))
    if before < latest and not yes and is_interactive(context):
        confirm(context, f"Upgrade {place} from version {before} to {latest}?")
    database.migration(lambda connection, dialect: migrate(connection, dialect, latest=latest))
    after = database.migration(schema_version)
    say(
        f"Upgraded {place} from version {before} to {after}."
        if after != before
        else f"{place[0].upper()}{place[1:]} is up to date, at version {after}."
    )


def _number(revision: str, latest: int) -> int:
    if revision in {"head", "heads"}:
        return latest
    if not revision.isdigit() or not 1 <= int(revision) <= latest:
        raise CliError(f"There is no migration {revision!r}. It must be a number from 1 to {latest}, or `head`.")
    return int(revision)


# -- what migrations that only go forward cannot do: said, so that nobody looks for it


@command(app, "downgrade")
def downgrade(
    yes: Yes = False,
    revision: Annotated[str, typer.Option("--revision", "-r", help="Which version to go back to.")] = "-1",
    dry_run: DryRun = False,
) -> None:
    """Not possible: migrations only go forward. Restore a copy of the database instead."""
    _refuse(
        "A database cannot be brought back to an older version: migrations only go forward. Restore a copy that was "
        "made before the upgrade."
    )


@command(app, "stamp")
def stamp(revision: Annotated[str, typer.Argument(help="The version to note.")]) -> None:
    """Not possible: which migrations have run is noted together with what they did."""
    _refuse(
        f"The version {revision!r} cannot be noted without its changes: a database notes what was really done to it. Run "
        "what is missing: prefect server database upgrade"
    )


@command(app, "revision")
def revision(
    message: Annotated[Optional[str], typer.Option("--message", "-m", help="What the migration is to do.")] = None,
    autogenerate: Annotated[
        bool, typer.Option("--autogenerate/--no-autogenerate", help="Whether to find that out.", show_default=False)
    ] = False,
) -> None:
    """Not possible: migrations come with the product, as scripts of SQL."""
    _refuse(
        "Migrations come with the product and are not made here. See what is missing: prefect server database upgrade "
        "--dry-run"
    )


def _refuse(reason: str) -> NoReturn:
    raise CliError(reason)
