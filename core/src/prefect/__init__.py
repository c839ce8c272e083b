"""
Prefect: flows and tasks that are observed, retried, cached and recorded.

Names are imported when they are first used; the `TYPE_CHECKING` block says where from.
"""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

__version__ = "4.0.0"

if TYPE_CHECKING:
    from prefect import concurrency as concurrency, engine as engine, plugins as plugins, runtime as runtime
    from prefect._contract.state import State
    from prefect.client.orchestration import get_client
    from prefect.context import tags
    from prefect.deployments.runner import deploy
    from prefect.flow_runs import (
        apause_flow_run,
        aresume_flow_run,
        asuspend_flow_run,
        pause_flow_run,
        resume_flow_run,
        suspend_flow_run,
    )
    from prefect.flows import Flow, aserve, flow, serve
    from prefect.logging.loggers import get_run_logger
    from prefect.tasks import Task, task
    from prefect.transactions import Transaction
    from prefect.utilities.annotations import allow_failure, unmapped

__all__ = install(  # noqa: PLE0605 - it is a list
    globals(),
    {
        "Flow": "prefect.flows",
        "State": "prefect._contract.state",
        "Task": "prefect.tasks",
        "Transaction": "prefect.transactions",
        "allow_failure": "prefect.utilities.annotations",
        "apause_flow_run": "prefect.flow_runs",
        "aresume_flow_run": "prefect.flow_runs",
        "aserve": "prefect.flows",
        "asuspend_flow_run": "prefect.flow_runs",
        "concurrency": "prefect.concurrency",
        "deploy": "prefect.deployments.runner",
        "engine": "prefect.engine",
        "flow": "prefect.flows",
        "get_client": "prefect.client.orchestration",
        "get_run_logger": "prefect.logging.loggers",
        "pause_flow_run": "prefect.flow_runs",
        "plugins": "prefect.plugins",
        "resume_flow_run": "prefect.flow_runs",
        "runtime": "prefect.runtime",
        "serve": "prefect.flows",
        "suspend_flow_run": "prefect.flow_runs",
        "tags": "prefect.context",
        "task": "prefect.tasks",
        "unmapped": "prefect.utilities.annotations",
    },
)
