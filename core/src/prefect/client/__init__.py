"""How the SDK reaches an orchestrator: transports, and the clients over them."""

from prefect.utilities import lazy

lazy.install(globals(), {})
