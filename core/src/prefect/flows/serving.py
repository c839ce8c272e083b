"""Serve deployments: keep a process that executes their runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

__all__ = ["aserve", "serve", "serve_deployments"]


def serve(
    *args: RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    **kwargs: Any,
) -> None:
    """
    Serve deployments: execute their runs in processes of this machine, until this process is stopped.

    Args:
        args: What `flow.to_deployment` made.
        pause_on_shutdown: Whether their schedules are paused when this ends.
        print_starting_message: Whether to say what is served, and how to start runs.
        limit: How many runs there may be at the same time; by settings without.
        kwargs: Further options of `prefect.runner.Runner`.

    Raises:
        RuntimeError: This is called in async code: await `aserve` there.
    """
    options = {"pause_on_shutdown": pause_on_shutdown, "limit": limit, **kwargs}
    serve_deployments(args, print_starting_message, options)


async def aserve(
    *args: RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    **kwargs: Any,
) -> None:
    """
    Serve deployments in async code; see `serve`.

    Args:
        args: What `flow.to_deployment` made.
        pause_on_shutdown: Whether their schedules are paused when this ends.
        print_starting_message: Whether to say what is served, and how to start runs.
        limit: How many runs there may be at the same time; by settings without.
        kwargs: Further options of `prefect.runner.Runner`.
    """
    options = {"pause_on_shutdown": pause_on_shutdown, "limit": limit, **kwargs}
    await _serve(args, print_starting_message, options, webserver=None)


def serve_deployments(
    deployments: Sequence[RunnerDeployment],
    print_starting_message: bool,
    options: dict[str, Any],
    webserver: bool | None = None,
) -> None:
    """Serve deployments with a runner of some options, from sync code."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(_serve(deployments, print_starting_message, options, webserver))
        return
    raise RuntimeError(
        "serve() blocks, and this is async code: use `await aserve(...)` with what `await flow.ato_deployment(...)` makes."
    )


async def _serve(
    deployments: Sequence[RunnerDeployment], says_so: bool, options: dict[str, Any], webserver: bool | None
) -> None:
    from prefect.runner.runner import Runner

    if not deployments:
        raise ValueError("Nothing to serve: give what flow.to_deployment(...) made.")
    if options.get("limit") is None:
        options = {name: value for name, value in options.items() if name != "limit"}
    runner = Runner(**options)
    for deployment in deployments:
        await runner.aadd_deployment(deployment)
    if says_so:
        print(_starting_message(deployments))  # noqa: T201
    await runner.start(webserver=webserver)


def _starting_message(deployments: Sequence[RunnerDeployment]) -> str:
    if len(deployments) == 1:
        return (
            f"Your flow {deployments[0].flow_name!r} is being served and polling for scheduled runs!\n\nTo start a run:\n\n"
            f"\t$ prefect deployment run '{deployments[0].full_name}'\n"
        )
    width = max(len(each.full_name) for each in deployments)
    lines = [f"  {each.full_name:<{width}}  {', '.join(sorted(each.tags))}".rstrip() for each in deployments]
    listed = "\n".join(lines)
    return (
        f"Your deployments are being served and polling for scheduled runs!\n\n{listed}\n\nTo start a run:\n\n"
        "\t$ prefect deployment run '<flow>/<deployment>'\n"
    )
