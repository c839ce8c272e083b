"""Blocks: configuration that is stored with the orchestrator, typed, its secrets kept apart from what is shown."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

if TYPE_CHECKING:
    from prefect.blocks import notifications as notifications, system as system, webhook as webhook

__all__ = install(  # noqa: PLE0605 - it is a list
    globals(),
    {
        "notifications": "prefect.blocks.notifications",
        "system": "prefect.blocks.system",
        "webhook": "prefect.blocks.webhook",
    },
)
