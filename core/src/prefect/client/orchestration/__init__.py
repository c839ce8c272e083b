"""
The clients: everything that can be asked of an orchestrator, as methods.

`get_client()` is for async code, `get_client(sync_client=True)` for sync code. Both work with the orchestrator that the
settings name, and have the same methods, made from the same endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from prefect.client.base import ServerType, Transport, current_transport
from prefect.client.orchestration.administration import AdministrationAsyncClient, AdministrationClient
from prefect.client.orchestration.artifacts import (
    ArtifactAsyncClient,
    ArtifactClient,
    ArtifactCollectionAsyncClient,
    ArtifactCollectionClient,
    LogAsyncClient,
    LogClient,
    VariableAsyncClient,
    VariableClient,
)
from prefect.client.orchestration.automations import AutomationAsyncClient, AutomationClient
from prefect.client.orchestration.base import BaseAsyncClient, BaseClient
from prefect.client.orchestration.blocks import (
    BlocksDocumentAsyncClient,
    BlocksDocumentClient,
    BlocksSchemaAsyncClient,
    BlocksSchemaClient,
    BlocksTypeAsyncClient,
    BlocksTypeClient,
)
from prefect.client.orchestration.concurrency import ConcurrencyLimitAsyncClient, ConcurrencyLimitClient
from prefect.client.orchestration.connecting import ASGIApp, compares_versions, connect, place_of
from prefect.client.orchestration.deployments import DeploymentAsyncClient, DeploymentClient
from prefect.client.orchestration.events import EventAsyncClient, EventClient
from prefect.client.orchestration.flow_runs import FlowRunAsyncClient, FlowRunClient
from prefect.client.orchestration.flows import FlowAsyncClient, FlowClient
from prefect.client.orchestration.task_runs import TaskRunAsyncClient, TaskRunClient
from prefect.client.orchestration.work_pools import WorkPoolAsyncClient, WorkPoolClient
from prefect.client.orchestration.work_queues import WorkQueueAsyncClient, WorkQueueClient
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    import asyncio

    from typing_extensions import Self

__all__ = [
    "ArtifactAsyncClient",
    "ArtifactClient",
    "ArtifactCollectionAsyncClient",
    "ArtifactCollectionClient",
    "AutomationAsyncClient",
    "AutomationClient",
    "BlocksDocumentAsyncClient",
    "BlocksDocumentClient",
    "BlocksSchemaAsyncClient",
    "BlocksSchemaClient",
    "BlocksTypeAsyncClient",
    "BlocksTypeClient",
    "ConcurrencyLimitAsyncClient",
    "ConcurrencyLimitClient",
    "DeploymentAsyncClient",
    "DeploymentClient",
    "EventAsyncClient",
    "EventClient",
    "FlowAsyncClient",
    "FlowClient",
    "FlowRunAsyncClient",
    "FlowRunClient",
    "LogAsyncClient",
    "LogClient",
    "PrefectClient",
    "ServerType",
    "SyncPrefectClient",
    "VariableAsyncClient",
    "VariableClient",
    "WorkPoolAsyncClient",
    "WorkPoolClient",
    "get_client",
]


class PrefectClient(
    BaseAsyncClient,
    AdministrationAsyncClient,
    ArtifactAsyncClient,
    ArtifactCollectionAsyncClient,
    AutomationAsyncClient,
    ConcurrencyLimitAsyncClient,
    EventAsyncClient,
    LogAsyncClient,
    VariableAsyncClient,
    FlowRunAsyncClient,
    FlowAsyncClient,
    TaskRunAsyncClient,
    BlocksDocumentAsyncClient,
    BlocksSchemaAsyncClient,
    BlocksTypeAsyncClient,
    DeploymentAsyncClient,
    WorkPoolAsyncClient,
    WorkQueueAsyncClient,
):
    """
    The client for async code. It may be used with `async with`, and without.

    Args:
        api: The orchestrator: the address of a server, an ASGI app, or a transport.
        auth_string: For a server: user and password.
        api_key: For a server: its key.
        api_version: For a server: the version of the REST contract to ask for.
        httpx_settings: For a server: settings of the HTTP connection.
        server_type: Where the orchestrator is.
    """

    def __init__(
        self,
        api: str | ASGIApp | Transport,
        *,
        auth_string: str | None = None,
        api_key: str | None = None,
        api_version: str | None = None,
        httpx_settings: dict[str, Any] | None = None,
        server_type: ServerType | None = None,
    ) -> None:
        self.transport = connect(
            api, auth_string=auth_string, api_key=api_key, api_version=api_version, httpx_settings=httpx_settings
        )
        self.server_type = server_type or place_of(self.transport)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._version_was_compared = False

    @property
    def api_url(self) -> str:
        """The address of the orchestrator. One in this process has a made-up one, as nobody can connect to it."""
        return f"{self.transport.url}/"

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop in which the client was entered with `async with`; None before."""
        return self._loop

    def client_version(self) -> str:
        """The version of this client."""
        import prefect

        return prefect.__version__

    async def raise_for_api_version_mismatch_once(self) -> None:
        """Make sure, the first time, that the orchestrator and this client understand each other."""
        if not self._version_was_compared and compares_versions():
            await self.raise_for_api_version_mismatch()
            self._version_was_compared = True

    async def __aenter__(self) -> Self:
        import asyncio

        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __enter__(self) -> Any:
        message = (
            "This client is for async code: use 'async with get_client()', or 'with get_client(sync_client=True)'."
        )
        raise RuntimeError(message)

    def __exit__(self, *_: object) -> None:
        return None


