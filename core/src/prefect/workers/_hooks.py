"""What workers ask plugins: more environment for a job, and what a failure of infrastructure means."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio

from prefect.client.references import resolve_block_document_references
from prefect.plugins.loading import current_host
from prefect.plugins.types import FailureVerdict, JobContext, SecretRef

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.plugins.types import EnvValue

__all__ = ["InfrastructureFailedError", "classify", "job_environment", "secret_text", "tried_again"]

R = TypeVar("R")

WAITS = (0.5, 2.0, 8.0)
"""Seconds to wait before what has failed for a moment is tried again."""


class InfrastructureFailedError(RuntimeError):
    """Infrastructure has failed, and this is what it means."""


def job_environment(ctx: JobContext) -> dict[str, EnvValue]:
    """The environment variables that plugins want a job to have; of two that name one, who is asked first wins."""
    wanted: dict[str, EnvValue] = current_host().call_merged("prefect_job_environment", ctx=ctx)
    return wanted


async def secret_text(ref: SecretRef, client: PrefectClient | None = None) -> str:
    """
    A secret in clear.

    Args:
        ref: Of the kind `block`: `type/name`, and `type/name/field` for a block of several fields. Of the kind
            `setting`: the name of a setting of this process.
        client: Asks the orchestrator.

    Raises:
        ValueError: There is no such kind, or it names nothing, or no text.
        prefect.exceptions.ObjectNotFound: There is no such block.
    """
    from prefect.settings import get_current_settings

    value: object
    if ref.kind == "block":
        placeholder = f"{{{{ prefect.blocks.{ref.name.replace('/', '.')} }}}}"
        value = await resolve_block_document_references(placeholder, client)
    elif ref.kind == "setting":
        value = get_current_settings().to_environment_variables(exclude_unset=True).get(ref.name)
    else:
        raise ValueError(
            f"There are no secrets of the kind {ref.kind!r}: a plugin may refer to a 'block' or a 'setting'."
        )
    if not isinstance(value, str):
        raise ValueError(f"The {ref.kind} {ref.name!r}, which a plugin refers to, is not a text. Is a field missing?")
    return value


def classify(ctx: JobContext, error: Exception) -> FailureVerdict | None:
    """What plugins, or else the core, know of a failure of infrastructure."""
    verdict: FailureVerdict | None = current_host().call_first(
        "prefect_classify_infrastructure_failure", ctx=ctx, error=error
    )
    return verdict


def classify_connection(error: BaseException) -> FailureVerdict | None:
    """What the core knows: connections come back."""
    httpx = sys.modules.get("httpx")  # not loaded, the error is none of its
    kinds = (ConnectionError, TimeoutError, *((httpx.TransportError,) if httpx is not None else ()))
    return FailureVerdict("transient", "The infrastructure cannot be reached.") if isinstance(error, kinds) else None


async def tried_again(
    start: Callable[[], Awaitable[R]], ctx: JobContext, is_there: Callable[[], bool], say: Callable[[str], None]
) -> R:
    """
    Have infrastructure execute something; what is transient is tried again, until the infrastructure is there.

    Args:
        start: Starts it, and waits for it.
        ctx: The job.
        is_there: Whether the infrastructure has been made, so that a second start would make another.
        say: Told about every further attempt.

    Raises:
        InfrastructureFailedError: It failed for good, for a reason that a plugin gave.
    """
    waits = iter(WAITS)
    while True:
        try:
            return await start()
        except Exception as error:
            verdict = classify(ctx, error)
            wait = None if verdict is None or verdict.kind != "transient" or is_there() else next(waits, None)
            if wait is None:
                if verdict is None or not verdict.reason:
                    raise
                message = f"{verdict.reason} ({type(error).__name__}: {error})"
                raise InfrastructureFailedError(message) from error
            say(f"{verdict.reason if verdict else ''} Trying again in {wait} s: {error}".strip())
        await anyio.sleep(wait)
