"""Events, and the resources that they are about."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.events import *

_NAMES = {
    "events": (
        "Event",
        "ReceivedEvent",
        "RelatedResource",
        "Resource",
        "ResourceSpecification",
        "matches",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
