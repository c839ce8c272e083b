"""Finding the flow that people mean: `file.py`, `file.py:flow`, `module`, `module:flow`."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect.flows import Flow

__all__ = ["load_flow", "load_place"]


def load_flow(target: str) -> Flow[Any, Any]:
    """
    The flow of a file or module.

    Args:
        target: A path or a module, and after a colon the function or name of the flow. That may be left out when there is
            only one.

    Raises:
        CliError: There is none, or several, or what is there cannot be loaded.
    """
    place, _, name = target.partition(":") if not _is_drive(target) else (target, "", "")
    if target.count(":") > 1 and not _is_drive(target):
        place, _, name = target.rpartition(":")
    module = load_place(place)
    if name:
        return _named(module, place, name)
    return _only_one(module, place)


def _is_drive(target: str) -> bool:
    """Whether the only colon is that of a drive of Windows."""
    return len(target) > 2 and target[1] == ":" and target[2] in "\\/" and ":" not in target[2:]


def load_place(place: str) -> ModuleType:
    """
    A file or module that people name, executed.

    Raises:
        CliError: There is none, or it fails.
    """
    from prefect.exceptions import ScriptError
    from prefect.utilities.importtools import load_module, load_script_as_module

    is_file = place.endswith(".py") or Path(place).is_file()
    if is_file and not Path(place).is_file():
        raise CliError(f"There is no file {place!r} (looked for {Path(place).absolute()}).")
    try:
        return load_script_as_module(place) if is_file else load_module(place)
    except ScriptError as error:
        raise CliError(_of_script(place, error.user_exc)) from None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise CliError(_of_script(place, error)) from None
        raise CliError(
            f"There is no file and no module {place!r} here. Give path/to/file.py:flow or package.module:flow."
        ) from None
    except Exception as error:
        raise CliError(_of_script(place, error)) from None


def _of_script(place: str, error: Exception) -> str:
    """What went wrong in the user's code, from the user's first line on."""
    own = {str(Path(place).absolute()), str(Path(place).resolve())}
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename not in own:
        found = found.tb_next
    shown = traceback.format_exception(type(error), error, found or error.__traceback__)
    return f"{place} cannot be loaded:\n{''.join(shown).rstrip()}"


def _flows_in(module: ModuleType) -> dict[str, Flow[Any, Any]]:
    from prefect.flows import Flow

    return {name: value for name, value in vars(module).items() if isinstance(value, Flow)}


def _named(module: ModuleType, place: str, name: str) -> Flow[Any, Any]:
    from prefect.flows import Flow
    from prefect.utilities.text import fuzzy_match_string

    found: Any = module
    for step in name.split("."):
        found = getattr(found, step, None)
    flows = _flows_in(module)
    if found is None:
        found = next((flow for flow in flows.values() if flow.name == name), None)
    if isinstance(found, Flow):
        return found
    if found is not None:
        raise CliError(f"{name!r} in {place} is not a flow, but a {type(found).__name__}. Decorate it with @flow.")
    guess = fuzzy_match_string(name, flows)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise CliError(f"There is no flow {name!r} in {place}. Flows there: {', '.join(flows) or 'none'}.{hint}")


def _only_one(module: ModuleType, place: str) -> Flow[Any, Any]:
    flows = _flows_in(module)
    # Those that it has imported are not what is meant, if it has some of its own.
    own = {name: flow for name, flow in flows.items() if getattr(flow.fn, "__module__", None) == module.__name__}
    choice = own or flows
    if len({id(flow) for flow in choice.values()}) == 1:
        return next(iter(choice.values()))
    if not choice:
        raise CliError(f"There is no flow in {place}. Decorate a function with @flow.")
    names = ", ".join(choice)
    raise CliError(f"There are {len(choice)} flows in {place}: {names}. Say which: {place}:{next(iter(choice))}")
