"""What holds for flows that do not say otherwise."""

from __future__ import annotations

from typing import Annotated, Literal, Optional, Union

from pydantic import AliasChoices, BeforeValidator, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import parse_retry_delay_input

__all__ = ["FlowsSettings"]


class FlowsSettings(PrefectBaseSettings):
    """What holds for flows that do not say otherwise."""

    model_config = build_settings_config(("flows",))

    default_retries: int = Field(
        default=0,
        ge=0,
        description="How often a failed flow run is tried again.",
        validation_alias=AliasChoices(
            "default_retries", "prefect_flows_default_retries", "prefect_flow_default_retries"
        ),
    )
    default_retry_delay_seconds: Annotated[Union[int, float, list[float]], BeforeValidator(parse_retry_delay_input)] = (
        Field(
            default=0,
            description="Seconds between two tries of a flow run: one number, or one for each, separated by commas.",
            validation_alias=AliasChoices(
                "default_retry_delay_seconds",
                "prefect_flows_default_retry_delay_seconds",
                "prefect_flow_default_retry_delay_seconds",
            ),
        )
    )
    heartbeat_frequency: Optional[int] = Field(
        default=180,
        description="Seconds between two signs of life of a flow run; unset: none.",
        validation_alias=AliasChoices(
            "heartbeat_frequency", "prefect_flows_heartbeat_frequency", "prefect_runner_heartbeat_frequency"
        ),
    )
    sigterm_behavior: Literal["die", "reschedule"] = Field(
        default="die",
        description=(
            "What becomes of the run of a deployment whose process is told to terminate: it crashes, or it is "
            "rescheduled, to be executed elsewhere."
        ),
        validation_alias=AliasChoices(
            "sigterm_behavior", "prefect_flows_sigterm_behavior", "prefect_flow_run_execute_sigterm_behavior"
        ),
    )
