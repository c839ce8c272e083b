"""Requests as they may be shown: without the values of environment variables that nobody shall see."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from prefect_aws.ecs.secrets import SECRET_VARIABLES

__all__ = ["mask_api_key", "mask_sensitive_env_values"]


def mask_sensitive_env_values(
    task_run_request: dict[str, Any], names: Collection[str] = SECRET_VARIABLES, *, replace_with: str = "***"
) -> dict[str, Any]:
    """
    A request to start a task, with the values of some environment variables replaced. The request itself stays as it is.

    Args:
        task_run_request: The arguments of RunTask.
        names: The variables; by default those of the product that hold secrets.
        replace_with: What is shown instead.
    """
    overrides = task_run_request.get("overrides") or {}
    containers = overrides.get("containerOverrides") or []
    shown = [_masked(container, names, replace_with) for container in containers]
    return {**task_run_request, "overrides": {**overrides, "containerOverrides": shown}} if shown else task_run_request


def _masked(container: dict[str, Any], names: Collection[str], replace_with: str) -> dict[str, Any]:
    variables = container.get("environment")
    if not variables:
        return container
    shown = [{**each, "value": replace_with} if each.get("name") in names else each for each in variables]
    return {**container, "environment": shown}


def mask_api_key(task_run_request: dict[str, Any]) -> dict[str, Any]:
    """
    A request to start a task, with the API key replaced by `***`. The request itself stays as it is.

    Args:
        task_run_request: The arguments of RunTask.
    """
    return mask_sensitive_env_values(task_run_request, {"PREFECT_API_KEY"})
