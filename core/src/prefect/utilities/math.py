"""Random intervals, to spread what would else happen at the same moment."""

from __future__ import annotations

import math
import random

__all__ = [
    "bounded_poisson_interval",
    "clamped_poisson_interval",
    "exponential_cdf",
    "lower_clamp_multiple",
    "poisson_interval",
]

# With more half-lives than this what is beyond them is less than a float can tell from nothing.
_MOST_HALF_LIVES = 50


def poisson_interval(average_interval: float, lower: float = 0, upper: float = 1) -> float:
    """
    The time until the next of events that are independent of each other.

    Args:
        average_interval: The mean of such times.
        lower: The part of the shortest times that is left out, 0 to 1.
        upper: One less the part of the longest times that is left out, 0 to 1.
    """
    # Drawn by the inverse of the distribution function; 0 has no logarithm.
    return -math.log(max(1 - random.uniform(lower, upper), 1e-10)) * average_interval  # noqa: S311


def exponential_cdf(x: float, average_interval: float) -> float:
    """The part of times until the next event that are shorter than `x`."""
    return 1 - math.exp(-x / average_interval)


def lower_clamp_multiple(k: float) -> float:
    """The multiple of the half-life below which as many times lie as above `k` half-lives."""
    if k >= _MOST_HALF_LIVES:
        return 0.0
    return -math.log2(1 - 2**-k)


def clamped_poisson_interval(average_interval: float, clamping_factor: float = 0.3) -> float:
    """
    The time until the next event, but not much longer nor shorter than the mean, which stays about the same.

    Args:
        average_interval: The mean.
        clamping_factor: How much longer it may be, as a part of the mean; above 0.

    Raises:
        ValueError: The factor is not above 0.
    """
    if clamping_factor <= 0:
        message = f"`clamping_factor` must be > 0. It is {clamping_factor}."
        raise ValueError(message)
    upper_multiple = 1 + clamping_factor
    upper = average_interval * upper_multiple
    lower = max(0.0, average_interval * lower_clamp_multiple(upper_multiple))
    return poisson_interval(
        average_interval, exponential_cdf(lower, average_interval), exponential_cdf(upper, average_interval)
    )


def bounded_poisson_interval(lower_bound: float, upper_bound: float) -> float:
    """The time until the next event, between two bounds. Shorter ones are more frequent."""
    average = (lower_bound + upper_bound) / 2
    return poisson_interval(average, exponential_cdf(lower_bound, average), exponential_cdf(upper_bound, average))
