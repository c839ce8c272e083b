"""The earlier place of what `prefect` offers."""

from prefect._contract.state import State
from prefect.client.orchestration import get_client
from prefect.context import tags
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

__all__ = [
    "Flow",
    "State",
    "Task",
    "Transaction",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "aserve",
    "asuspend_flow_run",
    "flow",
    "get_client",
    "get_run_logger",
    "pause_flow_run",
    "resume_flow_run",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]
