"""
What runners and integrations call of the engine.

The functions live above this layer and are imported when they are first used.
"""

from prefect.utilities.lazy import install

_ENGINE = "prefect._engine.for_integrations"

__all__ = install(  # noqa: PLE0605 - it is a list
    globals(),
    {
        "UNTRACKABLE_TYPES": _ENGINE,
        "capture_sigterm": _ENGINE,
        "check_api_reachable": _ENGINE,
        "collect_task_run_inputs": _ENGINE,
        "collect_task_run_inputs_sync": _ENGINE,
        "get_state_for_result": _ENGINE,
        "link_state_to_flow_run_result": _ENGINE,
        "link_state_to_result": _ENGINE,
        "link_state_to_task_run_result": _ENGINE,
        "propose_state": _ENGINE,
        "propose_state_sync": _ENGINE,
        "resolve_inputs": _ENGINE,
        "resolve_inputs_sync": _ENGINE,
        "resolve_to_final_result": _ENGINE,
        "should_log_prints": _ENGINE,
    },
)
