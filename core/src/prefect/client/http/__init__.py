"""The transport to a server. Nothing here is imported by embedded use, and httpx only when something is sent."""

from __future__ import annotations

from prefect.client.http.address import ServerAddress
from prefect.client.http.transport import HttpTransport, http_transport, transport_to

__all__ = ["HttpTransport", "ServerAddress", "http_transport", "transport_to"]
