"""One request to a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect_kubernetes.credentials import ClientType, KubernetesCredentials

__all__ = ["call"]


async def call(
    credentials: KubernetesCredentials, client_type: ClientType, method: str, more: Mapping[str, Any], **arguments: Any
) -> Any:
    """
    Call a method of a client of `kubernetes_asyncio`.

    Args:
        credentials: How to get at the cluster.
        client_type: The part of the API.
        method: The method.
        more: Further arguments, from who called a task.
        arguments: The arguments.

    Raises:
        kubernetes_asyncio.client.ApiException: The cluster refuses.
    """
    async with credentials.get_client(client_type) as client:
        return await getattr(client, method)(**arguments, **more)
