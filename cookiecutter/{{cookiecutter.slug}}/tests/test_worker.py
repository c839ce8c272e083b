"""What every worker must be able to do."""

import pytest
from prefect.testing.conformance import WorkerContract

from {{ cookiecutter.__module }}.workers import {{ cookiecutter.__class }}Worker


class TestWorker(WorkerContract):
    @pytest.fixture
    def worker_class(self) -> type[{{ cookiecutter.__class }}Worker]:
        return {{ cookiecutter.__class }}Worker
