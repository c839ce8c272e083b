"""Kits for testing flows, tasks and plugins."""

from prefect.utilities import lazy

lazy.install(globals(), {})
