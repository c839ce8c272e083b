"""Background task runs for task workers: an addition to the public REST contract."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from prefect._contract.background import TaskRunClaim
from prefect._contract.call import Call

__all__ = ["claim_task_runs", "end_task_worker", "renew_task_run_claims", "return_task_runs"]


def claim_task_runs(task_keys: Iterable[str], limit: int, lease_seconds: float) -> Call[list[TaskRunClaim]]:
    """
    Take background task runs that are due, to execute them.

    Args:
        task_keys: The tasks that the worker serves.
        limit: How many runs at most.
        lease_seconds: After which they are given to others unless the claims are renewed.
    """
    body = {"task_keys": list(task_keys), "limit": limit, "lease_seconds": lease_seconds}
    return Call("POST", "/_core/deliveries/claim", list[TaskRunClaim], body=body)


def renew_task_run_claims(
    client_id: str, task_keys: Iterable[str], tokens: Iterable[UUID], lease_seconds: float
) -> Call[list[UUID]]:
    """
    Keep claims, and say that the worker is there.

    Args:
        client_id: The worker.
        task_keys: The tasks that it serves.
        tokens: Its claims.
        lease_seconds: For how long from now.

    Returns:
        The tokens that are still good. The runs of the others were given to another worker, or have ended.
    """
    body = {
        "client_id": client_id,
        "task_keys": list(task_keys),
        "tokens": list(tokens),
        "lease_seconds": lease_seconds,
    }
    return Call("POST", "/_core/deliveries/renew", list[UUID], body=body)


def return_task_runs(tokens: Iterable[UUID]) -> Call[None]:
    """Give back background task runs that were claimed and have not begun. Others get them at once."""
    return Call("POST", "/_core/deliveries/return", None, body={"tokens": list(tokens)})


def end_task_worker(client_id: str, tokens: Iterable[UUID]) -> Call[None]:
    """Say that a worker ends. The runs of the claims that it still has are given to others at once."""
    return Call("POST", "/_core/deliveries/leave", None, body={"client_id": client_id, "tokens": list(tokens)})
