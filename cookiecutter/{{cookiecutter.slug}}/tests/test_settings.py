"""The settings are read, shown and checked as those of the product are."""

import pytest
from prefect.exceptions import ConfigurationError
from prefect.settings import temporary_settings
from prefect.testing.cli import invoke_and_assert

from {{ cookiecutter.__module }}.settings import {{ cookiecutter.__class }}Settings

TIMEOUT = "PREFECT_INTEGRATIONS_{{ cookiecutter.__key | upper }}_TIMEOUT_SECONDS"
TOKEN = "PREFECT_INTEGRATIONS_{{ cookiecutter.__key | upper }}_TOKEN"


def test_variables_are_read_and_shown_but_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT, "7")
    monkeypatch.setenv(TOKEN, "open-sesame")
    assert {{ cookiecutter.__class }}Settings().timeout_seconds == 7
    shown = [f"{TIMEOUT}='7.0' (from env)", f"{TOKEN}='********'"]
    invoke_and_assert(["config", "view"], expected_output_contains=shown)


def test_values_that_are_not_valid_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT, "0")
    with pytest.raises(ConfigurationError, match=f"{TIMEOUT} is '0'"):
        {{ cookiecutter.__class }}Settings()


def test_they_change_for_a_while() -> None:
    with temporary_settings({TIMEOUT: "3"}):
        assert {{ cookiecutter.__class }}Settings().timeout_seconds == 3
    assert {{ cookiecutter.__class }}Settings().timeout_seconds == 30
