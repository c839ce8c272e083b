"""What every block type must be able to do."""

import pytest
from prefect.testing.conformance import BlockContract

from {{ cookiecutter.__module }}.blocks import {{ cookiecutter.__class }}Credentials


class TestCredentials(BlockContract):
    slug = "{{ cookiecutter.__plugin }}-credentials"

    @pytest.fixture
    def block(self) -> {{ cookiecutter.__class }}Credentials:
        return {{ cookiecutter.__class }}Credentials(token="known-to-this-test-only", endpoint="http://127.0.0.1:1")