class SyncPrefectClient(
    BaseClient,
    AdministrationClient,
    ArtifactClient,
    ArtifactCollectionClient,
    AutomationClient,
    ConcurrencyLimitClient,
    EventClient,
    LogClient,
    VariableClient,
    FlowRunClient,
    FlowClient,
    TaskRunClient,
    BlocksDocumentClient,
    BlocksSchemaClient,
    BlocksTypeClient,
    DeploymentClient,
    WorkPoolClient,
    WorkQueueClient,
):
    """
    The client for sync code. It may be used with `with`, and without.

    Args:
        api: The orchestrator: the address of a server, or a transport.
        auth_string: For a server: user and password.
        api_key: For a server: its key.
        api_version: For a server: the version of the REST contract to ask for.
        httpx_settings: For a server: settings of the HTTP connection.
        server_type: Where the orchestrator is.
    """

    def __init__(
        self,
        api: str | Transport,
        *,
        auth_string: str | None = None,
        api_key: str | None = None,
        api_version: str | None = None,
        httpx_settings: dict[str, Any] | None = None,
        server_type: ServerType | None = None,
    ) -> None:
        if callable(api):
            raise ConfigurationError(
                "An ASGI app answers async code only. Use PrefectClient, or the address of a server."
            )
        self.transport = connect(
            api, auth_string=auth_string, api_key=api_key, api_version=api_version, httpx_settings=httpx_settings
        )
        self.server_type = server_type or place_of(self.transport)
        self._version_was_compared = False

    @property
    def api_url(self) -> str:
        """The address of the orchestrator. One in this process has a made-up one, as nobody can connect to it."""
        return f"{self.transport.url}/"

    def client_version(self) -> str:
        """The version of this client."""
        import prefect

        return prefect.__version__

    def raise_for_api_version_mismatch_once(self) -> None:
        """Make sure, the first time, that the orchestrator and this client understand each other."""
        if not self._version_was_compared and compares_versions():
            self.raise_for_api_version_mismatch()
            self._version_was_compared = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@overload
def get_client(httpx_settings: dict[str, Any] | None = None, sync_client: Literal[False] = False) -> PrefectClient: ...


@overload
def get_client(httpx_settings: dict[str, Any] | None = None, *, sync_client: Literal[True]) -> SyncPrefectClient: ...


@overload
def get_client(
    httpx_settings: dict[str, Any] | None = None, sync_client: bool = False
) -> PrefectClient | SyncPrefectClient: ...


def get_client(
    httpx_settings: dict[str, Any] | None = None, sync_client: bool = False
) -> PrefectClient | SyncPrefectClient:
    """
    A client for the orchestrator that the current settings name.

    Args:
        httpx_settings: Settings of the HTTP connection to a server. The orchestrator in this process has none.
        sync_client: Whether to make a client for sync code.

    Raises:
        prefect.exceptions.ConfigurationError: The settings name a server by something that is no address.
    """
    transport = current_transport()
    if sync_client:
        return SyncPrefectClient(transport, httpx_settings=httpx_settings)
    return PrefectClient(transport, httpx_settings=httpx_settings)
