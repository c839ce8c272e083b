"""What every result storage must be able to do."""

from pathlib import Path

import pytest
from prefect.filesystems import WritableFileSystem
from prefect.testing.conformance import ResultStorageContract

from {{ cookiecutter.__module }}.storage import storage_of_url


class TestStorage(ResultStorageContract):
    large = 1024 * 1024

    @pytest.fixture
    def storage(self, tmp_path: Path) -> WritableFileSystem:
        return storage_of_url(f"{{ cookiecutter.__plugin }}://{tmp_path}/results")
