"""Flows: functions whose calls are runs with a record, parameters that are checked, and tasks inside."""

from typing import TYPE_CHECKING

from prefect.flows.definition import Flow, FlowDecorator, FlowStateHook, flow, run_execution
from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.flows.infrastructure import InfrastructureBoundFlow, bind_flow_to_infrastructure
    from prefect.flows.loading import (
        flows_in_file,
        is_entrypoint_async,
        load_flow_arguments_from_entrypoint,
        load_flow_from_entrypoint,
        load_flow_from_flow_run,
        load_function_and_convert_to_flow,
        load_placeholder_flow,
        safe_load_flow_from_entrypoint,
        select_flow,
    )
    from prefect.flows.serving import aserve, serve

__all__ = [
    "Flow",
    "FlowDecorator",
    "FlowStateHook",
    "InfrastructureBoundFlow",
    "aserve",
    "bind_flow_to_infrastructure",
    "flow",
    "flows_in_file",
    "is_entrypoint_async",
    "load_flow_arguments_from_entrypoint",
    "load_flow_from_entrypoint",
    "load_flow_from_flow_run",
    "load_function_and_convert_to_flow",
    "load_placeholder_flow",
    "run_execution",
    "safe_load_flow_from_entrypoint",
    "select_flow",
    "serve",
]

lazy.install(
    globals(),
    {"aserve": "prefect.flows.serving", "serve": "prefect.flows.serving"}
    | dict.fromkeys(("InfrastructureBoundFlow", "bind_flow_to_infrastructure"), "prefect.flows.infrastructure")
    | dict.fromkeys(
        (
            "flows_in_file",
            "is_entrypoint_async",
            "load_flow_arguments_from_entrypoint",
            "load_flow_from_entrypoint",
            "load_flow_from_flow_run",
            "load_function_and_convert_to_flow",
            "load_placeholder_flow",
            "safe_load_flow_from_entrypoint",
            "select_flow",
        ),
        "prefect.flows.loading",
    ),
)
