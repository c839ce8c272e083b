"""Settings."""

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from pydantic import Field, SecretStr


class {{ cookiecutter.__class }}Settings(PrefectBaseSettings):
    """The settings of this plugin. An instance has those that are in force."""

    model_config = build_settings_config(("integrations", "{{ cookiecutter.__key }}"))

    timeout_seconds: float = Field(default=30, gt=0, description="How long {{ cookiecutter.name }} may take to answer.")
    token: SecretStr | None = Field(default=None, description="What {{ cookiecutter.name }} knows you by.")
