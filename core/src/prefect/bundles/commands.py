"""The commands that carry bundles: a work pool's storage steps, and the launchers that start them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, Union

from typing_extensions import TypedDict

import prefect

__all__ = [
    "BundleLauncher",
    "BundleLauncherOverride",
    "BundleLauncherSide",
    "convert_step_to_command",
    "get_launcher_for_side",
    "normalize_launcher",
    "resolve_bundle_step_with_launcher",
    "validate_bundle_step_launcher",
]

BundleLauncherSide = Literal["upload", "execution"]
"""Where a step is started: where the flow is submitted, or on the infrastructure."""


class BundleLauncherOverride(TypedDict, total=False):
    """Commands that start the steps of the two sides."""

    upload: list[str]
    execution: list[str]


BundleLauncher = Union[list[str], BundleLauncherOverride]
"""The command that starts both steps, in its parts (`["python3.12"]`); or one for each side."""

_NOT_ARGUMENTS = frozenset({"requires", "launcher"})


def convert_step_to_command(step: dict[str, Any], key: str, quiet: bool = False) -> list[str]:
    """
    The command of a step that carries a bundle: its module is run with its options, and `--key`.

    Args:
        step: The module, and its options: `{"my_storage.upload": {"bucket": "b"}}`. `requires` names packages that it
            needs, which `uv run` brings; `launcher` is a command to start it with in place of `uv run`.
        key: What the bundle is called in storage.
        quiet: Whether uv says nothing.

    Returns:
        The command in its parts. Options that are None are left out.

    Raises:
        ValueError: The step has not exactly one module, or its launcher is no command.
        TypeError: Its options are no mapping.
    """
    module, options = _parts(step)
    arguments = [
        part
        for name, value in options.items()
        if name not in _NOT_ARGUMENTS and value is not None
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]
    if options.get("launcher") is not None:
        start = validate_bundle_step_launcher(options["launcher"])
    else:
        start = ["uv", "run", *(["--quiet"] if quiet else []), *_with(options.get("requires"))]
        start += ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"]
    return [*start, "-m", module, *arguments, "--key", key]


def _parts(step: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if len(step) != 1:
        raise ValueError(f"Expected exactly one function in step, got {list(step)}.")
    ((module, options),) = step.items()
    if not isinstance(options, Mapping):
        raise TypeError(f"The options of the step {module!r} must be a mapping, not {options!r}.")
    return module, options


def _with(requires: list[str] | str | None) -> list[str]:
    if not requires:
        return []
    packages = [requires] if isinstance(requires, str) else requires
    return ["--with", ",".join([*packages, f"prefect=={prefect.__version__}"])]


def validate_bundle_step_launcher(launcher: Any, *, field_name: str = "launcher") -> list[str]:
    """
    A launcher, if it may be one.

    Args:
        launcher: A command in its parts.
        field_name: What it is called in errors.

    Raises:
        ValueError: It is empty, or a part of it is.
        TypeError: It is no list.
    """
    if not isinstance(launcher, list):
        raise TypeError(f"{field_name} must be a list[str], the parts of a command, not {launcher!r}.")
    if not launcher:
        raise ValueError(f"{field_name} must be a non-empty list[str]")
    for number, part in enumerate(launcher):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{field_name}[{number}] must be a non-empty string, not {part!r}.")
    return list(launcher)


def normalize_launcher(launcher: BundleLauncher | None) -> BundleLauncherOverride | None:
    """
    A launcher as one for each side.

    Raises:
        ValueError: It names no side, or another one, or a command is empty.
        TypeError: It is neither a list nor a mapping.
    """
    if launcher is None:
        return None
    if isinstance(launcher, list):
        command = validate_bundle_step_launcher(launcher)
        return {"upload": command, "execution": list(command)}
    if not isinstance(launcher, Mapping):
        raise TypeError(f"launcher must be a list[str] or a mapping with 'upload'/'execution' keys, not {launcher!r}.")
    if others := sorted(set(launcher) - {"upload", "execution"}):
        raise ValueError(f"launcher may only specify 'upload' and 'execution'; got {others}")
    if not launcher:
        raise ValueError("launcher must specify at least one of 'upload' or 'execution'")
    sides: Any = {
        side: validate_bundle_step_launcher(command, field_name=f"launcher[{side!r}]")
        for side, command in launcher.items()
    }
    return sides  # type: ignore[no-any-return]


def get_launcher_for_side(launcher: BundleLauncher | None, side: BundleLauncherSide) -> list[str] | None:
    """The command that starts the step of a side; None if the launcher says none. See `normalize_launcher` for errors."""
    sides = normalize_launcher(launcher)
    return None if sides is None else sides.get(side)


def resolve_bundle_step_with_launcher(
    step: dict[str, Any], launcher: BundleLauncher | None, side: BundleLauncherSide
) -> dict[str, Any]:
    """
    A step that is started by a launcher, which then sees to the packages that the step needs.

    Args:
        step: The module, and its options.
        launcher: What starts it; None leaves it as it is.
        side: Where it is started.
    """
    command = get_launcher_for_side(launcher, side)
    if command is None:
        return step
    module, options = _parts(step)
    return {module: {**{name: value for name, value in options.items() if name != "requires"}, "launcher": command}}
