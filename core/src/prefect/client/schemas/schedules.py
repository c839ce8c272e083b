"""Schedules: when runs of a deployment are due."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.schedules import *

_NAMES = {
    "schedules": (
        "DEFAULT_ANCHOR_DATE",
        "MAX_ITERATIONS",
        "MAX_RRULE_LENGTH",
        "SCHEDULE_TYPES",
        "CronSchedule",
        "IntervalSchedule",
        "NoSchedule",
        "RRuleSchedule",
        "construct_schedule",
        "is_schedule_type",
        "is_valid_timezone",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
