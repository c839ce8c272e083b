"""Flow runs without a deployment, whose code goes to the infrastructure in a bundle."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anyio

from prefect._contract.endpoints.flow_runs import read_flow_run, set_flow_run_state, update_flow_run
from prefect._contract.state import State, StateType
from prefect._engine.flow_execution import SubflowTask, stand_in_task_run
from prefect.bundles.commands import convert_step_to_command, resolve_bundle_step_with_launcher
from prefect.bundles.making import create_bundle_for_flow_run
from prefect.bundles.places import FLOW_BUNDLE, is_on_this_machine, reference_to, shared_storage, store_bundle
from prefect.bundles.uploading import aupload_bundle_to_storage
from prefect.client.base import current_transport
from prefect.context import TagsContext
from prefect.states import Crashed, Pending
from prefect.utilities.dual import adrive
from prefect.workers._configuration import with_environment

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.bundles.making import BundleCreationResult
    from prefect.flows import Flow
    from prefect.workers.base import BaseWorker

__all__ = ["make_run"]


async def make_run(
    worker: BaseWorker[Any, Any, Any],
    flow: Flow[..., Any],
    parameters: dict[str, Any] | None,
    job_variables: dict[str, Any] | None,
    flow_run: FlowRun | None,
) -> FlowRun:
    """
    A flow run in the worker's pool that is Scheduled, and whose code is where its infrastructure gets at it.

    Args:
        worker: The worker.
        flow: The flow.
        parameters: What it is called with.
        job_variables: Overrides for the work pool's job template.
        flow_run: The run, if it exists already.

    Raises:
        RuntimeError: The work pool has no storage for the flow's code, or it could not be uploaded. The run has Crashed then.
        ValueError: The flow cannot be bundled.
    """
    variables = dict(job_variables or {})
    if flow_run is None:
        stand_in = stand_in_task_run(SubflowTask.of(flow), parameters or {})
        flow_run = await worker.client.create_flow_run(
            flow,
            parameters=parameters,
            tags=sorted(TagsContext.get().current_tags),
            parent_task_run_id=stand_in,
            state=Pending(),
            work_pool_name=worker.work_pool.name,
            job_variables=variables,
        )
    try:
        variables = await _deliver(worker, flow, flow_run, variables)
        await current_transport().asend(update_flow_run(flow_run.id, job_variables=variables))
    except Exception as error:
        crashed: State[Any] = Crashed(message=f"Flow run could not start: {error}")
        await current_transport().asend(set_flow_run_state(flow_run.id, crashed))
        raise
    # Only now may it be taken, by this worker or another.
    name = "AwaitingRetry" if flow_run.state is not None and flow_run.state.is_final() else "Scheduled"
    scheduled: State[Any] = State(type=StateType.SCHEDULED, name=name)
    await current_transport().asend(set_flow_run_state(flow_run.id, scheduled, force=True))
    made: FlowRun = await current_transport().asend(read_flow_run(flow_run.id))
    return made


async def _deliver(
    worker: BaseWorker[Any, Any, Any], flow: Flow[..., Any], flow_run: FlowRun, variables: dict[str, Any]
) -> dict[str, Any]:
    """Bring the flow's code to where the infrastructure gets at it, and return the job variables that say so."""
    pool = worker.work_pool
    configured = pool.storage_configuration
    if flow.result_storage is None and configured.default_result_storage_block_id is not None:
        flow = flow.with_options(
            result_storage=await _name_of_block(worker, configured.default_result_storage_block_id)
        )
    made = await anyio.to_thread.run_sync(create_bundle_for_flow_run, flow, flow_run)
    try:
        if configured.bundle_upload_step and configured.bundle_execution_step:
            steps = configured.bundle_upload_step, configured.bundle_execution_step
            return {**variables, "command": await _upload(made, *steps, getattr(flow, "launcher", None))}
        found = await adrive(shared_storage(flow.result_storage))
        if found is None or (is_on_this_machine(found[1]) and not worker._is_local):
            raise RuntimeError(
                f"Storage is not configured for work pool {pool.name!r}. Please configure storage for the work pool by running "
                "`prefect work-pool storage configure`, or let PREFECT_DEFAULT_RESULT_STORAGE_BLOCK name a block that stores "
                "where its infrastructure reads, too."
            )
        storage, place = found
        key = await adrive(store_bundle(storage, made))
    finally:
        if made["zip_path"] is not None:
            made["zip_path"].unlink(missing_ok=True)
    return {**variables, "env": with_environment(variables.get("env"), {FLOW_BUNDLE: reference_to(place, key)})}


async def _name_of_block(worker: BaseWorker[Any, Any, Any], block_id: Any) -> str:
    document = await worker.client.read_block_document(block_id)
    assert document.block_type is not None
    return f"{document.block_type.slug}/{document.name}"


async def _upload(
    made: BundleCreationResult, upload_step: dict[str, Any], execution_step: dict[str, Any], launcher: Any
) -> str:
    key = str(uuid4())
    step = resolve_bundle_step_with_launcher(upload_step, launcher, "upload")
    if step is upload_step and find_spec(next(iter(step)).partition(".")[0]) is not None:
        step = resolve_bundle_step_with_launcher(step, [sys.executable], "upload")  # it is installed here
    command = convert_step_to_command(step, key, quiet=True)
    await aupload_bundle_to_storage(made["bundle"], key, command, made["zip_path"], step)
    step = resolve_bundle_step_with_launcher(execution_step, launcher, "execution")
    return shlex.join(convert_step_to_command(step, key))
