"""Steps by which deployments are built, pushed and pulled: functions that are named in `prefect.yaml` or a deployment."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.deployments.steps.core import run_step
    from prefect.deployments.steps.pull import (
        agit_clone,
        git_clone,
        pull_code_bundle,
        pull_from_remote_storage,
        pull_with_block,
        set_working_directory,
    )
    from prefect.deployments.steps.utility import pip_install_requirements, run_shell_script

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(),
    {
        "agit_clone": "prefect.deployments.steps.pull",
        "git_clone": "prefect.deployments.steps.pull",
        "pip_install_requirements": "prefect.deployments.steps.utility",
        "pull_code_bundle": "prefect.deployments.steps.pull",
        "pull_from_remote_storage": "prefect.deployments.steps.pull",
        "pull_with_block": "prefect.deployments.steps.pull",
        "run_shell_script": "prefect.deployments.steps.utility",
        "run_step": "prefect.deployments.steps.core",
        "set_working_directory": "prefect.deployments.steps.pull",
    },
)
