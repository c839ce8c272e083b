"""`setup_environment`: let plugins set environment variables before flows run."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from prefect.plugins.index import Entry
from prefect.plugins.loading import PluginHost, call_with, current_host
from prefect.plugins.types import HookContext, RuntimeContext, SetupResult, SetupSummary

__all__ = ["announce", "run_startup_hooks"]

_HOOK = "setup_environment"
_SECRET_WORDS = ("SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "AUTH")


def _preview(env: Mapping[str, str]) -> dict[str, str]:
    return {name: "••••••" if any(word in name.upper() for word in _SECRET_WORDS) else env[name] for name in env}


async def _ask(function: Callable[..., Any], ctx: HookContext, timeout: float) -> SetupResult | None:
    """The answer of one implementation. A plain function runs in a thread, so that it can be given up on."""
    if inspect.iscoroutinefunction(function):
        answer = call_with(function, {"ctx": ctx})
    else:
        answer = asyncio.to_thread(call_with, function, {"ctx": ctx})
    result = await asyncio.wait_for(answer, timeout)
    if result is not None and not isinstance(result, SetupResult):
        raise TypeError(f"{_HOOK} must answer a SetupResult or None, not {result!r}.")
    return result


async def _run_one(host: PluginHost, entry: Entry, function: Callable[..., Any], ctx: HookContext) -> SetupSummary:
    timeout = host.config.setup_timeout_seconds
    try:
        result = await _ask(function, ctx, timeout)
        if result is None:
            return SetupSummary(entry.name, {}, None, None)
        os.environ.update({str(name): str(value) for name, value in result.env.items()})
        return SetupSummary(entry.name, _preview(result.env), result.note, None)
    except (TimeoutError, asyncio.TimeoutError):
        error: BaseException = TimeoutError(f"{_HOOK} took longer than {timeout} seconds.")
    except (Exception, SystemExit) as caught:
        error = caught
    failure = host.fail(entry, "call", error)
    return SetupSummary(entry.name, {}, None, failure.error)


async def run_startup_hooks(ctx: HookContext) -> list[SetupSummary]:
    """
    Call `setup_environment` of all plugins and set the environment variables that they answer.

    Nothing is called unless PREFECT_PLUGINS_ENABLED is true. Plugins asked later override earlier ones.

    Raises:
        PluginLoadError: A plugin failed and PREFECT_PLUGINS_STRICT is true.
    """
    host = current_host()
    if not host.config.enabled:
        return []
    return [await _run_one(host, entry, function, ctx) for entry, function in host.implementations(_HOOK)]


def announce(role: str) -> None:
    """
    Tell plugins that this process has started.

    Args:
        role: What it does: `"flow-run"`, `"worker"` or `"server"`.
    """
    import prefect
    from prefect.settings import get_current_settings

    current_host().startup(RuntimeContext(prefect.__version__, role, get_current_settings().api.url))
