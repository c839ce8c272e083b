"""Deploys what a project's file says, or the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from prefect._contract.actions.deployments import DeploymentScheduleCreate
from prefect._contract.concurrency import ConcurrencyLimitConfig
from prefect._contract.schedules import CronSchedule, construct_schedule
from prefect._engine.effects import CallEither
from prefect.client.references import resolve_block_document_references, resolve_variables
from prefect.deployments.projects import Entry, ProjectError
from prefect.deployments.runner import RunnerDeployment
from prefect.deployments.steps.core import run_steps
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings
from prefect.utilities.dual import Steps
from prefect.utilities.templating import apply_values

__all__ = ["Declared", "declare"]

_TIMING = ("interval", "anchor_date", "cron", "rrule", "timezone", "day_or")
_OF_SCHEDULES = ("active", "parameters", "slug", "replaces", "max_scheduled_runs", "catchup")
_SET_WORKING_DIRECTORY = "prefect.deployments.steps.set_working_directory"


class Declared(NamedTuple):
    """A deployment that the orchestrator knows now."""

    id: UUID
    full_name: str
    work_pool_name: str


def declare(entry: Entry, say: Callable[[str], Any]) -> Steps[Declared]:
    """
    Build and push the code of a deployment as its steps say, and make it known to the orchestrator.

    Its fields may hold `{{ name }}` for outputs of these steps, `{{ $NAME }}` for environment variables,
    `{{ prefect.variables.NAME }}` and `{{ prefect.blocks.TYPE.NAME }}`. What the steps that pull the code say of blocks and
    variables is looked up where they are run.

    Args:
        entry: The deployment.
        say: Told what is being done.

    Raises:
        ProjectError: Something that is needed is not written down, or cannot be meant as it is written.
        StepExecutionError: A step failed; nothing is deployed.
        DeploymentApplyError: The orchestrator does not take it.
    """
    fields = {name: value for name, value in entry.fields.items() if name not in {"build", "push", "pull"}}
    fields = yield CallEither(lambda: _resolved(fields), ())
    pool = _work_pool(entry, fields)
    outputs: dict[str, Any] = {}
    for kind in ("build", "push"):
        steps = deepcopy(entry.steps.get(kind) or [])
        if steps:
            say(f"Running the {kind} steps of {entry.place}.")
            outputs = yield CallEither(lambda steps=steps, before=outputs: run_steps(steps, before, say), ())
    filled: Any = apply_values({"fields": fields, "pool": pool}, outputs)
    fields, pool = filled["fields"], filled["pool"]
    deployment = _deployment(entry, fields, pool)
    deployment._pull_steps = _pull_steps(entry, outputs)
    deployment_id = yield from deployment._apply_steps()
    return Declared(deployment_id, deployment.full_name, pool["name"])


async def _resolved(fields: Any) -> Any:
    return await resolve_variables(await resolve_block_document_references(fields))


def _work_pool(entry: Entry, fields: Mapping[str, Any]) -> dict[str, Any]:
    pool = {name: value for name, value in (fields.get("work_pool") or {}).items() if value is not None}
    name = pool.get("name") or get_current_settings().deployments.default_work_pool_name
    if not name:
        raise ProjectError(
            f"A work pool is needed to deploy {entry.place}: give --pool, write 'work_pool: {{name: ...}}', or set "
            "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME. Work pools: prefect work-pool ls"
        )
    return {**pool, "name": name}


def _deployment(entry: Entry, fields: Mapping[str, Any], pool: Mapping[str, Any]) -> RunnerDeployment:
    entrypoint = fields.get("entrypoint")
    if not entrypoint:
        raise ProjectError(f"An entrypoint is needed to deploy {entry.place}, as in 'path/to/file.py:function'.")
    if not fields.get("name"):
        raise ProjectError(f"A name is needed to deploy {entry.place}: give --name, or write 'name: ...'.")
    enforce = fields.get("enforce_parameter_schema")
    paused = {"paused": fields["paused"]} if fields.get("paused") is not None else {}
    try:
        return RunnerDeployment.from_entrypoint(
            str(entrypoint),
            name=str(fields["name"]),
            schedules=_schedules(fields),
            concurrency_limit=_limit(fields.get("concurrency_limit")),
            parameters=fields.get("parameters") or {},
            triggers=fields.get("triggers") or [],
            description=fields.get("description"),
            tags=fields.get("tags") or [],
            version=None if fields.get("version") is None else str(fields["version"]),
            enforce_parameter_schema=True if enforce is None else bool(enforce),
            work_pool_name=pool["name"],
            work_queue_name=pool.get("work_queue_name"),
            job_variables=pool.get("job_variables") or {},
            **paused,
        )
    except (ValueError, TypeError, PrefectException) as error:
        reason = _first_reason(error) if isinstance(error, ValidationError) else error
        raise ProjectError(f"Cannot deploy {entry.place}: {reason}") from error


def _first_reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def _schedules(fields: Mapping[str, Any]) -> list[DeploymentScheduleCreate]:
    several, one = fields.get("schedules"), fields.get("schedule")
    if several and one:
        raise ProjectError("Both 'schedule' and 'schedules' are given: write all of them below 'schedules'.")
    active = {} if fields.get("is_schedule_active") is None else {"active": fields["is_schedule_active"]}
    written = several or ([one] if one else [])
    if not isinstance(written, list):
        raise ProjectError(f"'schedules' must be a list, and is a {type(written).__name__}.")
    return [_schedule({**active, **each} if isinstance(each, Mapping) else each) for each in written]


def _schedule(written: Any) -> DeploymentScheduleCreate:
    if not isinstance(written, Mapping):
        raise ProjectError(f"Invalid schedule {written!r}: write a mapping such as {{cron: '0 9 * * *'}}.")
    unknown = [key for key in written if key not in {*_TIMING, *_OF_SCHEDULES}]
    if unknown:
        known = ", ".join((*_TIMING, *_OF_SCHEDULES))
        raise ProjectError(f"Unknown key {', '.join(map(repr, unknown))} of a schedule. Known: {known}.")
    timing = {name: written[name] for name in _TIMING if written.get(name) is not None}
    others = {name: written[name] for name in _OF_SCHEDULES if written.get(name) is not None}
    day_or = timing.pop("day_or", None)
    when = construct_schedule(**timing)
    if day_or is not None:
        if not isinstance(when, CronSchedule):
            raise ProjectError("'day_or' goes with 'cron' only.")
        when = when.model_copy(update={"day_or": bool(day_or)})
    return DeploymentScheduleCreate.model_validate({"schedule": when, **others})


def _limit(written: Any) -> int | ConcurrencyLimitConfig | None:
    if isinstance(written, Mapping):
        return ConcurrencyLimitConfig.model_validate(
            {name: value for name, value in written.items() if value is not None}
        )
    return written  # type: ignore[no-any-return]


def _pull_steps(entry: Entry, outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that fetch the code; without any, it is where it is now. What is known here only is filled in."""
    steps = entry.steps.get("pull")
    if steps is None:
        return [{_SET_WORKING_DIRECTORY: {"directory": str(Path.cwd())}}]
    filled: Any = apply_values(deepcopy(steps), dict(outputs), remove_notset=False)
    return filled  # type: ignore[no-any-return]
