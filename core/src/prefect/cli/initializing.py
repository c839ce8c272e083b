"""`prefect init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command
from prefect.cli.output import is_interactive, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_KNOWN_HERE = frozenset({"directory", "folder"})
"""Fields of recipes that this folder tells."""

Recipe = Annotated[
    Optional[str], typer.Option(metavar="NAME", help="Where the code is kept: local, git, docker, s3, gcs, azure ...")
]
Field = Annotated[
    Optional[list[str]],
    typer.Option("--field", "-f", metavar="NAME=VALUE", help="The value of a field of the recipe. May be repeated."),
]


@command(app, "init")
def init(
    context: typer.Context,
    name: Annotated[Optional[str], typer.Option(help="What the project is called; as its folder by default.")] = None,
    recipe: Recipe = None,
    fields: Field = None,
) -> None:
    """Set up a project in this folder: a prefect.yaml, which says what `prefect deploy` does, and a .prefectignore."""
    from prefect.cli.parameters import parse_pairs
    from prefect.deployments.base import configure_project_by_recipe, initialize_project
    from prefect.utilities.templating import find_placeholders

    given = parse_pairs(fields or [], "--field")
    try:
        if recipe is not None and is_interactive(context):
            left = {each.name for each in find_placeholders(configure_project_by_recipe(recipe, **given))}
            for field in sorted(each for each in left if "." not in each and each not in _KNOWN_HERE):
                given[field] = typer.prompt(f"Value of {field}")
        written = initialize_project(name, recipe, given)
    except ValueError as error:
        raise CliError(str(error)) from None
    if written:
        say(f"Wrote {' and '.join(written)} in {Path.cwd()}. Next: prefect deploy")
    else:
        say(f"Nothing was written: {Path.cwd()} has a prefect.yaml and a .prefectignore already.")
