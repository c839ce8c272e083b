"""The histories of flow runs and task runs: the states they have been in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.state import State

__all__ = ["read_flow_run_state", "read_flow_run_states", "read_task_run_state", "read_task_run_states"]


def read_flow_run_state(flow_run_state_id: UUID) -> Call[State[Any]]:
    """Read a state of a flow run by its own id."""
    return Call("GET", "/flow_run_states/{id}", State, {"id": flow_run_state_id})


def read_flow_run_states(flow_run_id: UUID) -> Call[list[State[Any]]]:
    """List the states that a flow run has been in, oldest first."""
    return Call("GET", "/flow_run_states/", list[State[Any]], query={"flow_run_id": flow_run_id})


def read_task_run_state(task_run_state_id: UUID) -> Call[State[Any]]:
    """Read a state of a task run by its own id."""
    return Call("GET", "/task_run_states/{id}", State, {"id": task_run_state_id})


def read_task_run_states(task_run_id: UUID) -> Call[list[State[Any]]]:
    """List the states that a task run has been in, oldest first."""
    return Call("GET", "/task_run_states/", list[State[Any]], query={"task_run_id": task_run_id})
