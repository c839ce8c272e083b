"""The workers of this integration."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

if TYPE_CHECKING:
    from prefect_aws.workers.ecs_worker import ECSWorker

__all__ = install(globals(), {"ECSWorker": "prefect_aws.workers.ecs_worker"})  # noqa: PLE0605 - it is a list
