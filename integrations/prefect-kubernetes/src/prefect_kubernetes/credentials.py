"""How to get at a cluster: as blocks, from a kubeconfig file, or from within the cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Literal, Optional

import anyio
import yaml
from pydantic import Field, field_validator

from prefect.blocks.core import Block

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient, Configuration
    from typing_extensions import Self

__all__ = ["KubernetesClusterConfig", "KubernetesCredentials"]

ClientType = Literal["apps", "batch", "core", "custom_objects"]

_CLIENTS: dict[str, str] = {
    "apps": "AppsV1Api",
    "batch": "BatchV1Api",
    "core": "CoreV1Api",
    "custom_objects": "CustomObjectsApi",
}


class KubernetesClusterConfig(Block):
    """
    The contents of a kubeconfig file.

    Args:
        config: The contents, as YAML text or as the mapping that it means.
        context_name: The context to use.
    """

    _block_type_name: ClassVar[Optional[str]] = "Kubernetes Cluster Config"
    _block_type_slug: ClassVar[Optional[str]] = "kubernetes-cluster-config"

    config: Dict[str, Any] = Field(description="The contents of a kubeconfig file.")
    context_name: str = Field(description="The context of the kubeconfig file to use.")

    @field_validator("config", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return yaml.safe_load(value) if isinstance(value, str) else value

    @classmethod
    def from_file(cls, path: Path | str | None = None, context_name: str | None = None) -> Self:
        """
        Read a kubeconfig file.

        Args:
            path: The file; `~/.kube/config` by default.
            context_name: The context to use; the file's current one by default.

        Raises:
            ValueError: The file names no current context, or does not have the one that is wanted.
        """
        path = Path(path or "~/.kube/config").expanduser()
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        known = [context["name"] for context in config.get("contexts", ())]
        chosen = context_name or config.get("current-context")
        if chosen not in known:
            raise ValueError(f"{str(path)!r} has no context {chosen!r}. It has: {', '.join(known) or 'none'}.")
        return cls(config=config, context_name=chosen)

    async def configure_client(self, client_configuration: Configuration | None = None) -> None:
        """
        Use this cluster.

        Args:
            client_configuration: The configuration to change; that of all clients made later by default.
        """
        from kubernetes_asyncio.config import load_kube_config_from_dict

        await load_kube_config_from_dict(
            self.config, context=self.context_name, client_configuration=client_configuration
        )

    async def get_api_client(self) -> ApiClient:
        """A client of the cluster, to be closed by who asked for it."""
        from kubernetes_asyncio.config import new_client_from_config_dict

        return await new_client_from_config_dict(self.config, context=self.context_name)


class KubernetesCredentials(Block):
    """
    What it takes to use a cluster.

    Args:
        cluster_config: The cluster; by default that in which this process runs, else that of the kubeconfig file.
    """

    _block_type_name: ClassVar[Optional[str]] = "Kubernetes Credentials"
    _block_type_slug: ClassVar[Optional[str]] = "kubernetes-credentials"

    cluster_config: Optional[KubernetesClusterConfig] = Field(
        default=None, description="The cluster; by default that of this process, else that of the kubeconfig file."
    )

    @asynccontextmanager
    async def get_client(
        self, client_type: ClientType, configuration: Configuration | None = None
    ) -> AsyncGenerator[Any, None]:
        """
        A client of a part of the API, of the package `kubernetes_asyncio`.

        Args:
            client_type: `"apps"`, `"batch"`, `"core"` or `"custom_objects"`.
            configuration: How to connect, in place of the cluster's.

        Yields:
            The client. It is closed when the `async with` statement is left.
        """
        async with self._connected(configuration) as api:
            yield self.get_resource_specific_client(client_type, api)

    def get_resource_specific_client(self, client_type: str, api_client: ApiClient) -> Any:
        """
        A client of a part of the API that uses a connection.

        Args:
            client_type: `"apps"`, `"batch"`, `"core"` or `"custom_objects"`.
            api_client: The connection.

        Raises:
            ValueError: There is no such part.
        """
        from kubernetes_asyncio import client

        if client_type not in _CLIENTS:
            raise ValueError(f"There is no client of type {client_type!r}. Choose one of: {', '.join(_CLIENTS)}.")
        return getattr(client, _CLIENTS[client_type])(api_client)

    @asynccontextmanager
    async def _connected(self, configuration: Configuration | None = None) -> AsyncGenerator[ApiClient, None]:
        from kubernetes_asyncio.client import ApiClient

        if configuration is not None:
            api = ApiClient(configuration)
        else:
            api = await connect(self.cluster_config)
        async with api:
            yield api


async def connect(cluster_config: KubernetesClusterConfig | None) -> ApiClient:
    """
    A client of a cluster, to be closed by who asked for it.

    Args:
        cluster_config: The cluster; by default that in which this process runs, else that of the kubeconfig file.

    Raises:
        kubernetes_asyncio.config.ConfigException: This process runs in no cluster, and there is no kubeconfig file.
    """
    # Importing it takes seconds, in which other runs of a worker go on.
    await anyio.to_thread.run_sync(import_module, "kubernetes_asyncio.client")
    from kubernetes_asyncio.client import ApiClient, Configuration
    from kubernetes_asyncio.config import ConfigException, load_incluster_config, new_client_from_config

    if cluster_config is not None:
        return await cluster_config.get_api_client()
    inside = Configuration()
    try:
        load_incluster_config(client_configuration=inside)
    except ConfigException:
        return await new_client_from_config()
    return ApiClient(inside)
