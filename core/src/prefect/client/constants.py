"""What a client says of itself."""

from __future__ import annotations

__all__ = ["SERVER_API_VERSION"]

SERVER_API_VERSION: str = "0.8.4"
"""The version of the REST contract that the models and endpoints are those of."""
