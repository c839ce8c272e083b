"""
Call the hooks of a flow run that ended without its process: `python -m prefect.runner.hooks FLOW_RUN_ID`.

Runners and workers start it as a process of its own, where the flow run would have been executed.
"""

from __future__ import annotations

import sys
from uuid import UUID

__all__ = ["call_hooks"]


def call_hooks(flow_run_id: UUID) -> None:
    """Call the hooks of the flow that the state of one of its runs calls for."""
    from prefect._engine.hooks import hooks_for, run_hooks
    from prefect._engine.recorder import flush_all
    from prefect.flow_engine import load_flow_and_flow_run
    from prefect.logging.loggers import flow_run_logger
    from prefect.utilities.dual import drive

    run, flow = load_flow_and_flow_run(flow_run_id)
    if run.state is not None and hooks_for(run.state, flow):
        drive(run_hooks(flow, run, run.state, flow_run_logger(flow_run=run, flow=flow)))
        flush_all()


if __name__ == "__main__":
    call_hooks(UUID(sys.argv[1]))
