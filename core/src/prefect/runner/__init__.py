"""Runners: processes that serve deployments, and execute their runs on this machine."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.runner.runner import Runner as Runner

__all__ = lazy.install(globals(), {"Runner": "prefect.runner.runner"})  # noqa: PLE0605 - a list
