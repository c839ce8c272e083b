"""Where values come from, and which source wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import AliasChoices, Field, SecretStr, field_validator

from prefect.exceptions import ConfigurationError
from prefect.settings import get_current_settings
from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.settings.context import reload_settings
from prefect.settings.files import read_dotenv, read_toml
from prefect.settings.models.results import ResultsSettings
from prefect.settings.models.root import Settings


def test_defaults(home):
    settings = Settings()
    assert settings.home == home
    assert settings.profiles_path == home / "profiles.toml"
    assert settings.results.local_storage_path == home / "storage"
    assert settings.logging.config_path == home / "logging.yml"
    assert settings.server.database.connection_url.get_secret_value() == f"sqlite+aiosqlite:///{home}/prefect.db"
    assert settings.logging.level == "INFO"
    assert settings.logging.to_api.max_log_size == 1_000_000
    assert settings.logging.extra_loggers == []
    assert settings.flows.default_retries == 0
    assert settings.api.url is None
    assert settings.tasks.runner.thread_pool_max_workers is None


def test_the_home_is_in_the_users_directory_by_default(monkeypatch):
    monkeypatch.delenv("PREFECT_HOME")
    assert Settings().home == Path("~/.prefect").expanduser()
    monkeypatch.setenv("PREFECT_HOME", "~/elsewhere")
    assert Settings().home == Path("~/elsewhere").expanduser()


SOURCES = ["environment", "dotenv", "prefect.toml", "pyproject.toml", "profile"]


def write(source: str, value: str, home: Path, monkeypatch) -> None:
    if source == "environment":
        monkeypatch.setenv("PREFECT_RESULTS_DEFAULT_SERIALIZER", value)
    elif source == "dotenv":
        Path(".env").write_text(f"PREFECT_RESULTS_DEFAULT_SERIALIZER={value}\n")
    elif source == "prefect.toml":
        Path("prefect.toml").write_text(f'[results]\ndefault_serializer = "{value}"\n')
    elif source == "pyproject.toml":
        Path("pyproject.toml").write_text(f'[tool.prefect.results]\ndefault_serializer = "{value}"\n')
    else:
        (home / "profiles.toml").write_text(
            f'active = "mine"\n[profiles.mine]\nPREFECT_RESULTS_DEFAULT_SERIALIZER = "{value}"\n'
        )


def test_each_source_wins_over_those_after_it(home, monkeypatch):
    assert Settings().results.default_serializer == "pickle"
    for source in reversed(SOURCES):
        write(source, f"from {source}", home, monkeypatch)
        assert Settings().results.default_serializer == f"from {source}"
        assert ResultsSettings().default_serializer == f"from {source}"
    assert ResultsSettings(default_serializer="given").default_serializer == "given"


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_value_is_named_with_its_variable_and_its_source(source, home, monkeypatch):
    value = "maybe"
    if source == "environment":
        monkeypatch.setenv("PREFECT_DEBUG_MODE", value)
    elif source == "dotenv":
        Path(".env").write_text(f"PREFECT_DEBUG_MODE={value}\n")
    elif source == "prefect.toml":
        Path("prefect.toml").write_text(f'debug_mode = "{value}"\n')
    elif source == "pyproject.toml":
        Path("pyproject.toml").write_text(f'[tool.prefect]\ndebug_mode = "{value}"\n')
    else:
        (home / "profiles.toml").write_text(f'active="p"\n[profiles.p]\nPREFECT_DEBUG_MODE="{value}"\n')
    with pytest.raises(ConfigurationError) as caught:
        Settings()
    message = str(caught.value)
    assert "PREFECT_DEBUG_MODE is 'maybe'" in message
    assert "boolean" in message
    expected = {
        "environment": "the environment",
        "dotenv": str(Path(".env").absolute()),
        "prefect.toml": str(Path("prefect.toml").absolute()),
        "pyproject.toml": str(Path("pyproject.toml").absolute()),
        "profile": "profile 'p'",
    }
    assert expected[source] in message


def test_all_wrong_values_of_a_group_are_named(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_TO_API_BATCH_SIZE", "many")
    monkeypatch.setenv("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "shout")
    with pytest.raises(ConfigurationError, match="BATCH_SIZE is 'many'") as caught:
        Settings()
    assert "'warn', 'error' or 'ignore'" in str(caught.value)


def test_wrong_secrets_are_not_shown():
    with pytest.raises(ConfigurationError) as caught:
        Settings(api={"key": ["hush"]})
    assert "PREFECT_API_KEY" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_names_of_variables_may_be_written_in_any_case(monkeypatch):
    monkeypatch.setenv("prefect_logging_level", "debug")
    assert Settings().logging.level == "DEBUG"


def test_other_names_of_a_variable_give_way_to_the_canonical_one(monkeypatch):
    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", "/alias")
    assert Settings().results.local_storage_path == Path("/alias")
    monkeypatch.setenv("PREFECT_RESULTS_LOCAL_STORAGE_PATH", "/canonical")
    assert Settings().results.local_storage_path == Path("/canonical")


def test_lists_and_mappings_in_variables(monkeypatch):
    monkeypatch.setenv("PREFECT_PLUGINS_ALLOW", "a, b")
    monkeypatch.setenv("PREFECT_PLUGINS_DENY", '["c"]')
    monkeypatch.setenv("PREFECT_LOGGING_EXTRA_LOGGERS", "x, y.z,")
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", '{"a": "b"}')
    monkeypatch.setenv("PREFECT_CLIENT_RETRY_EXTRA_CODES", "429,503")
    monkeypatch.setenv("PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS", "[1, 2]")
    monkeypatch.setenv("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1,10")
    settings = Settings()
    assert settings.plugins.allow == {"a", "b"}
    assert settings.plugins.deny == {"c"}
    assert settings.logging.extra_loggers == ["x", "y.z"]
    assert settings.client.custom_headers == {"a": "b"}
    assert settings.client.retry_extra_codes == {429, 503}
    assert settings.flows.default_retry_delay_seconds == [1, 2]
    assert settings.tasks.default_retry_delay_seconds == [1, 10]


def test_dotenv_files(tmp_path):
    path = tmp_path / "env"
    path.write_text(
        "# comment\n\nPREFECT_A=1\nexport PREFECT_B = two words # comment\n"
        "PREFECT_C=\"a # b\"\nPREFECT_D=' x '\nnonsense\nE=\n"
    )
    assert read_dotenv(path) == {
        "PREFECT_A": "1",
        "PREFECT_B": "two words",
        "PREFECT_C": "a # b",
        "PREFECT_D": " x ",
        "E": "",
    }
    assert read_dotenv(tmp_path / "absent") == {}


def test_toml_files_are_read_again_when_they_change(tmp_path):
    path = tmp_path / "a.toml"
    assert read_toml(path) == {}
    path.write_text("a = 1")
    assert read_toml(path) == {"a": 1}
    path.write_text("a = 22")
    assert read_toml(path) == {"a": 22}
    path.write_text("a = ")
    with pytest.raises(ConfigurationError, match=r"a\.toml is not valid TOML"):
        read_toml(path)


def test_groups_of_settings_outside_of_the_product(monkeypatch):
    class Inner(PrefectBaseSettings):
        model_config = build_settings_config(("integrations", "demo", "inner"))
        names: list[str] = Field(default_factory=list)
        token: SecretStr | None = None

    class Demo(PrefectBaseSettings):
        model_config = build_settings_config(("integrations", "demo"), frozen=True)
        size: int = Field(default=1, validation_alias=AliasChoices("size", "prefect_demo_size"))
        inner: Inner = Field(default_factory=Inner)

        @field_validator("size")
        @classmethod
        def small(cls, value):
            if value > 10:
                raise ValueError("too large")
            return value

    assert Demo().size == 1
    monkeypatch.setenv("PREFECT_DEMO_SIZE", "3")
    monkeypatch.setenv("PREFECT_INTEGRATIONS_DEMO_INNER_NAMES", '["a"]')
    monkeypatch.setenv("PREFECT_INTEGRATIONS_DEMO_INNER_TOKEN", "hush")
    demo = Demo()
    assert demo.size == 3
    assert demo.inner.names == ["a"]
    assert "hush" not in repr(demo)
    assert demo.to_environment_variables(exclude_unset=True) == {
        "PREFECT_INTEGRATIONS_DEMO_SIZE": "3",
        "PREFECT_INTEGRATIONS_DEMO_INNER_NAMES": '["a"]',
        "PREFECT_INTEGRATIONS_DEMO_INNER_TOKEN": "hush",
    }
    with pytest.raises(ValueError):
        demo.size = 4
    monkeypatch.setenv("PREFECT_DEMO_SIZE", "30")
    with pytest.raises(ConfigurationError, match="PREFECT_INTEGRATIONS_DEMO_SIZE is '30'.*too large"):
        Demo()


def test_debug_mode_sets_the_levels_that_were_not_set(monkeypatch):
    monkeypatch.setenv("PREFECT_DEBUG_MODE", "1")
    assert Settings().logging.level == "DEBUG"
    assert Settings().internal.logging_level == "DEBUG"
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
    assert Settings().logging.level == "ERROR"


def test_the_database_can_be_described_in_parts(monkeypatch):
    monkeypatch.setenv("PREFECT_API_DATABASE_DRIVER", "postgresql+asyncpg")
    with pytest.raises(ConfigurationError, match="PREFECT_SERVER_DATABASE_HOST"):
        Settings()
    for name, value in {"HOST": "db", "USER": "me@x", "NAME": "prefect", "PASSWORD": "p/w +"}.items():
        monkeypatch.setenv(f"PREFECT_API_DATABASE_{name}", value)
    url = Settings().server.database.connection_url
    assert url.get_secret_value() == "postgresql+asyncpg://me%40x:p%2Fw%20%2B@db:5432/prefect"
    assert "p%2Fw" not in repr(Settings())


def test_the_largest_log_record_must_fit_into_a_batch(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_TO_API_BATCH_SIZE", "10")
    with pytest.raises(ConfigurationError, match="MAX_LOG_SIZE cannot be larger"):
        Settings()


def test_a_profile_that_is_not_there_is_warned_of(home, monkeypatch):
    monkeypatch.setenv("PREFECT_PROFILE", "nope")
    with pytest.warns(UserWarning, match="no profile 'nope', which PREFECT_PROFILE asks for.*ephemeral, local"):
        Settings()


def test_settings_are_read_once_until_they_are_reloaded(monkeypatch):
    before = get_current_settings()
    monkeypatch.setenv("PREFECT_API_URL", "http://x/api")
    assert get_current_settings() is before
    assert reload_settings().api.url == "http://x/api"
    assert get_current_settings().api.url == "http://x/api"
