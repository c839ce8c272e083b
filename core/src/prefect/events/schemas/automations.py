"""Automations, and when they act."""

# ruff: noqa: F403 - the names are those of two other modules
from prefect._contract import automations, triggers
from prefect._contract.automations import *
from prefect._contract.triggers import *

__all__ = [*automations.__all__, *triggers.__all__]  # noqa: PLE0604 - they are texts
