"""Automations, and when they act."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.automations import *
    from prefect._contract.triggers import *

_NAMES = {
    "automations": (
        "Automation",
        "AutomationCore",
    ),
    "triggers": (
        "CompositeTrigger",
        "CompoundTrigger",
        "EventTrigger",
        "MetricTrigger",
        "MetricTriggerOperator",
        "MetricTriggerQuery",
        "Posture",
        "PrefectMetric",
        "ResourceSpecificationDict",
        "ResourceTrigger",
        "SequenceTrigger",
        "Trigger",
        "TriggerTypes",
        "trigger_discriminator",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
