"""Labels of resources."""

# ruff: noqa: F401, F403 - the names are those of one other module
from prefect._contract.labelling import *
from prefect._contract.labelling import __all__
