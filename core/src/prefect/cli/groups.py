"""
Groups of commands: with other names, with arguments that may also be given by name, and imported when they are used.

`prefect --help` and `prefect version` load no other command than the one that is asked for.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Annotated, Any, Optional, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import ArgumentInfo

from prefect.cli.errors import CliError
from prefect.cli.output import say

__all__ = ["AlsoNamed", "CommandGroup", "Entry", "LazyCommands", "as_command", "command", "noun"]


@dataclass(frozen=True)
class Entry:
    """
    A command of the core.

    Args:
        target: Where it is: `module:attribute`.
        help: What it does, in a line.
        aliases: Other names.
    """

    target: str
    help: str
    aliases: tuple[str, ...] = ()


def as_command(target: Any, name: str) -> Any:
    """
    The command that a target stands for: a typer app, a command of typer's, or anything else with a `main` like click's.

    Raises:
        CliError: It is none of these.
    """
    made: Any
    if isinstance(target, typer.Typer):
        made = typer.main.get_command(target)
    elif isinstance(target, TyperGroup.__mro__[-2]):  # the base of commands, wherever this typer has it from
        made = target
    elif callable(getattr(target, "main", None)):
        made = _passed_on(target, name)
    else:
        raise CliError(f"The command '{name}' must be a typer.Typer or a click command, not {type(target).__name__}.")
    made.name = name
    return made


def _passed_on(target: Any, name: str) -> Any:
    """A command that leaves all its arguments to one of another click than typer's own."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(
        name,
        help=str(getattr(target, "help", None) or ""),
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def pass_on(context: typer.Context) -> None:
        target.main(args=list(context.args), prog_name=f"prefect {name}")

    return typer.main.get_command(app)


