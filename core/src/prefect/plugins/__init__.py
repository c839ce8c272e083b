"""
Plugins: what a plugin's author imports, and nothing that costs.

A plugin module may import this package and the standard library only; what it provides is named by import strings. See
`prefect.hookspecs` for the hooks and `prefect.plugins.types` for the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.hookspecs import HookSpec, register_hook
from prefect.plugins.types import (
    BackendSpec,
    BlockSpec,
    CliSpec,
    DeliveryResult,
    FailureVerdict,
    HealthCheck,
    HookContext,
    JobContext,
    LockManagerSpec,
    NotifierSpec,
    PageSpec,
    PluginFailure,
    PluginInfo,
    ResultStorageSpec,
    RuntimeContext,
    SecretRef,
    SerializerSpec,
    SettingsSpec,
    SetupResult,
    SetupSummary,
    StepSpec,
    TaskRunnerSpec,
    WorkerSpec,
)
from prefect.plugins.versions import PREFECT_PLUGIN_API_VERSION

if TYPE_CHECKING:
    from prefect.plugins.collections import load_prefect_collections, safe_load_entrypoints
    from prefect.plugins.reporting import report
    from prefect.plugins.startup import run_startup_hooks

__all__ = [
    "PREFECT_PLUGIN_API_VERSION",
    "BackendSpec",
    "BlockSpec",
    "CliSpec",
    "DeliveryResult",
    "FailureVerdict",
    "HealthCheck",
    "HookContext",
    "HookSpec",
    "JobContext",
    "LockManagerSpec",
    "NotifierSpec",
    "PageSpec",
    "PluginFailure",
    "PluginInfo",
    "ResultStorageSpec",
    "RuntimeContext",
    "SecretRef",
    "SerializerSpec",
    "SettingsSpec",
    "SetupResult",
    "SetupSummary",
    "StepSpec",
    "TaskRunnerSpec",
    "WorkerSpec",
    "load_prefect_collections",
    "register_hook",
    "report",
    "run_startup_hooks",
    "safe_load_entrypoints",
]

_LAZY = {
    "load_prefect_collections": "collections",
    "report": "reporting",
    "run_startup_hooks": "startup",
    "safe_load_entrypoints": "collections",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"prefect.plugins.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'prefect.plugins' has no attribute '{name}'")
