"""Calls of boto3 from async code, which are repeated when they may succeed later."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from prefect_aws.credentials import AwsCredentials
from prefect_aws.ecs.errors import ExhaustedError, is_transient
from prefect_aws.settings import EcsWorkerSettings

__all__ = ["ask", "ask_again", "client_of", "waits_to_register", "waits_to_run"]

_RETRIES = {"mode": "adaptive", "max_attempts": 6}
"""Clients slow down when they are throttled, unless the credentials say how to retry."""


def client_of(credentials: AwsCredentials | None, service: str, region: str | None = None) -> Any:
    """
    A client of a service that slows down when it is throttled.

    Args:
        credentials: How to get at AWS; those of the environment if it is None.
        service: The service, by boto3's name for it.
        region: The region, if it is not that of the credentials.
    """
    credentials = credentials or AwsCredentials()
    if region:
        credentials = credentials.model_copy(update={"region_name": region})
    parameters = credentials.aws_client_parameters
    if "retries" not in (parameters.config or {}):
        patient = parameters.model_copy(update={"config": {**(parameters.config or {}), "retries": _RETRIES}})
        credentials = credentials.model_copy(update={"aws_client_parameters": patient})
    return credentials.get_client(service)


async def ask(call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Make a call in a thread."""
    return await anyio.to_thread.run_sync(partial(call, **arguments))


async def ask_again(
    call: Callable[..., dict[str, Any]], waits: Iterator[float], say: Callable[[str], None], **arguments: Any
) -> dict[str, Any]:
    """
    Make a call, and repeat it when its failure may pass.

    Args:
        call: A method of a client.
        waits: Seconds to wait before each further attempt.
        say: Told about them.
        arguments: Those of the call.

    Raises:
        ExhaustedError: It has failed each time.
    """
    while True:
        try:
            return await ask(call, **arguments)
        except Exception as error:
            if not is_transient(error):
                raise
            wait = next(waits, None)
            if wait is None:
                raise ExhaustedError(f"AWS does not do it now: {error}") from error
            say(f"Trying again in {wait:.1f} s: {error}")
        await anyio.sleep(wait)


def waits_to_register(settings: EcsWorkerSettings) -> Iterator[float]:
    """Seconds to wait between attempts to register a task definition: twice as long each time."""
    wait = settings.register_task_definition_initial_delay_seconds
    for _ in range(settings.register_task_definition_max_attempts - 1):
        yield wait
        wait = min(wait * 2, settings.register_task_definition_max_delay_seconds)


def waits_to_run(settings: EcsWorkerSettings) -> Iterator[float]:
    """Seconds to wait between attempts to start a task, not the same for all who wait."""
    for _ in range(settings.create_task_run_max_attempts - 1):
        yield settings.create_task_run_min_delay_seconds + random.uniform(  # noqa: S311 - no secret
            settings.create_task_run_min_delay_jitter_seconds, settings.create_task_run_max_delay_jitter_seconds
        )
