"""Who asks, what they may ask for, and where they may ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.call import Call
from prefect._contract.tokens import TokenScope
from prefect.server.database import tables
from prefect.server.operations.refusals import Refusal

if TYPE_CHECKING:
    from prefect.server.api.wire import Wire
    from prefect.server.operations.work import UnitOfWork

__all__ = ["RUNNING", "Actor", "confine", "needed_scope"]


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who asks.

    Args:
        name: What the audit trail calls them.
        scopes: What they may do.
        work_pool: The only work pool that they may work for; None for all.
    """

    name: str
    scopes: frozenset[TokenScope] = frozenset({TokenScope.ADMIN})
    work_pool: str | None = None

    def may(self, scope: TokenScope) -> bool:
        """Whether they may do what takes a scope."""
        return scope.is_among(self.scopes)


RUNNING = frozenset(
    {
        "bulk_create_flow_runs_from_deployment",
        "claim_task_runs",
        "create_artifact",
        "create_events",
        "create_flow",
        "create_flow_run",
        "create_flow_run_from_deployment",
        "create_flow_run_input",
        "create_logs",
        "create_task_run",
        "decrement_v1_concurrency_slots",
        "delete_flow_run_input",
        "end_task_worker",
        "get_runs_in_work_queue",
        "get_scheduled_flow_runs_for_deployments",
        "get_scheduled_flow_runs_for_work_pool",
        "increment_concurrency_slots",
        "increment_concurrency_slots_with_lease",
        "increment_v1_concurrency_slots",
        "record_task_runs",
        "release_concurrency_slots",
        "release_concurrency_slots_with_lease",
        "renew_concurrency_lease",
        "renew_leases",
        "renew_task_run_claims",
        "resume_flow_run",
        "return_task_runs",
        "send_worker_heartbeat",
        "set_flow_run_state",
        "set_task_run_name",
        "set_task_run_state",
        "update_artifact",
        "update_flow_run",
        "update_flow_run_labels",
    }
)
"""What running flows takes, of all that changes something."""

_ADMINISTERING = ("/admin/", "/_core/tokens", "/_core/audit")
_FOR_EVERYONE = frozenset({"/admin/version", "/admin/storage"})


def needed_scope(wire: Wire, call: Call[Any]) -> TokenScope:
    """The scope that a call takes."""
    path = wire.endpoint.path
    reads = wire.operation.read_only
    if path.startswith(_ADMINISTERING) and not (reads and path in _FOR_EVERYONE):
        return TokenScope.ADMIN
    if reads:
        return TokenScope.RUN if call.query.get("include_secrets") or _wants_secrets(call) else TokenScope.READ
    return TokenScope.RUN if wire.endpoint.name in RUNNING else TokenScope.WRITE


def _wants_secrets(call: Call[Any]) -> bool:
    return isinstance(call.body, dict) and bool(call.body.get("include_secrets"))


_OPEN_TO_ALL_POOLS = frozenset(
    {
        "check_health",
        "check_readiness",
        "hello",
        "read_version",
        "read_admin_version",
        "read_csrf_token",
        "renew_leases",
    }
    | {"create_events", "read_flow", "read_flow_by_name", "read_server_default_result_storage"}
)


def confine(work: UnitOfWork, wire: Wire, call: Call[Any], pool: str) -> None:
    """
    Keep somebody to what belongs to their work pool.

    Raises:
        Refusal: The call is about something else.
    """
    if wire.endpoint.name in _OPEN_TO_ALL_POOLS:
        return
    owners = _OWNERS.get(wire.endpoint.module)
    if owners is None or any(owner != pool for owner in owners(work, call)):
        raise Refusal(403, f"This token is only good for the work pool {pool!r}.")


def _of_named_pool(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    named = call.path_params.get("work_pool_name")
    return [call.path_params.get("name") if named is None else named]


def _pools_of_flow_runs(work: UnitOfWork, runs: Iterable[UUID | None]) -> Iterable[str | None]:
    wanted = list(set(runs))
    if not wanted or None in wanted:
        return [None]
    run, queue, pool = tables.flow_run, tables.work_queue, tables.work_pool
    joined = run.join(queue, queue.c.id == run.c.work_queue_id).join(pool, pool.c.id == queue.c.work_pool_id)
    found = select(run.c.id, pool.c.name).select_from(joined).where(run.c.id.in_(wanted))
    names = {row[0]: row[1] for row in work.connection.execute(found)}
    return [names.get(run_id) for run_id in wanted if run_id is not None]


def _of_flow_run(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    return _pools_of_flow_runs(work, [call.path_params.get("id")])


def _of_task_run(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    if "id" not in call.path_params:
        return _of_content(work, call)
    owner = select(tables.task_run.c.flow_run_id).where(tables.task_run.c.id == call.path_params["id"])
    return _pools_of_flow_runs(work, [work.connection.execute(owner).scalar()])


def _of_deployment(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    deployment, queue, pool = tables.deployment, tables.work_queue, tables.work_pool
    joined = deployment.join(queue, queue.c.id == deployment.c.work_queue_id)
    joined = joined.join(pool, pool.c.id == queue.c.work_pool_id)
    found = select(pool.c.name).select_from(joined).where(deployment.c.id == call.path_params.get("id"))
    return [work.connection.execute(found).scalar()]


def _of_content(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    """The pools of the flow runs that what is sent belongs to."""
    items = call.body if isinstance(call.body, list) else [call.body]
    return _pools_of_flow_runs(work, [getattr(item, "flow_run_id", None) for item in items])


def _of_records(work: UnitOfWork, call: Call[Any]) -> Iterable[str | None]:
    return _pools_of_flow_runs(work, [record.task_run.flow_run_id for record in call.body])


_OWNERS: dict[str, Callable[[UnitOfWork, Call[Any]], Iterable[str | None]]] = {
    "artifacts": _of_content,
    "deployments": _of_deployment,
    "flow_run_inputs": _of_flow_run,
    "flow_runs": _of_flow_run,
    "logs": _of_content,
    "recording": _of_records,
    "task_runs": _of_task_run,
    "work_pools": _of_named_pool,
    "work_queues": _of_named_pool,
}
"""For each module of operations, the names of the work pools that a call is about."""
