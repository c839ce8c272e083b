"""What a process that executes a flow run is started with: the work pool's template, filled in for the run."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect._contract.work_pools import WorkPool

__all__ = ["Job", "job_of"]

_PLACEHOLDER = re.compile(r"{{\s*(\w+)\s*}}")


@dataclass(frozen=True, slots=True)
class Job:
    """
    How a flow run is executed in a process of its own.

    Args:
        command: What is started, as a shell would take it apart; None for `prefect flow-run execute`.
        env: Environment variables; None removes one.
        working_dir: Where; None for a directory that is made for it.
        stream_output: Whether what it prints is shown.
    """

    command: str | None = None
    env: dict[str, str | None] = field(default_factory=dict)
    working_dir: str | None = None
    stream_output: bool = True

    @property
    def arguments(self) -> list[str]:
        """The command, in parts."""
        import shlex

        if self.command is None:
            return [sys.executable, "-c", "from prefect.cli import main; main()", "flow-run", "execute"]
        return shlex.split(self.command)


def job_of(pool: WorkPool, deployment: DeploymentResponse | None, run: FlowRun) -> Job:
    """
    Fill in the template of a work pool: with its defaults, then what the deployment says, then what the run says.

    Raises:
        ValueError: What is filled in has the wrong type.
    """
    template = pool.base_job_template
    variables = template.get("variables", {}).get("properties", {})
    values: dict[str, Any] = {name: about["default"] for name, about in variables.items() if "default" in about}
    for overrides in (deployment.job_variables if deployment is not None else {}, run.job_variables or {}):
        values = _merged(values, overrides)
    configuration = template.get("job_configuration") or {name: f"{{{{ {name} }}}}" for name in values}
    filled = {name: _filled(value, values) for name, value in configuration.items()}
    env = filled.get("env") or {}
    if not isinstance(env, Mapping):
        raise ValueError(f"The job variable 'env' of work pool {pool.name!r} must be a mapping, and is {env!r}.")
    stream_output = filled.get("stream_output")
    return Job(
        command=filled.get("command") or None,
        env={str(name): None if value is None else str(value) for name, value in env.items()},
        working_dir=filled.get("working_dir") or None,
        stream_output=True if stream_output is None else bool(stream_output),
    )


def _merged(values: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Environment variables are added to those that there are; all else takes their place."""
    merged = {**values, **overrides}
    if isinstance(values.get("env"), Mapping) and isinstance(overrides.get("env"), Mapping):
        merged["env"] = {**values["env"], **overrides["env"]}
    return merged


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A value of the template: as it is, a variable, or a text with variables in it."""
    if isinstance(value, Mapping):
        return {name: _filled(each, values) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value.strip())
    if whole is not None:
        return values.get(whole[1])
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], "")), value)
