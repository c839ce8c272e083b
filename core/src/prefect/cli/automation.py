"""`prefect automation`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError, reasons
from prefect.cli.groups import command, noun
from prefect.cli.output import confirm, paint, print_fields, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prefect._contract.automations import Automation, AutomationCreate

app = noun(
    "Show, create, change, pause and delete automations: what is done when events occur.",
    aliases={"disable": "pause", "enable": "resume"},
)

Name = Annotated[Optional[str], typer.Argument(help="The name of an automation.")]
Id = Annotated[
    Optional[UUID], typer.Option("--id", metavar="UUID", help="The id of an automation, instead of its name.")
]
FromFile = Annotated[
    Optional[Path],
    typer.Option("--from-file", "-f", metavar="FILE", help="A YAML or JSON file that says what it does."),
]
FromJson = Annotated[
    Optional[str], typer.Option("--from-json", "-j", metavar="JSON", help="JSON that says what it does.")
]


@command(app, "ls")
def ls() -> None:
    """List automations by name."""
    from prefect.cli.tables import Column, print_table

    colour = Column("Enabled", colour=lambda line, cell: paint(line, "green" if cell.strip() == "yes" else "yellow"))
    rows = [
        (
            each.name,
            each.id,
            "yes" if each.enabled else "no",
            each.trigger.describe_for_cli(),
            "\n".join(_actions_of(each)),
        )
        for each in _read_all()
    ]
    columns: list[Column | str] = ["Automation", Column("ID", whole=True), colour, "Trigger", "Actions"]
    print_table(columns, rows, "No automations found.")


def _actions_of(automation: Automation) -> Iterator[str]:
    kinds = (("", automation.actions), ("when it triggers: ", automation.actions_on_trigger))
    for when, actions in (*kinds, ("when it resolves: ", automation.actions_on_resolve)):
        for action in actions:
            yield f"{when}{action.describe_for_cli()}"


def _read_all(name: str | None = None) -> list[Automation]:
    from prefect._contract.endpoints.automations import read_automations
    from prefect._contract.filters.automations import AutomationFilter, AutomationFilterName
    from prefect._contract.sorting import AutomationSort
    from prefect.cli.asking import pages

    chosen = AutomationFilter(name=AutomationFilterName(any_=[name])) if name is not None else None
    by_name = AutomationSort.NAME_ASC
    return list(pages(lambda most, at: read_automations(automations=chosen, sort=by_name, limit=most, offset=at)))


def _find(name: str | None, automation_id: UUID | None) -> list[Automation]:
    """
    The automations that are meant: the one of an id, or all of a name.

    Raises:
        CliError: There is none.
    """
    from prefect._contract.endpoints.automations import read_automation
    from prefect.cli.asking import ask

    if (name is None) == (automation_id is None):
        raise CliError("Give either the name of an automation, or --id.", exit_code=2)
    if automation_id is not None:
        return [ask(read_automation(automation_id), missing=f"Automation with id '{automation_id}' not found.")]
    found = _read_all(name)
    if not found:
        raise CliError(f"Automation {name!r} not found. See: prefect automation ls")
    return found


def _output(value: str | None) -> str | None:
    if value is not None and value.lower() not in {"json", "yaml"}:
        raise typer.BadParameter(f"It is json or yaml, not {value!r}.")
    return value and value.lower()


@command(app, "inspect")
def inspect(
    name: Name = None,
    automation_id: Id = None,
    yaml: Annotated[bool, typer.Option("--yaml/--no-yaml", help="Write YAML.", show_default=False)] = False,
    json: Annotated[bool, typer.Option("--json/--no-json", help="Write JSON.", show_default=False)] = False,
    output: Annotated[
        Optional[str],
        typer.Option("--output", "-o", metavar="json|yaml", callback=_output, help="Write JSON or YAML."),
    ] = None,
) -> None:
    """Show an automation, or all of a name. What is written as JSON or YAML can be created again from."""
    wanted = {form for form, is_wanted in (("yaml", yaml), ("json", json), (output, output)) if is_wanted}
    if len(wanted) > 1:
        raise CliError("Give only one of --yaml, --json and --output.", exit_code=2)
    found = _find(name, automation_id)
    if "json" in wanted:
        print_json(found)
    elif "yaml" in wanted:
        import yaml as writer

        say(writer.safe_dump([each.model_dump(mode="json") for each in found], sort_keys=False).rstrip())
    else:
        _show(found)


def _show(found: Iterable[Automation]) -> None:
    for number, automation in enumerate(found):
        if number:
            say()
        print_fields(
            {
                "ID": automation.id,
                "Name": automation.name,
                "Description": automation.description,
                "Enabled": "yes" if automation.enabled else "no",
                "Trigger": automation.trigger.describe_for_cli(),
                "Actions": "\n".join(_actions_of(automation)),
                "Tags": ", ".join(automation.tags),
                "Belongs to": automation.owner_resource,
            }
        )


@command(app, "pause")
def pause(name: Name = None, automation_id: Id = None) -> None:
    """Pause an automation, or all of a name: they do nothing until they are resumed."""
    _switch(_find(name, automation_id), enabled=False)


@command(app, "resume")
def resume(name: Name = None, automation_id: Id = None) -> None:
    """Resume an automation, or all of a name."""
    _switch(_find(name, automation_id), enabled=True)


def _switch(automations: Iterable[Automation], *, enabled: bool) -> None:
    from prefect._contract.automations import AutomationPartialUpdate
    from prefect._contract.endpoints.automations import patch_automation
    from prefect.cli.asking import ask

    for each in automations:
        ask(patch_automation(each.id, AutomationPartialUpdate(enabled=enabled)))
        say(f"{'Resumed' if enabled else 'Paused'} automation {each.name!r} ({each.id}).")


@command(app, "delete")
def delete(
    context: typer.Context,
    name: Name = None,
    automation_id: Id = None,
    all: Annotated[bool, typer.Option("--all/--no-all", help="Delete all automations.", show_default=False)] = False,
) -> None:
    """Delete an automation, or all of them."""
    if all:
        if name is not None or automation_id is not None:
            raise CliError(
                "Cannot delete all automations and a single one: leave out --all, or the automation.", exit_code=2
            )
        found = _read_all()
        if not found:
            say("No automations found.")
            return
        confirm(context, f"Delete all {len(found)} automation(s)?")
    else:
        found = _find(name, automation_id)
        if len(found) > 1:
            ids = "".join(f"\n  --id {each.id}" for each in found)
            raise CliError(f"There are {len(found)} automations with the name {name!r}. Say which:{ids}")
        confirm(context, f"Delete automation {found[0].name!r} ({found[0].id})?")
    _delete(found)


def _delete(automations: Iterable[Automation]) -> None:
    from prefect._contract.endpoints.automations import delete_automation
    from prefect.cli.asking import ask

    for each in automations:
        ask(delete_automation(each.id), missing=f"Automation {each.name!r} was deleted by somebody else.")
        say(f"Deleted automation {each.name!r} ({each.id}).")


# -- definitions ------------------------------------------------------------------------------------------------------


@command(app, "create")
def create(from_file: FromFile = None, from_json: FromJson = None) -> None:
    """
    Create automations.

    They are given as an object; as a list of objects; or as an object with such a list under `automations`. If one of
    them is not valid, none is created.
    """
    from prefect._contract.endpoints.automations import create_automation
    from prefect.cli.asking import ask

    for wanted in _requests(_given(from_file, from_json)):
        made = ask(create_automation(wanted))
        say(f"Created automation {made.name!r} ({made.id}).")


@command(app, "update")
def update(
    automation_id: Annotated[UUID, typer.Option("--id", metavar="UUID", help="The id of the automation.")],
    from_file: FromFile = None,
    from_json: FromJson = None,
) -> None:
    """Replace what an automation does, and when."""
    from prefect._contract.automations import AutomationUpdate
    from prefect._contract.endpoints.automations import update_automation
    from prefect.cli.asking import ask

    requests = _requests(_given(from_file, from_json))
    if len(requests) != 1:
        raise CliError(f"One automation is needed to change one, and {len(requests)} are given.")
    wanted = AutomationUpdate.model_validate(requests[0].model_dump(exclude={"owner_resource"}))
    ask(update_automation(automation_id, wanted), missing=f"Automation with id '{automation_id}' not found.")
    say(f"Updated automation {wanted.name!r} ({automation_id}).")


def _given(from_file: Path | None, from_json: str | None) -> list[Any]:
    """The objects that are given, each of which is to be an automation."""
    import json

    if (from_file is None) == (from_json is None):
        raise CliError("Give either --from-file or --from-json.", exit_code=2)
    try:
        content = _read(from_file) if from_file is not None else json.loads(str(from_json))
    except ValueError as error:
        raise CliError(f"{from_file or '--from-json'} is not valid JSON: {error}.") from None
    if isinstance(content, dict) and isinstance(content.get("automations"), list):
        content = content["automations"]
    found = content if isinstance(content, list) else [content]
    if not found:
        raise CliError(f"There are no automations in {from_file or '--from-json'}.")
    return found


def _read(path: Path) -> Any:
    import json

    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CliError(f"The file {str(path)!r} cannot be read: {error.strerror}.") from None
    if path.suffix == ".json":
        return json.loads(text)
    if path.suffix not in {".yaml", ".yml"}:
        raise CliError(f"{str(path)!r} is neither a YAML nor a JSON file: it must end with .yaml, .yml or .json.")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CliError(f"{path} is not valid YAML: {error}") from None


def _requests(given: list[Any]) -> list[AutomationCreate]:
    from pydantic import ValidationError

    from prefect._contract.automations import AutomationCreate

    requests, wrong = [], []
    for number, content in enumerate(given, start=1):
        name = content.get("name") if isinstance(content, dict) else None
        # What is shown of an automation can be given again: those are the orchestrator's own fields.
        own = {"id", "created", "updated"}
        fields = {key: content[key] for key in content if key not in own} if isinstance(content, dict) else content
        try:
            requests.append(AutomationCreate.model_validate(fields))
        except ValidationError as error:
            wrong.append(f"Automation {name or number!r} is not valid: {reasons(error)}.")
    if wrong:
        raise CliError("\n".join(wrong))
    return requests
