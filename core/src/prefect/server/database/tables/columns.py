"""What tables have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData

from prefect.server.database.types import Identifier, Moment

__all__ = ["metadata", "owner", "record", "required"]

metadata = MetaData()


def required(name: str, kind: Any, *rest: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, *rest, nullable=False, **options)


def owner(name: str, target: str) -> Column[Any]:
    """A reference to the row that this one belongs to and goes with."""
    return Column(name, Identifier, ForeignKey(target, ondelete="CASCADE"), nullable=False)


def record() -> tuple[Column[Any], ...]:
    """What every record has."""
    return (
        Column("id", Identifier, primary_key=True, nullable=False),
        required("created", Moment),
        required("updated", Moment),
    )
