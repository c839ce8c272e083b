"""What this distribution provides. Nothing of it is imported before somebody asks for it."""

from prefect.plugins import PluginInfo, TaskRunnerSpec, register_hook


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("dask", version="4.0.0", api_requires=">=0.2,<1")


@register_hook
def prefect_task_runners() -> list[TaskRunnerSpec]:
    """The task runner, by its name."""
    return [TaskRunnerSpec("dask", "prefect_dask.task_runners:DaskTaskRunner", install_hint="distributed")]
