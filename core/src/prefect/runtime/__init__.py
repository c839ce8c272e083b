"""What running code may ask of its own run: `prefect.runtime.flow_run.name`, `task_run.id`, `deployment.id`."""

from prefect.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
