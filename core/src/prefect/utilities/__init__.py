"""What the rest is made of and any program could use."""

from prefect.utilities.lazy import install

install(globals(), {})
