"""Which types of workers are installed, and the job templates of their work pools."""

from __future__ import annotations

from typing import Any

from prefect.workers.base import BaseWorker

__all__ = ["get_available_work_pool_types", "get_default_base_job_template_for_infrastructure_type"]


async def get_available_work_pool_types() -> list[str]:
    """The types of work pools for which a worker is installed here."""
    return BaseWorker.get_all_available_worker_types()


async def get_default_base_job_template_for_infrastructure_type(infra_type: str) -> dict[str, Any] | None:
    """
    The job template that work pools of a type have by default.

    Args:
        infra_type: The type.

    Returns:
        The template; None if no worker of this type is installed.
    """
    worker = BaseWorker.get_worker_class_from_type(infra_type)
    return None if worker is None else worker.get_default_base_job_template()
