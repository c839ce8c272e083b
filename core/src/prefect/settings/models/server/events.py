"""Which events are taken, and how long they are kept."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import SecondsTimeDelta

__all__ = ["ServerEventsSettings"]


class ServerEventsSettings(PrefectBaseSettings):
    """Which events are taken, and how long they are kept."""

    model_config = build_settings_config(
        (
            "server",
            "events",
        )
    )

    causal_ordering: str = Field(
        default="prefect.server.events.ordering.memory",
        description="The module that puts events into the order of their causes. The database does.",
    )
    expired_bucket_buffer: SecondsTimeDelta = Field(
        default=timedelta(minutes=1),
        description="How long counts of events for automations are kept after their time, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "expired_bucket_buffer",
            "prefect_server_events_expired_bucket_buffer",
            "prefect_events_expired_bucket_buffer",
        ),
    )
    maximum_event_name_length: int = Field(default=1024, gt=0, description="The most characters of an event's name.")
    maximum_labels_per_resource: int = Field(
        default=500,
        ge=0,
        description="The most labels of a resource of an event.",
        validation_alias=AliasChoices(
            "maximum_labels_per_resource",
            "prefect_server_events_maximum_labels_per_resource",
            "prefect_events_maximum_labels_per_resource",
        ),
    )
    maximum_related_resources: int = Field(
        default=100,
        ge=0,
        description="The most related resources of an event.",
        validation_alias=AliasChoices(
            "maximum_related_resources",
            "prefect_server_events_maximum_related_resources",
            "prefect_events_maximum_related_resources",
        ),
    )
    maximum_size_bytes: int = Field(
        default=1500000,
        gt=0,
        description="The most bytes of an event, as JSON.",
        validation_alias=AliasChoices(
            "maximum_size_bytes", "prefect_server_events_maximum_size_bytes", "prefect_events_maximum_size_bytes"
        ),
    )
    maximum_websocket_backfill: SecondsTimeDelta = Field(
        default=timedelta(minutes=15),
        description="How far back a new subscriber is sent events, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "maximum_websocket_backfill",
            "prefect_server_events_maximum_websocket_backfill",
            "prefect_events_maximum_websocket_backfill",
        ),
    )
    messaging_broker: str = Field(
        default="prefect.server.utilities.messaging.memory",
        description="The module that hands events to other parts of the server. The database does.",
        validation_alias=AliasChoices(
            "messaging_broker", "prefect_server_events_messaging_broker", "prefect_messaging_broker"
        ),
    )
    messaging_cache: str = Field(
        default="prefect.server.utilities.messaging.memory",
        description="The module that remembers which events were handed on. The database does.",
        validation_alias=AliasChoices(
            "messaging_cache", "prefect_server_events_messaging_cache", "prefect_messaging_cache"
        ),
    )
    proactive_granularity: SecondsTimeDelta = Field(
        default=timedelta(seconds=5),
        description="How often automations that wait for the absence of events are looked at, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "proactive_granularity",
            "prefect_server_events_proactive_granularity",
            "prefect_events_proactive_granularity",
        ),
    )
    related_resource_cache_ttl: SecondsTimeDelta = Field(
        default=timedelta(minutes=5),
        description="How long the resources related to an event are remembered, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "related_resource_cache_ttl",
            "prefect_server_events_related_resource_cache_ttl",
            "prefect_api_events_related_resource_cache_ttl",
        ),
    )
    retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=7),
        description="How long events are kept, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "retention_period", "prefect_server_events_retention_period", "prefect_events_retention_period"
        ),
    )
    stream_out_enabled: bool = Field(
        default=True,
        description="Whether clients can subscribe to events.",
        validation_alias=AliasChoices(
            "stream_out_enabled", "prefect_server_events_stream_out_enabled", "prefect_api_events_stream_out_enabled"
        ),
    )
    websocket_backfill_page_size: int = Field(
        default=250,
        gt=0,
        description="How many events are read at once for that.",
        validation_alias=AliasChoices(
            "websocket_backfill_page_size",
            "prefect_server_events_websocket_backfill_page_size",
            "prefect_events_websocket_backfill_page_size",
        ),
    )
