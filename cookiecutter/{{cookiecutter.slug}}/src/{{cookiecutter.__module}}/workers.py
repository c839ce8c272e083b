"""Workers."""

from typing import Any, ClassVar

from prefect.workers.process import ProcessWorker


class {{ cookiecutter.__class }}Worker(ProcessWorker):
    """
    Executes flow runs as processes. Replace it by a subclass of `prefect.workers.base.BaseWorker` with a configuration,
    variables, and `run` and `kill_infrastructure` of its own.
    """

    type: ClassVar[str] = "{{ cookiecutter.__plugin }}"

    _description: ClassVar[str] = "Executes flow runs on {{ cookiecutter.name }}."
