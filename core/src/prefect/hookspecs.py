"""
Every hook of the product, in one place.

A plugin is a module named by an entry point in the group `prefect.plugins`. It marks functions with `register_hook`,
named after the hooks below, and they may take any subset of a hook's arguments:

    from prefect.plugins import SerializerSpec, register_hook

    @register_hook
    def prefect_serializers():
        return [SerializerSpec(name="arrow", target="prefect_arrow.serializers:ArrowSerializer")]

Hooks that answer with records are asked once and their answers kept on disk, so they must not depend on the
environment. The markers set the same attributes as pluggy's `HookspecMarker("prefect")` and `HookimplMarker("prefect")`
without importing it: a plugin may use either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.filesystems import WritableFileSystem
    from prefect.plugins import types

__all__ = ["PROJECT", "HookSpec", "HookimplMarker", "hookspec", "register_hook"]

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = "prefect"
"""The project name of the markers."""


class HookimplMarker:
    """
    Marks functions as implementations of hooks.

    Args:
        project_name: Implementations are found by hosts with the same project name.
    """

    def __init__(self, project_name: str) -> None:
        self.project_name = project_name

    @overload
    def __call__(self, function: F) -> F: ...

    @overload
    def __call__(
        self,
        function: None = None,
        hookwrapper: bool = False,
        optionalhook: bool = False,
        tryfirst: bool = False,
        trylast: bool = False,
        specname: str | None = None,
        wrapper: bool = False,
    ) -> Callable[[F], F]: ...

    def __call__(
        self,
        function: F | None = None,
        hookwrapper: bool = False,
        optionalhook: bool = False,
        tryfirst: bool = False,
        trylast: bool = False,
        specname: str | None = None,
        wrapper: bool = False,
    ) -> F | Callable[[F], F]:
        """
        Mark a function, directly or with options.

        Args:
            function: The implementation; None to get a decorator.
            hookwrapper: Refused when the plugin is loaded: hooks are called one by one.
            optionalhook: Do not warn when the hook is unknown to this version.
            tryfirst: Ask this implementation before others.
            trylast: Ask this implementation after others.
            specname: The hook's name, if the function has another one.
            wrapper: Refused, like `hookwrapper`.
        """
        options = {
            "hookwrapper": hookwrapper,
            "optionalhook": optionalhook,
            "tryfirst": tryfirst,
            "trylast": trylast,
            "specname": specname,
            "wrapper": wrapper,
        }

        def mark(target: F) -> F:
            setattr(target, f"{self.project_name}_impl", options)
            return target

        return mark if function is None else mark(function)


register_hook = HookimplMarker(PROJECT)
"""Marks a plugin's function as the implementation of the hook of the same name."""


def hookspec(*, firstresult: bool = False, historic: bool = False) -> Callable[[F], F]:
    """
    Mark a method of `HookSpec` as a hook.

    Args:
        firstresult: Implementations are asked until one gives something else than None.
        historic: A plugin that is registered after the call still gets it.
    """
    options = {"firstresult": firstresult, "historic": historic, "warn_on_impl": None, "warn_on_impl_args": None}

    def mark(function: F) -> F:
        setattr(function, f"{PROJECT}_spec", options)
        return function

    return mark


class HookSpec:
    """The hooks. Unless a hook says otherwise, all implementations are asked and their answers collected."""

    # What a plugin is and provides: records, asked for once.

    @hookspec()
    def prefect_plugin_info(self) -> types.PluginInfo:
        """Name, version and supported plugin API of the plugin."""
        raise NotImplementedError

    @hookspec()
    def prefect_task_runners(self) -> Iterable[types.TaskRunnerSpec]:
        """Task runners, by name."""
        raise NotImplementedError

    @hookspec()
    def prefect_result_storages(self) -> Iterable[types.ResultStorageSpec]:
        """Makers of result storage, by URL scheme."""
        raise NotImplementedError

    @hookspec()
    def prefect_serializers(self) -> Iterable[types.SerializerSpec]:
        """Result serializers, by type."""
        raise NotImplementedError

    @hookspec()
    def prefect_lock_managers(self) -> Iterable[types.LockManagerSpec]:
        """Lock managers, by name."""
        raise NotImplementedError

    @hookspec()
    def prefect_blocks(self) -> Iterable[types.BlockSpec]:
        """Block types, by slug."""
        raise NotImplementedError

    @hookspec()
    def prefect_workers(self) -> Iterable[types.WorkerSpec]:
        """Workers, by type."""
        raise NotImplementedError

    @hookspec()
    def prefect_notifiers(self) -> Iterable[types.NotifierSpec]:
        """Ways to notify people, by kind."""
        raise NotImplementedError

    @hookspec()
    def prefect_deployment_steps(self) -> Iterable[types.StepSpec]:
        """Deployment steps, by dotted name."""
        raise NotImplementedError

    @hookspec()
    def prefect_cli(self) -> Iterable[types.CliSpec]:
        """Command groups. Their help must be readable without importing the target."""
        raise NotImplementedError

    @hookspec()
    def prefect_server_backends(self) -> Iterable[types.BackendSpec]:
        """Server backends, by kind and name: databases, under the schemes of their URLs."""
        raise NotImplementedError

    @hookspec()
    def prefect_server_pages(self) -> Iterable[types.PageSpec]:
        """Pages of the server, by path, such as those of a user interface. They need the same credentials as the API."""
        raise NotImplementedError

    @hookspec()
    def prefect_settings(self) -> Iterable[types.SettingsSpec]:
        """Settings models, by namespace."""
        raise NotImplementedError

    # What a plugin does.

    @hookspec(firstresult=True)
    def prefect_resolve_result_storage(self, reference: Any | Path | str) -> WritableFileSystem | None:
        """Make the storage that a URL, a path or a block means, or answer None."""
        raise NotImplementedError

    @hookspec()
    def prefect_job_environment(self, ctx: types.JobContext) -> Mapping[str, types.EnvValue]:
        """
        Environment variables for infrastructure that runs a flow, such as references to secrets.

        Where two plugins name the same variable, the one that is asked first wins; what a deployment or a work pool
        sets wins over both.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def prefect_classify_infrastructure_failure(
        self, ctx: types.JobContext, error: BaseException
    ) -> types.FailureVerdict | None:
        """
        Say whether a failure of infrastructure is transient, a crash, or means that it is gone.

        What is transient is tried again three times, unless the infrastructure is there already.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def prefect_send_notification(self, target: Any, subject: str | None, body: str) -> types.DeliveryResult | None:
        """Deliver a notification, if the target is one that the plugin knows."""
        raise NotImplementedError

    @hookspec()
    def setup_environment(self, ctx: types.HookContext) -> types.SetupResult | None:
        """
        Environment variables to set before flows run, such as short-lived credentials.

        Asked only when PREFECT_PLUGINS_ENABLED is true. May be a coroutine function.
        """
        raise NotImplementedError

    @hookspec()
    def set_database_connection_params(self, connection_url: str, settings: Any) -> Mapping[str, Any]:
        """
        Extra `connect_args` for the server's database, merged in order.

        Asked only when PREFECT_PLUGINS_ENABLED is true.
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def prefect_startup(self, ctx: types.RuntimeContext) -> None:
        """
        A process of the product has started. A plugin that is registered later still gets the call.

        Processes of flow runs, which must start fast, tell it only when PREFECT_PLUGINS_ENABLED is true.
        """
        raise NotImplementedError

    @hookspec()
    def prefect_diagnose(self) -> Iterable[types.HealthCheck]:
        """Health checks for `prefect plugins diagnose`."""
        raise NotImplementedError
