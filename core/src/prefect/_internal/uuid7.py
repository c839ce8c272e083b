"""Ids that sort by the time at which they were made."""

from prefect.utilities.ids import uuid7

__all__ = ["uuid7"]
