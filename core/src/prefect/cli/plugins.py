"""`prefect plugins`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, paint, print_fields, print_json, say

if TYPE_CHECKING:
    from prefect.plugins.loading import PluginConfig
    from prefect.plugins.reporting import PluginReport

app = noun("Show what is installed, what it provides and what failed to load.", invoke_without_command=True)


@app.callback()
def _bare(context: typer.Context) -> None:
    """Show what is installed, what it provides and what failed to load."""
    if context.invoked_subcommand is None:
        ls(output=None)


@command(app, "list")
def ls(output: Output = None) -> None:
    """List all plugins: what they provide, and why those are not used that are not."""
    from prefect.cli.tables import Column, print_table
    from prefect.plugins import report

    found = report()
    if output:
        print_json([_as_json(each) for each in found])
        return
    rows = [
        (each.name, each.distribution, each.version, each.status, _provided(each) or _first_failure(each))
        for each in found
    ]
    status = Column("Status", whole=True, colour=_coloured)
    print_table(["Plugin", "Distribution", "Version", status, "Provides"], rows, "There are no plugins.")


def _coloured(line: str, status: str) -> str:
    colours = {"ok": "green", "built-in": "green", "failed": "red", "refused": "yellow"}
    return paint(line, colours[status]) if status in colours else line


def _provided(plugin: PluginReport) -> str:
    return "; ".join(f"{_noun(family)}: {', '.join(names)}" for family, names in plugin.provides.items())


def _noun(family: str) -> str:
    return family.replace("_", " ")


def _first_failure(plugin: PluginReport) -> str:
    if plugin.reason:
        return plugin.reason
    return f"{plugin.failures[0].phase}: {plugin.failures[0].error}" if plugin.failures else ""


def _as_json(plugin: PluginReport) -> dict[str, Any]:
    return asdict(plugin)


@command(app, "show")
def show(name: Annotated[str, typer.Argument(help="The name of a plugin.")], output: Output = None) -> None:
    """Show a plugin."""
    from prefect.plugins import report
    from prefect.utilities.text import fuzzy_match_string

    plugins = report()
    found = [each for each in plugins if name in {each.name, each.distribution}]
    if not found:
        known = [each.name for each in plugins]
        guess = fuzzy_match_string(name, known)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise CliError(f"No plugin {name!r} is installed. Installed: {', '.join(known)}.{hint}")
    if output:
        print_json([_as_json(each) for each in found])
        return
    for plugin in found:
        _show(plugin)


def _show(plugin: PluginReport) -> None:
    print_fields(
        {
            "Plugin": plugin.name,
            "Distribution": plugin.distribution,
            "Version": plugin.version,
            "Declared in": plugin.group,
            "Plugin API": plugin.api_requires,
            "Status": plugin.status,
            "Reason": plugin.reason,
            "Hooks": "\n".join(plugin.hooks),
            **{_noun(family).capitalize(): "\n".join(names) for family, names in plugin.provides.items()},
            **{f"Failed to {each.phase}": each.traceback.rstrip() or each.error for each in plugin.failures},
        }
    )


@command(app, "new")
def new(
    name: Annotated[str, typer.Argument(help="What people call it, such as 'Readable JSON'.")],
    brings: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="What it brings, again and again: serializer, block, notifier, result_storage, task_runner, worker, steps,"
            " cli, lock_manager or settings. A serializer, by default.",
        ),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who writes it.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="The licence: Apache-2.0, MIT or BSD-3-Clause, for example.")
    ] = None,
    into: Annotated[Path, typer.Option(help="Where its folder is made.", exists=True, file_okay=False)] = Path(),
) -> None:
    """Write a new plugin, with tests, from a template."""
    from prefect.cli.plugin_template import FAMILIES, context_of, render

    unknown = sorted(set(brings or ()) - set(FAMILIES))
    if unknown:
        raise CliError(f"A plugin cannot bring {', '.join(map(repr, unknown))}. Known: {', '.join(FAMILIES)}.")
    wanted = {family: family in brings for family in FAMILIES} if brings else {}
    project = render(into, context_of({"name": name, "author": author, "licence": licence, **wanted}))
    say(f"Made {project}. Next: cd {project} && pip install -e . --group test && pytest")


@command(app, "diagnose")
def diagnose(output: Output = None) -> None:
    """
    Load all plugins, run their health checks, and show in full what went wrong.

    The exit code is 1 if something did.
    """
    from prefect.plugins import PREFECT_PLUGIN_API_VERSION, report
    from prefect.plugins.loading import current_host

    plugins = report()
    checks = _checks()
    config = current_host().config
    broken = [each for each in plugins if each.failures]
    failed = [check for check in checks if not check["ok"]]
    if output:
        print_json({"plugins": [_as_json(each) for each in plugins], "checks": checks})
    else:
        print_fields({"Plugin API": PREFECT_PLUGIN_API_VERSION, "Plugins": str(len(plugins)), **_rules(config)})
        for each in broken:
            say()
            _show(each)
        for check in checks:
            say(f"{paint('ok', 'green') if check['ok'] else paint('failed', 'red')}  {check['name']}: {check['says']}")
        if not broken and not failed:
            say("No plugin has failed.")
    if broken or failed:
        raise typer.Exit(1)


def _rules(config: PluginConfig) -> dict[str, str]:
    """The settings that decide which plugins are used."""
    named = {"Allowed": config.allow, "Denied": config.deny}
    rules = {name: ", ".join(sorted(value)) for name, value in named.items() if value}
    return {**rules, "Safe mode": "on: no plugin is imported"} if config.safe_mode else rules


def _checks() -> list[dict[str, Any]]:
    """The health checks of plugins: what each says, and whether it succeeded."""
    from prefect.plugins.loading import current_host

    results = []
    for answer in current_host().call("prefect_diagnose"):
        for check in answer:
            try:
                results.append({"name": check.name, "ok": True, "says": str(check.run())})
            except Exception as error:
                results.append({"name": check.name, "ok": False, "says": f"{type(error).__name__}: {error}"})
    return results
