"""Logging in to RDS with IAM."""

import pytest

from prefect.plugins.registries import settings
from prefect.settings.context import get_current_settings
from prefect_aws.plugins import set_database_connection_params
from prefect_aws.settings import AwsSettings

URL = "postgresql+asyncpg://an%20owner@db.example.com/prefect"


def test_a_token_takes_the_place_of_the_password(monkeypatch):
    assert set_database_connection_params(URL, get_current_settings()) == {}
    assert settings.get("integrations.aws") is AwsSettings
    for name, value in {"ENABLED": "true", "REGION_NAME": "eu-west-1"}.items():
        monkeypatch.setenv(f"PREFECT_INTEGRATIONS_AWS_RDS_IAM_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    found = set_database_connection_params(URL, get_current_settings())
    token = found["password"]()
    assert token.startswith("db.example.com:5432/?Action=connect&DBUser=an%20owner")
    assert "eu-west-1" in token
    assert found["sslmode"] == "require"
    assert "sslmode" not in set_database_connection_params(f"{URL}?sslmode=verify-full", get_current_settings())
    assert set_database_connection_params("sqlite:///file", get_current_settings()) == {}
    with pytest.raises(ValueError, match="for host 'db' and user None"):
        set_database_connection_params("postgresql://db/x", get_current_settings())
