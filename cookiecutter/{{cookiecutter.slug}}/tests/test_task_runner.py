"""What every task runner must be able to do."""

import pytest
from prefect.testing.conformance import TaskRunnerContract

from {{ cookiecutter.__module }}.task_runners import {{ cookiecutter.__class }}TaskRunner


class TestRunner(TaskRunnerContract):
    many = 20

    @pytest.fixture
    def runner(self) -> {{ cookiecutter.__class }}TaskRunner:
        return {{ cookiecutter.__class }}TaskRunner(max_workers=2)
