"""
Execute an existing flow run in this process: `python -m prefect.engine FLOW_RUN_ID`.

Runners start it as a process of its own; the flow's code is loaded from where the run's record says that it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.exceptions import Abort, Pause
from prefect.logging.loggers import get_logger

__all__ = ["handle_engine_signals"]


@contextmanager
def handle_engine_signals(flow_run_id: UUID | None = None) -> Iterator[None]:
    """
    Turn the ends of a run that are no failures of this process into exit codes.

    Args:
        flow_run_id: The run, for the log.

    Raises:
        SystemExit: With 0 when the run was taken away from this process or paused, with 1 when its execution failed.
    """
    logger = get_logger("engine")
    label = f"flow run '{flow_run_id}'" if flow_run_id is not None else "flow run"
    try:
        yield
    except Abort as signal:
        logger.info("Engine execution of %s aborted by the orchestrator: %s", label, signal)
        raise SystemExit(0) from None
    except Pause as signal:
        logger.info("Engine execution of %s is paused: %s", label, signal)
        raise SystemExit(0) from None
    except Exception:
        logger.exception("Execution of %s exited with an unexpected exception", label)
        raise SystemExit(1) from None


def main(arguments: list[str]) -> None:
    """Execute the flow run whose id is given, or is in PREFECT__FLOW_RUN_ID."""
    given = arguments[0] if arguments else os.environ.get("PREFECT__FLOW_RUN_ID")
    try:
        flow_run_id = UUID(str(given))
    except ValueError:
        raise SystemExit(
            f"Usage: python -m prefect.engine FLOW_RUN_ID; {given!r} is not the id of a flow run."
        ) from None
    from prefect._engine.lifeline import listen_to_starter
    from prefect.bundles.places import bundled_flow
    from prefect.flow_engine import load_flow_and_flow_run, run_flow

    listen_to_starter(flow_run_id)
    with handle_engine_signals(flow_run_id):
        flow_run, flow = load_flow_and_flow_run(flow_run_id)
        bundled = bundled_flow()
        context = None if bundled is None else bundled[1]
        answer = run_flow(flow, flow_run=flow_run, return_type="state", context=context)
        if flow.isasync:
            import asyncio

            asyncio.run(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
