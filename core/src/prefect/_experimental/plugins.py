"""The earlier place of `prefect.plugins`."""

from prefect.plugins import HookContext, SetupResult, register_hook

__all__ = ["HookContext", "SetupResult", "register_hook"]
