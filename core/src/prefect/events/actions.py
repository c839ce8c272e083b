"""What automations do."""

# ruff: noqa: F401, F403 - the names are those of one other module
from prefect._contract.automation_actions import *
from prefect._contract.automation_actions import __all__
