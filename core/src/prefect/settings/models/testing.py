"""What is different in tests."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["TestingSettings"]


def _aliases(name: str) -> AliasChoices:
    return AliasChoices(name, f"prefect_testing_{name}", f"prefect_{name}")


class TestingSettings(PrefectBaseSettings):
    """What is different in tests."""

    model_config = build_settings_config(("testing",))

    test_mode: bool = Field(
        default=False,
        description="Whether this is a test: flows and tasks may be called as plain functions that use a run's logger.",
        validation_alias=_aliases("test_mode"),
    )
    unit_test_mode: bool = Field(
        default=False,
        description="Whether this is a test of the product itself.",
        validation_alias=_aliases("unit_test_mode"),
    )
    unit_test_loop_debug: bool = Field(
        default=True,
        description="Whether event loops of the product's own tests are in debug mode.",
        validation_alias=_aliases("unit_test_loop_debug"),
    )
    test_setting: Optional[Any] = Field(
        default="FOO",
        description="Without meaning, for tests of the settings themselves.",
        validation_alias=_aliases("test_setting"),
    )
