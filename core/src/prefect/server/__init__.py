"""The orchestrator: what it stores (`database`) and what it does (`operations`)."""

from prefect.utilities import lazy

lazy.install(globals(), {})
