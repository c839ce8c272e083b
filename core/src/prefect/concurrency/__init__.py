"""Limits of what happens at the same time, or how often: slots that code takes by name."""

from prefect.utilities import lazy

lazy.install(globals(), {})
