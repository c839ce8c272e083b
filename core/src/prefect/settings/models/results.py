"""How results are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

from pydantic import AfterValidator, AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config, expanded
from prefect.settings.models._home import in_home

__all__ = ["ResultsSettings"]


class ResultsSettings(PrefectBaseSettings):
    """How results are stored."""

    model_config = build_settings_config(("results",))

    default_serializer: str = Field(default="pickle", description="The serializer of results.")
    persist_by_default: bool = Field(
        default=False, description="Whether results of flows and tasks that say nothing about it are stored."
    )
    default_storage_block: Optional[str] = Field(
        default=None,
        description="The block that results are stored with: `block-type-slug/block-document-name`.",
        validation_alias=AliasChoices(
            "default_storage_block", "prefect_results_default_storage_block", "prefect_default_result_storage_block"
        ),
    )
    local_storage_path: Annotated[Path, AfterValidator(expanded)] = Field(
        default_factory=lambda: in_home("storage"),
        description="The directory that results are stored in when there is no block for them.",
        validation_alias=AliasChoices(
            "local_storage_path", "prefect_results_local_storage_path", "prefect_local_storage_path"
        ),
    )