class LazyCommands(MutableMapping[str, Any]):
    """
    Commands by name, imported when they are asked for.

    Args:
        entries: Those of the core.
        further: Gives the names of those of plugins. Asked only when a name is not one of the core's, or for all.
        load: Gives what a plugin provides under a name.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        further: Callable[[], list[str]],
        load: Callable[[str], Any],
    ) -> None:
        self.entries = entries
        self.aliases = {alias: name for name, entry in entries.items() for alias in entry.aliases}
        self._further = further
        self._load = load
        self._made: dict[str, Any] = {}

    def further(self) -> list[str]:
        """The names of the commands of plugins."""
        return [name for name in self._further() if name not in self.entries and name not in self.aliases]

    def __getitem__(self, name: str) -> Any:
        name = self.aliases.get(name, name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        entry = self.entries.get(name)
        if entry is None:
            if name not in self._further():
                raise KeyError(name)
            return as_command(self._load(name), name)
        module, _, attribute = entry.target.partition(":")
        return as_command(getattr(import_module(module), attribute), name)

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.entries
        yield from self.aliases
        yield from self.further()

    def __len__(self) -> int:
        return sum(1 for _ in self)


class CommandGroup(TyperGroup):
    """A group whose commands may have other names, and that shows its help when it is called without a command."""

    aliases: Mapping[str, str] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for alias, name in self.aliases.items():
            self.commands[alias] = self.commands[name]

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, without their other names."""
        return [name for name in self.commands if name not in self.aliases]

    def rows(self, ctx: Any) -> list[tuple[str, str]]:
        """Names, with the other ones, and what the commands do."""
        rows = []
        for name in self.list_commands(ctx):
            each = self.commands[name]
            if not each.hidden:
                rows.append((self.with_aliases(name), each.get_short_help_str(200)))
        return rows

    def with_aliases(self, name: str) -> str:
        """A name with the other ones in parentheses."""
        others = [alias for alias, meant in self.aliases.items() if meant == name]
        return f"{name} ({', '.join(others)})" if others else name

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(self.rows(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help when there is nothing else to do."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            say(ctx.get_help())
            raise typer.Exit(0)
        return super().parse_args(ctx, args)


def noun(help: str, aliases: Mapping[str, str] | None = None, **options: Any) -> typer.Typer:
    """
    A group of commands.

    Args:
        help: What they are about, in a line.
        aliases: Other names of its commands.
        options: Others of `typer.Typer`.
    """
    group = type("CommandGroup", (CommandGroup,), {"aliases": dict(aliases or {})})
    app = typer.Typer(cls=group, help=help, add_completion=False, rich_markup_mode=None, **options)
    app.callback()(_nothing)  # with it, an app of one command is still a group
    return app


def _nothing() -> None:
    """What a group does before its commands."""


# -- arguments by name ------------------------------------------------------------------------------------------------


class AlsoNamed:
    """
    Marks an argument that may be given by further names: `Annotated[int, typer.Argument(...), AlsoNamed("-n")]`.

    Args:
        names: The names, with their dashes.
    """

    def __init__(self, *names: str) -> None:
        self.names = names


class NamedCommand(TyperCommand):
    """A command whose arguments may be given by position or by name."""

    needed: frozenset[str] = frozenset()
    """The arguments that must be given."""

    meanings: Mapping[str, str] = {}
    """What the arguments are. Not with all pairs of versions of typer and click do arguments keep their help."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._arguments: list[Any] = [each for each in self.params if each.param_type_name == "argument"]
        self._need(self.needed)

    def _need(self, names: Container[str]) -> None:
        for argument in self._arguments:
            argument.required = argument.name in names

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave it to the command itself to say what is missing: it may have been given by name."""
        self._need(())
        try:
            return super().parse_args(ctx, args)
        finally:
            self._need(self.needed)

    def _shown(self, argument: Any) -> str:
        """An argument as help shows it: `ID`, `[KEY]`, `SETTINGS...`."""
        shown = str(argument.name).upper() + ("..." if argument.nargs == -1 else "")
        return shown if argument.name in self.needed else f"[{shown}]"

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What comes after the command's name in the line about its usage."""
        return [*([self.options_metavar] if self.options_metavar else []), *map(self._shown, self._arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of the arguments and of the options."""
        if self._arguments:
            with formatter.section("Arguments"):
                formatter.write_dl([(self._shown(each), self.meanings[each.name]) for each in self._arguments])
        records = [param.get_help_record(ctx) for param in self.get_params(ctx) if param.param_type_name != "argument"]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])


def command(app: typer.Typer, name: str, **options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Make a function a command of a group. Its arguments may be given by position, or by name: `--key KEY`.

    Args:
        app: The group.
        name: The command's name.
        options: Others of `typer.Typer.command`.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function).parameters.items()
        needed = frozenset(each for each, parameter in parameters if parameter.default is inspect.Parameter.empty)
        hints = annotations_of(function)
        meanings = {each: str(found.help or "") for each, hint in hints.items() if (found := _argument_of(hint))}
        made = type("NamedCommand", (NamedCommand,), {"needed": needed, "meanings": meanings})
        app.command(name, cls=made, **options)(_with_names(function))
        return function

    return register


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of the parameters. (On Python 3.10, `get_type_hints` hides those of parameters that default to None.)"""
    parameters = inspect.signature(function, eval_str=True).parameters
    return {name: parameter.annotation for name, parameter in parameters.items()}


def _argument_of(annotation: Any) -> ArgumentInfo | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((each for each in get_args(annotation)[1:] if isinstance(each, ArgumentInfo)), None)


def _with_names(function: Callable[..., None]) -> Callable[..., None]:
    """The function, with an option for each of its arguments."""
    hints = annotations_of(function)
    parameters = inspect.signature(function).parameters
    arguments = {name: parameter for name, parameter in parameters.items() if _argument_of(hints[name]) is not None}
    if not arguments:
        return function
    plain = {name: get_args(hints[name])[0] for name in arguments}

    @functools.wraps(function)
    def call(_context: typer.Context, **values: Any) -> None:
        by_name = {name: values.pop(f"{name}_by_name") for name in arguments}
        by_position = [value for name in arguments if _is_given(value := values.pop(name))]
        chosen = _assign(_context, arguments, by_name, by_position)
        function(**values, **chosen)

    found: dict[str, Any] = {"_context": typer.Context}
    further: dict[str, Any] = {}
    defaults: dict[str, Any] = {"_context": inspect.Parameter.empty}
    for name, parameter in parameters.items():
        if name in arguments:
            argument = _argument_of(hints[name]) or ArgumentInfo()
            low, high = argument.min, argument.max
            given = typer.Argument(help=argument.help, show_default=False, min=low, max=high)
            found[name] = Annotated[Optional[plain[name]], given]
            by_name = typer.Option(*_names_of(name, hints), hidden=True, min=low, max=high)
            further[f"{name}_by_name"] = Annotated[Optional[plain[name]], by_name]
            defaults[name] = defaults[f"{name}_by_name"] = None
        else:
            found[name] = hints[name]
            defaults[name] = parameter.default
    found.update(further)
    kind = inspect.Parameter.KEYWORD_ONLY
    signature = [inspect.Parameter(n, kind, default=defaults[n], annotation=found[n]) for n in found]
    call.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    call.__annotations__ = found
    del call.__wrapped__  # typer would read the signature of that
    return call


def _names_of(name: str, hints: Mapping[str, Any]) -> list[str]:
    further = (each.names for each in get_args(hints[name])[1:] if isinstance(each, AlsoNamed))
    return [f"--{name.replace('_', '-')}", *chain.from_iterable(further)]


def _is_given(value: Any) -> bool:
    return value is not None and value not in ([], ())


def _assign(
    context: typer.Context, arguments: Mapping[str, inspect.Parameter], by_name: dict[str, Any], by_position: list[Any]
) -> dict[str, Any]:
    """Give each argument its value: those by position go, in order, to the ones that were not given by name."""
    chosen = {}
    for name, parameter in arguments.items():
        if _is_given(by_name[name]):
            chosen[name] = by_name[name]
        elif by_position:
            chosen[name] = by_position.pop(0)
        elif parameter.default is inspect.Parameter.empty:
            context.fail(f"Missing argument '{name.upper()}'.")
        else:
            chosen[name] = parameter.default
    if by_position:
        context.fail(f"Got unexpected extra argument ({by_position[0]}).")
    return chosen
