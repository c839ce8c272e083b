"""What every plugin must be able to do."""

import pytest
from prefect.testing.conformance import PluginContract


class TestPlugin(PluginContract):
    @pytest.fixture
    def module(self) -> str:
        return "{{ cookiecutter.__module }}.plugin"
