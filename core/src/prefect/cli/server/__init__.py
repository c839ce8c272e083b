"""`prefect server`."""

from __future__ import annotations

from prefect.cli.groups import command, noun
from prefect.cli.server import audit, database, services, tokens
from prefect.cli.server.starting import start
from prefect.cli.server.status import status
from prefect.cli.server.stopping import stop

app = noun("Start and stop a server, and look after its database, loops and tokens.")

command(app, "start")(start)
command(app, "stop")(stop)
command(app, "status")(status)
app.add_typer(services.app, name="services")
app.add_typer(database.app, name="database")
app.add_typer(tokens.app, name="token")
app.add_typer(audit.app, name="audit")
