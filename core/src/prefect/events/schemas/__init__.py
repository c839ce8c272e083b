"""Events and automations, as models."""

from prefect.utilities import lazy

lazy.install(globals(), {})
