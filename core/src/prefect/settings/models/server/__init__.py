"""The settings of the orchestrator itself, in this process or as a server."""

from __future__ import annotations

from prefect.settings.models.server.root import ServerSettings

__all__ = ["ServerSettings"]
