"""Schedules, in all the ways in which they may be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from prefect._contract.actions.deployments import DeploymentScheduleCreate
from prefect._contract.schedules import SCHEDULE_TYPES
from prefect.schedules import Schedule

__all__ = ["FlexibleScheduleList"]

FlexibleScheduleList = Sequence[Union[DeploymentScheduleCreate, dict[str, Any], SCHEDULE_TYPES, Schedule]]
"""Schedules: as users write them, as they are sent, or as mappings with `schedule`, `active` and so on."""
