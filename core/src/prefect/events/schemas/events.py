"""Events, and the resources that they are about."""

# ruff: noqa: F401, F403 - the names are those of one other module
from prefect._contract.events import *
from prefect._contract.events import __all__
