"""Inputs of flow runs: messages to them, by key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from collections.abc import Collection

    from prefect._contract.artifacts import FlowRunInput

__all__ = ["create_flow_run_input", "delete_flow_run_input", "filter_flow_run_input", "read_flow_run_input"]


def create_flow_run_input(flow_run_id: UUID, key: str, value: str, sender: str | None = None) -> Call[None]:
    """
    Send an input to a flow run.

    Args:
        flow_run_id: The run.
        key: Names the input. A run has only one of each name.
        value: JSON.
        sender: Who sends it, for the receiver to answer.
    """
    body = given(key=key, value=value, sender=sender)
    return Call("POST", "/flow_runs/{id}/input", None, {"id": flow_run_id}, body=body)


def filter_flow_run_input(
    flow_run_id: UUID, key_prefix: str, limit: int, exclude_keys: Collection[str]
) -> Call[list[FlowRunInput]]:
    """List the inputs of a flow run, oldest first, whose keys begin with a prefix and are none of `exclude_keys`."""
    from prefect._contract.artifacts import FlowRunInput

    body = {"prefix": key_prefix, "limit": limit, "exclude_keys": sorted(exclude_keys)}
    return Call("POST", "/flow_runs/{id}/input/filter", list[FlowRunInput], {"id": flow_run_id}, body=body)


def read_flow_run_input(flow_run_id: UUID, key: str) -> Call[str]:
    """Read an input of a flow run: its value, as JSON text."""
    return Call("GET", "/flow_runs/{id}/input/{key}", str, {"id": flow_run_id, "key": key})


def delete_flow_run_input(flow_run_id: UUID, key: str) -> Call[None]:
    """Delete an input of a flow run."""
    return Call("DELETE", "/flow_runs/{id}/input/{key}", None, {"id": flow_run_id, "key": key})
