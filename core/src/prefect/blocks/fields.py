"""Types of fields that blocks often have."""

from prefect.types import SecretDict

__all__ = ["SecretDict"]
