"""What is logged, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, model_validator
from typing_extensions import Self

from prefect.settings.base import PrefectBaseSettings, build_settings_config, expanded
from prefect.settings.models._home import in_home
from prefect.types import LogLevel
from prefect.types._parsing import without_blanks

__all__ = ["LoggingSettings", "LoggingToAPISettings", "max_log_size_smaller_than_batch_size"]


def _loggers(value: Any) -> Any:
    return [] if value is None else without_blanks(value)


def max_log_size_smaller_than_batch_size(values: dict[str, Any]) -> dict[str, Any]:
    """
    Check that the largest record fits into a batch.

    Raises:
        ValueError: It does not.
    """
    if values["batch_size"] < values["max_log_size"]:
        message = (
            "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE cannot be larger than PREFECT_LOGGING_TO_API_BATCH_SIZE: "
            f"{values['max_log_size']} > {values['batch_size']}."
        )
        raise ValueError(message)
    return values


class LoggingToAPISettings(PrefectBaseSettings):
    """Which records of runs are kept by the orchestrator."""

    model_config = build_settings_config(("logging", "to_api"))

    enabled: bool = Field(default=True, description="Whether the records of runs are kept by the orchestrator.")
    batch_interval: float = Field(default=2.0, description="The most seconds that a record waits to be sent.")
    batch_size: int = Field(default=4_000_000, description="The most bytes that are sent at once.")
    max_log_size: int = Field(default=1_000_000, description="The most bytes of one record; larger ones are cut.")
    when_missing_flow: Literal["warn", "error", "ignore"] = Field(
        default="warn",
        description="What to do with a record of a run's logger that was made outside of the run: `warn`, `error` or "
        "`ignore`.",
    )

    @model_validator(mode="after")
    def _records_fit_into_batches(self) -> Self:
        max_log_size_smaller_than_batch_size({"batch_size": self.batch_size, "max_log_size": self.max_log_size})
        return self


class LoggingSettings(PrefectBaseSettings):
    """What is logged, and where to."""

    model_config = build_settings_config(("logging",))

    level: LogLevel = Field(
        default="INFO", description="The level from which on records are shown. DEBUG when PREFECT_DEBUG_MODE is on."
    )
    config_path: Annotated[Path, AfterValidator(expanded)] = Field(
        default_factory=lambda: in_home("logging.yml"),
        description="A file that configures logging in the standard library's way; the built-in configuration if there "
        "is none.",
        validation_alias=AliasChoices("config_path", "prefect_logging_config_path", "prefect_logging_settings_path"),
    )
    extra_loggers: Annotated[Union[str, list[str], None], BeforeValidator(_loggers)] = Field(
        default_factory=list,
        description="Loggers of other packages whose records belong to the run that they are made in, separated by "
        "commas.",
    )
    log_prints: bool = Field(default=False, description="Whether what flows and tasks print is logged.")
    colors: bool = Field(default=True, description="Whether records are coloured on a terminal.")
    markup: bool = Field(
        default=False, description="Whether `[red]words[/red]` in messages sets the style of the words."
    )
    to_api: LoggingToAPISettings = Field(default_factory=LoggingToAPISettings)
