"""`prefect variable`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError, first_reason
from prefect.cli.groups import command, noun
from prefect.cli.output import Limit, Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from prefect._contract.artifacts import Variable

app = noun("Show and change variables.")

Name = Annotated[str, typer.Argument(help="The name of a variable.")]


@command(app, "ls")
def ls(
    limit: Limit = 100,
    output: Output = None,
) -> None:
    """List variables by name."""
    from prefect._contract.endpoints.variables import read_variables
    from prefect._contract.sorting import VariableSort
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import print_table

    sort = VariableSort.NAME_ASC
    found = list(pages(lambda most, offset: read_variables(most, offset, sort=sort), limit))
    if output:
        print_json(found)
        return
    rows = [
        (each.name, _text(each.value), ", ".join(each.tags), ago(each.created), ago(each.updated)) for each in found
    ]
    print_table(["Name", "Value", "Tags", "Created", "Updated"], rows, "No variables found.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(name: str) -> Variable:
    from prefect._contract.endpoints.variables import read_variable_by_name
    from prefect.cli.asking import ask

    return ask(read_variable_by_name(name), missing=f"Variable {name!r} not found. See: prefect variable ls")


@command(app, "inspect")
def inspect(name: Name, output: Output = None) -> None:
    """Show a variable."""
    from prefect.cli.moments import clock

    variable = _read(name)
    if output:
        print_json(variable)
        return
    fields = {
        "ID": variable.id,
        "Name": variable.name,
        "Value": _text(variable.value),
        "Tags": ", ".join(variable.tags),
        "Created": variable.created and clock(variable.created),
        "Updated": variable.updated and clock(variable.updated),
    }
    print_fields(fields)


@command(app, "get")
def get(name: Name) -> None:
    """Print the value of a variable, and nothing else."""
    say(_text(_read(name).value))


@command(app, "set")
def set_(
    name: Name,
    value: Annotated[str, typer.Argument(help="The value: JSON, or else text.")],
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite/--no-overwrite", help="Change the variable if there is one of that name.", show_default=False
        ),
    ] = False,
    tag: Annotated[Optional[list[str]], typer.Option(help="A tag; may be repeated.")] = None,
) -> None:
    """Create a variable, or change its value."""
    from pydantic import ValidationError

    from prefect._contract.actions.settings import VariableCreate, VariableUpdate
    from prefect._contract.endpoints import variables as endpoints
    from prefect._contract.filters.variables import VariableFilter, VariableFilterName
    from prefect.cli.asking import ask

    try:
        content = {"name": name, "value": _value(value), **({"tags": tag} if tag else {})}
        wanted = VariableCreate(**content)
    except ValidationError as error:
        raise CliError(f"Variable {name!r} cannot be set: {first_reason(error)}.") from None
    there = ask(endpoints.read_variables(1, variable_filter=VariableFilter(name=VariableFilterName(any_=[name]))))
    if not there:
        ask(endpoints.create_variable(wanted))
    elif overwrite:
        ask(endpoints.update_variable_by_name(name, VariableUpdate(**content)))
    else:
        raise CliError(f"Variable {name!r} already exists. Use --overwrite to change it.")
    say(f"Set variable {name!r}.")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@command(app, "unset")
def unset(context: typer.Context, name: Name) -> None:
    """Delete a variable."""
    from prefect._contract.endpoints.variables import delete_variable_by_name
    from prefect.cli.asking import ask

    _read(name)
    confirm(context, f"Delete variable {name!r}?")
    ask(delete_variable_by_name(name), missing=f"Variable {name!r} not found.")
    say(f"Unset variable {name!r}.")


command(app, "delete")(unset)
