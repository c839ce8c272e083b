"""The clients' methods for the orchestrator itself."""

from __future__ import annotations

from prefect._contract.endpoints import administration
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.utilities.dual import Steps

__all__ = ["AdministrationAsyncClient", "AdministrationClient"]

_CONTRACT_OF = frozenset({"3"})
"""The major versions whose contract this client keeps to, apart from its own."""


def api_healthcheck() -> Steps[Exception | None]:
    """Ask whether the orchestrator answers. Returns the exception if it does not, else None."""
    try:
        yield from ask(administration.check_health())
    except Exception as error:
        return error
    return None


def raise_for_api_version_mismatch() -> Steps[None]:
    """
    Make sure that the orchestrator and this client understand each other.

    Raises:
        RuntimeError: The orchestrator's version has another contract.
    """
    import prefect

    theirs = yield from ask(administration.read_admin_version())
    understood = _CONTRACT_OF | {prefect.__version__.split(".")[0]}
    if theirs.split(".")[0] not in understood:
        message = (
            f"This client has version {prefect.__version__}, and the orchestrator {theirs}. It must be of version "
            f"{' or '.join(sorted(understood))}."
        )
        raise RuntimeError(message)


class AdministrationClient:
    """The orchestrator itself."""

    transport: Transport
    api_healthcheck = blocking_steps(api_healthcheck)
    hello = blocking(administration.hello)
    api_version = blocking(administration.read_admin_version)
    raise_for_api_version_mismatch = blocking_steps(raise_for_api_version_mismatch)
    read_server_default_result_storage = blocking(administration.read_server_default_result_storage)
    update_server_default_result_storage = blocking(administration.update_server_default_result_storage)
    clear_server_default_result_storage = blocking(administration.clear_server_default_result_storage)


class AdministrationAsyncClient:
    """The orchestrator itself."""

    transport: Transport
    api_healthcheck = awaitable_steps(api_healthcheck)
    hello = awaitable(administration.hello)
    api_version = awaitable(administration.read_admin_version)
    raise_for_api_version_mismatch = awaitable_steps(raise_for_api_version_mismatch)
    read_server_default_result_storage = awaitable(administration.read_server_default_result_storage)
    update_server_default_result_storage = awaitable(administration.update_server_default_result_storage)
    clear_server_default_result_storage = awaitable(administration.clear_server_default_result_storage)
