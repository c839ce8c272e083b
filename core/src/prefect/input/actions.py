"""Write, list, read and delete the inputs of a flow run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Optional, Set, Union
from uuid import UUID

from prefect._contract.endpoints import flow_run_inputs as endpoints
from prefect.client.base import ask, through
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Steps, asynchronous, dual

if TYPE_CHECKING:
    from pydantic import BaseModel

    from prefect._contract.artifacts import FlowRunInput
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    Client = Union[PrefectClient, SyncPrefectClient]

__all__ = [
    "acreate_flow_run_input",
    "acreate_flow_run_input_from_model",
    "adelete_flow_run_input",
    "afilter_flow_run_input",
    "aread_flow_run_input",
    "create_flow_run_input",
    "create_flow_run_input_from_model",
    "delete_flow_run_input",
    "ensure_flow_run_id",
    "filter_flow_run_input",
    "read_flow_run_input",
]


def ensure_flow_run_id(flow_run_id: UUID | None = None) -> UUID:
    """
    The flow run that is meant: the given one, or the one that this code is in.

    Raises:
        RuntimeError: None is given, outside of flow runs.
    """
    if flow_run_id is not None:
        return flow_run_id
    from prefect.context import FlowRunContext, TaskRunContext

    flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
    if flow_context is not None and flow_context.flow_run is not None:
        return flow_context.flow_run.id
    if task_context is not None and task_context.task_run.flow_run_id is not None:
        return task_context.task_run.flow_run_id
    raise RuntimeError("Outside of flow runs it takes a flow run's id: give 'flow_run_id'.")


def _over(client: Client | None, steps: Steps[Any]) -> Steps[Any]:
    """The same steps, asking with a client if there is one."""
    return steps if client is None else through(client.transport, steps)


@dual
def create_flow_run_input(
    key: str,
    value: Any,
    flow_run_id: UUID | None = None,
    sender: str | None = None,
    client: Client | None = None,
) -> Steps[None]:
    """
    Send a value to a flow run.

    Args:
        key: Names the input. A run has only one of each name.
        value: Anything that JSON can hold.
        flow_run_id: The run; the current one by default.
        sender: Who sends it.
        client: The client to ask with; one for the current settings by default.
    """
    run_id = ensure_flow_run_id(flow_run_id)
    yield from _over(client, ask(endpoints.create_flow_run_input(run_id, key, json.dumps(value), sender)))


@dual
def create_flow_run_input_from_model(
    key: str, model_instance: BaseModel, flow_run_id: UUID | None = None, sender: str | None = None
) -> Steps[None]:
    """
    Send a model to a flow run.

    Args:
        key: Names the input. A run has only one of each name.
        model_instance: The model.
        flow_run_id: The run; the current one by default.
        sender: Who sends it; the current flow run by default.
    """
    if sender is None:
        from prefect.context import FlowRunContext

        context = FlowRunContext.get()
        if context is not None and context.flow_run is not None:
            sender = f"prefect.flow-run.{context.flow_run.id}"
    yield from create_flow_run_input.steps(key, json.loads(model_instance.model_dump_json()), flow_run_id, sender)


@dual
def filter_flow_run_input(
    key_prefix: str,
    limit: int = 1,
    exclude_keys: Optional[Set[str]] = None,
    flow_run_id: UUID | None = None,
    client: Client | None = None,
) -> Steps[list[FlowRunInput]]:
    """
    List inputs of a flow run, oldest first.

    Args:
        key_prefix: How their keys begin.
        limit: How many at most.
        exclude_keys: Keys that are left out.
        flow_run_id: The run; the current one by default.
        client: The client to ask with; one for the current settings by default.
    """
    run_id = ensure_flow_run_id(flow_run_id)
    call = endpoints.filter_flow_run_input(run_id, key_prefix, limit, exclude_keys or set())
    return (yield from _over(client, ask(call)))  # type: ignore[no-any-return]


@dual
def read_flow_run_input(key: str, flow_run_id: UUID | None = None, client: Client | None = None) -> Steps[Any]:
    """
    The value of an input, None if there is none.

    Args:
        key: Names the input.
        flow_run_id: The run; the current one by default.
        client: The client to ask with; one for the current settings by default.
    """
    run_id = ensure_flow_run_id(flow_run_id)
    try:
        text = yield from _over(client, ask(endpoints.read_flow_run_input(run_id, key)))
    except ObjectNotFound:
        return None
    return json.loads(text)


@dual
def delete_flow_run_input(key: str, flow_run_id: UUID | None = None, client: Client | None = None) -> Steps[None]:
    """
    Delete an input.

    Args:
        key: Names the input.
        flow_run_id: The run; the current one by default.
        client: The client to ask with; one for the current settings by default.
    """
    run_id = ensure_flow_run_id(flow_run_id)
    yield from _over(client, ask(endpoints.delete_flow_run_input(run_id, key)))


acreate_flow_run_input = asynchronous(create_flow_run_input)
acreate_flow_run_input_from_model = asynchronous(create_flow_run_input_from_model)
afilter_flow_run_input = asynchronous(filter_flow_run_input)
aread_flow_run_input = asynchronous(read_flow_run_input)
adelete_flow_run_input = asynchronous(delete_flow_run_input)
