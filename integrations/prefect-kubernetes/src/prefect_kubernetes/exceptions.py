"""What may be wrong with Jobs that flows start."""

from __future__ import annotations

from prefect.exceptions import PrefectException

__all__ = [
    "KubernetesJobDefinitionError",
    "KubernetesJobFailedError",
    "KubernetesJobTimeoutError",
    "KubernetesResourceNotFoundError",
]


class KubernetesJobDefinitionError(PrefectException):
    """A manifest is not that of a Job."""


class KubernetesJobFailedError(PrefectException):
    """A Job has failed."""


class KubernetesJobTimeoutError(PrefectException):
    """A Job had not ended in time."""


class KubernetesResourceNotFoundError(PrefectException):
    """A resource is not there, or not any more."""
