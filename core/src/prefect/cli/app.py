"""The root of all commands: what there is, options that hold for all, how commands end that fail."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, Optional, TextIO

import typer

from prefect.cli.errors import CliError, explain
from prefect.cli.groups import CommandGroup, Entry, LazyCommands
from prefect.cli.output import paint, say

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: dict[str, Entry] = {
    "api": Entry(
        "prefect.cli.api:app", "Send a request to the server, as this machine's settings say, and write its answer."
    ),
    "artifact": Entry("prefect.cli.artifact:app", "Show and delete what runs have left for people."),
    "asset": Entry(
        "prefect.cli.asset:app", "Show the assets that tasks have made or read, and which were made from which."
    ),
    "automation": Entry(
        "prefect.cli.automation:app",
        "Show, create, change, pause and delete automations: what is done when events occur.",
        ("automations",),
    ),
    "block": Entry("prefect.cli.block:app", "Show, create, register and delete stored configuration.", ("blocks",)),
    "concurrency-limit": Entry(
        "prefect.cli.concurrency_limit:app",
        "Limit how many task runs with a tag may be running.",
        ("concurrency-limits",),
    ),
    "config": Entry("prefect.cli.config:app", "Show and change settings."),
    "dashboard": Entry("prefect.cli.dashboard:app", "Look at the server in a web browser."),
    "deploy": Entry(
        "prefect.cli.deploy:app",
        "Deploy a flow, or what prefect.yaml says: make it known, with when and where its runs are executed.",
    ),
    "deployment": Entry(
        "prefect.cli.deployment:app",
        "Show, run, pause and delete deployments, and change their schedules.",
        ("deployments",),
    ),
    "events": Entry("prefect.cli.events:app", "Emit events, and see which have occurred.", ("event",)),
    "flow": Entry("prefect.cli.flow:app", "Show flows, and serve them.", ("flows",)),
    "flow-run": Entry("prefect.cli.flow_run:app", "Show, cancel, retry and delete runs of flows.", ("flow-runs",)),
    "global-concurrency-limit": Entry(
        "prefect.cli.global_concurrency_limit:app", "Limit how much of something may happen at once, by name.", ("gcl",)
    ),
    "init": Entry(
        "prefect.cli.initializing:app",
        "Set up a project in this folder: a prefect.yaml, which says what `prefect deploy` does, and a .prefectignore.",
    ),
    "plugins": Entry("prefect.cli.plugins:app", "Show what is installed, what it provides and what failed to load."),
    "profile": Entry("prefect.cli.profile:app", "Choose and change profiles: named sets of settings.", ("profiles",)),
    "run": Entry("prefect.cli.run:app", "Run a flow here, and show how far it is."),
    "server": Entry(
        "prefect.cli.server:app", "Start and stop a server, and look after its database, loops and tokens."
    ),
    "task": Entry("prefect.cli.task:app", "Execute the runs of tasks that are called with `delay`."),
    "shell": Entry("prefect.cli.shell:app", "Run a shell command as a flow, now or again and again."),
    "task-run": Entry("prefect.cli.task_run:app", "Show runs of tasks.", ("task-runs",)),
    "transfer": Entry(
        "prefect.cli.transfer:app",
        "Copy variables, limits, blocks, work pools, deployments and automations from one orchestrator to another.",
    ),
    "variable": Entry("prefect.cli.variable:app", "Show and change variables."),
    "version": Entry("prefect.cli.version:app", "Show versions of the product and what it works with."),
    "work-pool": Entry(
        "prefect.cli.work_pool:app",
        "Create and change work pools: where runs of deployments wait for a worker.",
        ("work-pools",),
    ),
    "work-queue": Entry("prefect.cli.work_queue:app", "Create and change the queues of work pools.", ("work-queues",)),
    "worker": Entry(
        "prefect.cli.worker:app", "Start workers: processes that take runs from a work pool and have them executed."
    ),
}
"""The commands of the core. Their help is here too, so that listing them imports none of them."""


def _names_of_plugins() -> list[str]:
    from prefect.plugins import registries

    return registries.cli.names()


def _load_from_plugin(name: str) -> Any:
    from prefect.plugins import registries

    return registries.cli.get(name)


class RootGroup(CommandGroup):
    """`prefect`: commands are imported when they are used, and those of plugins are looked for when one is unknown."""

    commands: LazyCommands

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = LazyCommands(COMMANDS, _names_of_plugins, _load_from_plugin)
        self.aliases = self.commands.aliases

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands: the core's, then those of plugins."""
        return [*COMMANDS, *self._of_plugins()]

    def _of_plugins(self) -> list[str]:
        try:
            return self.commands.further()
        except Exception as error:  # what is wrong with plugins never keeps the core from working
            say(f"Commands of plugins are not listed: {error}", to=sys.stderr)
            return []

    def rows(self, ctx: Any) -> list[tuple[str, str]]:
        """Names and help of all commands, none of which is imported for it."""
        rows = [(self.with_aliases(name), entry.help) for name, entry in COMMANDS.items()]
        return rows + [(name, _help_of_plugin(name)) for name in self._of_plugins()]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept the options for all commands after a command of the core, too: `prefect artifact delete KEY --no-prompt`."""
        return super().parse_args(ctx, _options_first(args, self.commands))

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except CliError as error:
            _end(str(error), error.exit_code)
        except Exception as error:
            message = explain(error)
            if message is None or _is_debugging():
                raise
            _end(message, 1)


def _end(message: str, exit_code: int) -> NoReturn:
    sys.stdout.flush()
    say(paint(message, "red", sys.stderr), to=sys.stderr)
    raise typer.Exit(exit_code)


def _is_debugging() -> bool:
    from prefect.settings import get_current_settings

    try:
        return get_current_settings().debug_mode
    except Exception:  # the settings themselves may be what is wrong: that is what is reported then
        return False


def _help_of_plugin(name: str) -> str:
    from prefect.plugins import registries

    try:
        return str(getattr(registries.cli.spec(name), "help", "") or "")
    except Exception as error:
        return str(error)


def _options_first(args: list[str], commands: LazyCommands) -> list[str]:
    """The arguments with the options that hold for all commands in front."""
    place = _place_of_command(args)
    if place is None or (args[place] not in commands.entries and args[place] not in commands.aliases):
        return args
    first, rest = args[:place], args[place:]
    kept: list[str] = []
    while rest and rest[0] != "--":
        word = rest.pop(0)
        if word in {"--prompt", "--no-prompt"} or word.startswith("--profile="):
            first.append(word)
        elif word == "--profile" and rest:
            first += [word, rest.pop(0)]
        else:
            kept.append(word)
    return [*first, *kept, *rest]


def _place_of_command(args: list[str]) -> int | None:
    place = 0
    while place < len(args) and args[place].startswith("-"):
        place += 2 if args[place] in {"--profile", "-p"} else 1
    return place if place < len(args) else None


app = typer.Typer(
    cls=RootGroup,
    help="Run flows, see what ran, and change how it runs.",
    no_args_is_help=False,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from prefect import __version__

        say(__version__)
        raise typer.Exit(0)


@app.callback()
def _root(
    context: typer.Context,
    profile: Annotated[
        Optional[str], typer.Option("--profile", "-p", metavar="NAME", help="Use this profile for this command.")
    ] = None,
    prompt: Annotated[
        Optional[bool],
        typer.Option(
            "--prompt/--no-prompt", help="Whether to ask questions; by default, if on a terminal.", show_default=False
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", "-v", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    context.obj = {"prompt": prompt}
    if profile is not None:
        context.with_resource(_using_profile(profile))


@contextmanager
def _using_profile(name: str) -> Iterator[None]:
    from prefect.cli.profile import existing
    from prefect.settings.context import reload_settings, use_profile

    existing(name)
    before = os.environ.get("PREFECT_PROFILE")
    os.environ["PREFECT_PROFILE"] = name  # for the processes that this one starts, too
    reload_settings()
    try:
        with use_profile(name):
            yield
    finally:
        if before is None:
            del os.environ["PREFECT_PROFILE"]
        else:
            os.environ["PREFECT_PROFILE"] = before
        reload_settings()


class _ShowWarning:
    """Shows warnings: the product's once, in a line for people; those of flows as Python does."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not filename.startswith(_OWN_FILES):
            say(warnings.formatwarning(message, category, filename, lineno, line).rstrip(), to=file or sys.stderr)
        elif str(message) not in self._shown:
            self._shown.add(str(message))
            say(f"Warning: {message}", to=file or sys.stderr)


_OWN_FILES = str(Path(__file__).parents[1])


def main() -> None:
    """The console script."""
    warnings.showwarning = _ShowWarning()
    try:
        typer.main.get_command(app)(prog_name="prefect")
    finally:
        _flush()


def _flush() -> None:
    """Write what is left, unless nobody reads it any more: `prefect flow-run ls | head`."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
