"""Which deployments `prefect deploy` means, and deploying them one after another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from prefect.cli.errors import CliError
from prefect.cli.output import is_interactive, say
from prefect.cli.parameters import parse_object, parse_pairs

if TYPE_CHECKING:
    from prefect.deployments.projects import Entry, Project

__all__ = ["Choice", "changes_from", "choose", "deploy_all_of"]

_DEFAULT_NAME = "default"


@dataclass(frozen=True)
class Choice:
    """
    What was asked for.

    Args:
        entrypoint: Where a flow is.
        names: Names of deployments.
        everything: Whether all of the project's file are meant.
        changes: What is to be otherwise than the file says.
    """

    entrypoint: str | None
    names: tuple[str, ...]
    everything: bool
    changes: Mapping[str, Any]


def changes_from(**given: Any) -> dict[str, Any]:
    """
    What the options of the command say of a deployment, as a project's file would.

    Raises:
        CliError: An option cannot be meant as it is given.
    """
    changes: dict[str, Any] = {
        name: given[name]
        for name in ("description", "version_type", "version", "tags", "enforce_parameter_schema")
        if given[name] is not None
    }
    pool = {
        "name": given["pool"],
        "work_queue_name": given["work_queue"],
        "job_variables": parse_pairs(given["job_variables"], "--job-variable") if given["job_variables"] else None,
    }
    if any(value is not None for value in pool.values()):
        changes["work_pool"] = {name: value for name, value in pool.items() if value is not None}
    if given["param"] or given["params"] is not None:
        whole = parse_object(given["params"], "--params") if given["params"] is not None else {}
        changes["parameters"] = {**whole, **parse_pairs(given["param"] or [], "--param")}
    if given["collision_strategy"] is not None and given["concurrency_limit"] is None:
        raise CliError("--collision-strategy goes with --concurrency-limit only.", exit_code=2)
    if given["concurrency_limit"] is not None:
        strategy = given["collision_strategy"]
        options = {"collision_strategy": strategy.upper()} if strategy is not None else {}
        changes["concurrency_limit"] = {"limit": given["concurrency_limit"], **options}
    schedules = _schedules(given)
    if schedules:
        changes["schedules"] = schedules
    if given["trigger"]:
        changes["triggers"] = [trigger for text in given["trigger"] for trigger in _triggers(text)]
    return changes


def _schedules(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    anchor, zone = given["anchor_date"], given["timezone"]
    found = [{kind: value} for kind in ("cron", "interval", "rrule") for value in given[kind] or ()]
    if anchor is not None and not given["interval"]:
        raise CliError("--anchor-date goes with --interval only.", exit_code=2)
    if zone is not None and not found:
        raise CliError("--timezone goes with --cron, --interval or --rrule.", exit_code=2)
    for schedule in found:
        if anchor is not None and "interval" in schedule:
            schedule["anchor_date"] = anchor
        if zone is not None:
            schedule["timezone"] = zone
    return found


def _triggers(text: str) -> list[dict[str, Any]]:
    """Triggers that are written as JSON, or in a file of YAML or JSON."""
    import yaml

    is_file = not text.lstrip().startswith(("{", "["))
    if is_file and not Path(text).is_file():
        raise CliError(f"--trigger {text!r} is neither JSON nor a file.", exit_code=2)
    try:
        content = yaml.safe_load(Path(text).read_text(encoding="utf-8")) if is_file else json.loads(text)
    except (ValueError, yaml.YAMLError) as error:
        raise CliError(f"--trigger {text!r} cannot be read: {error}", exit_code=2) from None
    if isinstance(content, dict) and "triggers" in content and "type" not in content:
        content = content["triggers"]
    found = content if isinstance(content, list) else [content]
    if not all(isinstance(trigger, dict) for trigger in found):
        raise CliError(f"--trigger {text!r} must be a trigger, or a list of triggers.", exit_code=2)
    return found


def choose(context: typer.Context, project: Project, choice: Choice) -> list[Entry]:
    """
    The deployments that are meant, with the changes that are asked for.

    Raises:
        CliError: None is, or what is asked for contradicts itself.
        prefect.deployments.projects.ProjectError: A name means none of those in the project's file.
    """
    if choice.everything:
        if choice.entrypoint or choice.names:
            raise CliError("Cannot deploy all deployments and some: leave out --all, or what is named.", exit_code=2)
        if not project.entries:
            raise CliError(f"There are no deployments in {project.file}. Set it up: prefect init")
        return _unchanged(project.entries, choice.changes)
    if choice.entrypoint is not None:
        return [_of_entrypoint(project, choice.entrypoint, choice)]
    if choice.names:
        found = project.named(choice.names)
        if len(found) == 1:
            return [found[0].with_fields(choice.changes)]
        return _unchanged(found, choice.changes)
    complete = [entry for entry in project.entries if entry.name and entry.fields.get("entrypoint")]
    if is_interactive(context):
        return [_asked(project, complete, choice)]
    if len(complete) == 1:
        return [complete[0].with_fields(choice.changes)]
    known = ", ".join(str(entry.name) for entry in complete)
    if known:
        raise CliError(f"Say which deployment of {project.file} is meant: --all, or --name with one of: {known}.")
    raise CliError(
        "Nothing to deploy: give an entrypoint (path/to/file.py:function), or write a prefect.yaml: prefect init"
    )


def _unchanged(entries: Sequence[Entry], changes: Mapping[str, Any]) -> list[Entry]:
    if changes and len(entries) > 1:
        given = ", ".join(changes)
        raise CliError(
            f"Options that say what a deployment is like ({given}) hold for one deployment only, and {len(entries)} are "
            "meant. Name one with --name, or change prefect.yaml.",
            exit_code=2,
        )
    return [entry.with_fields(changes) for entry in entries]


def _of_entrypoint(project: Project, entrypoint: str, choice: Choice) -> Entry:
    if len(choice.names) > 1:
        raise CliError("An entrypoint is deployed under one name: give --name once.", exit_code=2)
    changes = {**choice.changes, "entrypoint": entrypoint}
    name = choice.names[0] if choice.names else _DEFAULT_NAME
    there = [entry for entry in project.entries if entry.is_named(name)] if choice.names else []
    if there:
        return there[0].with_fields(changes)
    return project.new_entry({"name": name.rpartition("/")[2], **changes})


# -- questions --------------------------------------------------------------------------------------------------------


def _asked(project: Project, complete: Sequence[Entry], choice: Choice) -> Entry:
    labels = [f"{entry.flow_name or '?'}/{entry.name}" for entry in complete]
    if labels:
        number = _pick("Which deployment?", [*labels, "a new one"])
        if number < len(labels):
            return complete[number].with_fields(choice.changes)
    flows = _flows_here()
    if flows:
        number = _pick("Which flow?", [*flows, "another one"])
        entrypoint = flows[number] if number < len(flows) else typer.prompt("Entrypoint (path/to/file.py:function)")
    else:
        entrypoint = typer.prompt("Entrypoint (path/to/file.py:function)")
    fields: dict[str, Any] = {
        "name": typer.prompt("Name of the deployment", default=_DEFAULT_NAME),
        "entrypoint": entrypoint,
    }
    entry = project.new_entry(fields).with_fields(choice.changes)
    if "schedules" not in choice.changes:
        cron = typer.prompt(
            "Cron expression, such as '0 9 * * *'; empty for no schedule", default="", show_default=False
        )
        entry = entry.with_fields({"schedules": [{"cron": cron}]} if cron else {})
    if not (entry.fields.get("work_pool") or {}).get("name"):
        entry = entry.with_fields({"work_pool": {"name": _asked_pool()}})
    return entry


def _pick(question: str, labels: Sequence[str]) -> int:
    say(question)
    for number, label in enumerate(labels, 1):
        say(f"  {number}. {label}")
    answer: int = typer.prompt("Number", type=int, default=1)
    if not 1 <= answer <= len(labels):
        raise CliError(f"There is no number {answer}.")
    return answer - 1


def _flows_here() -> list[str]:
    """The entrypoints of the flows in the files of this folder, and of those below it, read without running them."""
    import ast

    found = []
    for path in sorted(Path().rglob("*.py")):
        if any(
            part.startswith((".", "__")) or part in {"venv", "site-packages", "node_modules"} for part in path.parts
        ):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue
        functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        found += [f"{path}:{function.name}" for function in functions if _is_flow(function)]
    return found


def _is_flow(node: Any) -> bool:
    import ast

    called = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return any(ast.unparse(each).rpartition(".")[2] == "flow" for each in called)


def _asked_pool() -> str:
    from prefect._contract.endpoints.work_pools import read_work_pools
    from prefect.cli.asking import ask

    pools = [pool.name for pool in ask(read_work_pools(limit=100))]
    if not pools:
        raise CliError(
            "There is no work pool to deploy to. Create one: prefect work-pool create my-pool --type process"
        )
    return pools[0] if len(pools) == 1 else pools[_pick("Which work pool?", pools)]


# -- deploying --------------------------------------------------------------------------------------------------------


def deploy_all_of(entries: Sequence[Entry], project: Project, context: typer.Context) -> None:
    """
    Deploy deployments one after another, and say what became of each.

    Raises:
        CliError: Some could not be deployed. The others are.
    """
    from prefect.deployments.declaring import declare
    from prefect.deployments.projects import ProjectError
    from prefect.deployments.runner import DeploymentApplyError
    from prefect.deployments.steps.core import StepExecutionError
    from prefect.exceptions import PrefectException
    from prefect.utilities.dual import drive

    failed: list[str] = []
    for entry in entries:
        try:
            made = drive(declare(entry, say))
        except (ProjectError, DeploymentApplyError, StepExecutionError, PrefectException, ValueError) as error:
            if len(entries) == 1:
                raise CliError(str(error)) from error
            say(f"Could not deploy {entry.place}: {error}")
            failed.append(str(entry.name))
            continue
        say(f"Deployed '{made.full_name}' ({made.id}) to work pool '{made.work_pool_name}'.")
        say(f"  Run it:         prefect deployment run '{made.full_name}'")
        say(f"  Start a worker: prefect worker start --pool '{made.work_pool_name}'")
        _offer_to_write(entry, project, context)
    if failed:
        raise CliError(f"{len(failed)} of {len(entries)} deployments could not be deployed: {', '.join(failed)}.")


def _offer_to_write(entry: Entry, project: Project, context: typer.Context) -> None:
    """Ask whether a new deployment is to be written down, where questions may be asked."""
    if entry in project.entries or not entry.place.startswith("the command") or not is_interactive(context):
        return
    if not typer.confirm(f"Write this deployment down in {project.file}?", default=False):
        return
    if project.append(entry.fields):
        say(f"Wrote it down in {project.file}.")
    else:
        say(f"{project.file} could not be added to without changing the rest of it. Add this below 'deployments':")
        say(json.dumps(dict(entry.fields), indent=2, default=str))
