"""How large the graph of a flow run may be."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerFlowRunGraphSettings"]


class ServerFlowRunGraphSettings(PrefectBaseSettings):
    """How large the graph of a flow run may be."""

    model_config = build_settings_config(
        (
            "server",
            "flow_run_graph",
        )
    )

    max_artifacts: int = Field(
        default=10000,
        gt=0,
        description="The most artifacts of a flow run's graph.",
        validation_alias=AliasChoices(
            "max_artifacts", "prefect_server_flow_run_graph_max_artifacts", "prefect_api_max_flow_run_graph_artifacts"
        ),
    )
    max_nodes: int = Field(
        default=10000,
        gt=0,
        description="The most nodes of a flow run's graph.",
        validation_alias=AliasChoices(
            "max_nodes", "prefect_server_flow_run_graph_max_nodes", "prefect_api_max_flow_run_graph_nodes"
        ),
    )
