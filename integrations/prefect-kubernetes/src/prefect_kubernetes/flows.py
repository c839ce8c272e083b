"""Flows that run a Job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Dict, Optional

from prefect.flows import flow
from prefect.tasks import task
from prefect_kubernetes.jobs import KubernetesJob

__all__ = ["run_namespaced_job", "run_namespaced_job_async"]


@flow
def run_namespaced_job(
    kubernetes_job: KubernetesJob, print_func: Optional[Callable[[str], Any]] = None
) -> Dict[str, Any]:
    """
    Run a Job, and wait for it. To start it and to wait for it are tasks.

    Args:
        kubernetes_job: The Job.
        print_func: Called with each line that its pods print.

    Returns:
        What each of its pods has printed, by its name.
    """
    run = task(kubernetes_job.trigger)()
    task(run.wait_for_completion)(print_func)
    result: Dict[str, Any] = task(run.fetch_result)()
    return result


@flow
async def run_namespaced_job_async(
    kubernetes_job: KubernetesJob, print_func: Optional[Callable[[str], Any]] = None
) -> Dict[str, Any]:
    """Run a Job, and wait for it; see `run_namespaced_job`."""
    run = await task(kubernetes_job.trigger.aio)()
    await task(run.wait_for_completion.aio)(print_func)
    result: Dict[str, Any] = await task(run.fetch_result.aio)()
    return result
