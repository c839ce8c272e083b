"""
How often runs of a deployment are tried, as its labels say.

A flow says itself how often it is tried. But a process may die before it has loaded the flow, and then somebody else must
know. So deployments are labelled with it, and their runs are created accordingly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

__all__ = ["labels_of_retries", "retries_of_labels"]

_RETRIES, _DELAY = "prefect.flow.retries", "prefect.flow.retry-delay"


def labels_of_retries(retries: int, delay_seconds: float) -> dict[str, int]:
    """The labels of a deployment whose flow is tried again so often, and each time so many seconds later; none for never."""
    return {_RETRIES: retries, _DELAY: ceil(delay_seconds)} if retries > 0 else {}


def retries_of_labels(labels: Mapping[str, Any] | None) -> dict[str, int]:
    """The fields `retries` and `retry_delay` of a policy, as far as labels say them."""
    retries, delay = (labels or {}).get(_RETRIES), (labels or {}).get(_DELAY)
    if not isinstance(retries, int) or retries <= 0:
        return {}
    return {"retries": retries, "retry_delay": delay if isinstance(delay, int) and delay > 0 else 0}
