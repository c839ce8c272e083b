"""How events are sent to a server."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["EventsSettings"]


class EventsSettings(PrefectBaseSettings):
    """How events are sent to a server."""

    model_config = build_settings_config(("events",))

    worker_max_queue_size: int = Field(
        default=0, ge=0, description="The most events that wait to be sent to a server; 0: any number."
    )
