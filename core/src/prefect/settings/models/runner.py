"""How flow runs are executed on this machine."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import LogLevel

__all__ = ["RunnerServerSettings", "RunnerSettings"]


class RunnerServerSettings(PrefectBaseSettings):
    """What a runner tells of itself over HTTP."""

    model_config = build_settings_config(
        (
            "runner",
            "server",
        )
    )

    enable: bool = Field(default=False, description="Whether a runner answers requests over HTTP.")
    host: str = Field(default="localhost", description="The address that it listens on.")
    log_level: LogLevel = Field(
        default="ERROR", description="The level from which on the records of that server are shown."
    )
    missed_polls_tolerance: int = Field(
        default=2,
        ge=0,
        description="How many looks for flow runs may be missed before the runner says that it is not healthy.",
    )
    port: int = Field(default=8080, description="The port that it listens on.")


class RunnerSettings(PrefectBaseSettings):
    """How flow runs are executed on this machine."""

    model_config = build_settings_config(("runner",))

    auto_install_dependencies: bool = Field(
        default=False,
        description="Whether a runner installs the packages that a flow's project names before it executes the flow.",
    )
    crash_on_cancellation_failure: bool = Field(
        default=False, description="Whether a flow run whose process cannot be ended is marked as crashed."
    )
    poll_frequency: int = Field(default=10, gt=0, description="Seconds between two looks for flow runs that are due.")
    process_limit: int = Field(default=5, description="The most flow runs that a runner executes at the same time.")
    server: RunnerServerSettings = Field(
        default_factory=RunnerServerSettings, description="What a runner tells of itself over HTTP."
    )
