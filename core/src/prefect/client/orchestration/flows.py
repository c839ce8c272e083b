"""The clients' methods for flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import flows
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect.flows import Flow

__all__ = ["FlowAsyncClient", "FlowClient"]


def create_flow_from_name(flow_name: str) -> Steps[UUID]:
    """Create a flow, or find the one of that name. Returns its id."""
    from prefect._contract.actions.runs import FlowCreate

    flow = yield from ask(flows.create_flow(FlowCreate(name=flow_name)))
    return flow.id


def create_flow(flow: Flow[Any, Any]) -> Steps[UUID]:
    """Create the record of a flow, or find it. Returns its id."""
    return (yield from create_flow_from_name(flow.name))


class FlowClient:
    """Flows."""

    transport: Transport
    create_flow = blocking_steps(create_flow)
    create_flow_from_name = blocking_steps(create_flow_from_name)
    read_flow = blocking(flows.read_flow)
    read_flow_by_name = blocking(flows.read_flow_by_name)
    read_flows = blocking(flows.read_flows)
    delete_flow = blocking(flows.delete_flow)


class FlowAsyncClient:
    """Flows."""

    transport: Transport
    create_flow = awaitable_steps(create_flow)
    create_flow_from_name = awaitable_steps(create_flow_from_name)
    read_flow = awaitable(flows.read_flow)
    read_flow_by_name = awaitable(flows.read_flow_by_name)
    read_flows = awaitable(flows.read_flows)
    delete_flow = awaitable(flows.delete_flow)
