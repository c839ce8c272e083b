"""`prefect config` and `prefect profile`."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from prefect.plugins import SettingsSpec, register_hook
from prefect.plugins.loading import current_host
from prefect.settings.context import get_current_settings, reload_settings


@pytest.fixture
def profiles(home):
    def text():
        return (home / "profiles.toml").read_text()

    return text


class TestConfig:
    def test_settings_are_changed_and_shown(self, cli, profiles):
        result = cli("config", "set", "PREFECT_LOGGING_LEVEL=DEBUG", "results.persist_by_default=true")
        assert "Set 'PREFECT_LOGGING_LEVEL' to 'DEBUG'." in result.stdout
        assert "Updated profile 'ephemeral'." in result.stdout
        assert 'PREFECT_RESULTS_PERSIST_BY_DEFAULT = "true"' in profiles()
        assert get_current_settings().logging.level == "DEBUG"
        shown = cli("config", "view").stdout
        assert "PREFECT_PROFILE='ephemeral'" in shown
        assert "PREFECT_LOGGING_LEVEL='DEBUG' (from profile)" in shown

    def test_where_values_come_from(self, cli, monkeypatch, tmp_path):
        monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
        (tmp_path / ".env").write_text("PREFECT_DEBUG_MODE=true\n")
        (tmp_path / "prefect.toml").write_text("[cli]\ncolors = false\n")
        (tmp_path / "pyproject.toml").write_text("[tool.prefect.flows]\ndefault_retries = 3\n")
        reload_settings()
        shown = {each["name"]: each for each in cli.json("config", "view", "--show-defaults")["settings"]}
        assert shown["PREFECT_LOGGING_LEVEL"] == {"name": "PREFECT_LOGGING_LEVEL", "value": "ERROR", "source": "env"}
        assert shown["PREFECT_DEBUG_MODE"]["source"] == ".env"
        assert shown["PREFECT_CLI_COLORS"]["source"] == "prefect.toml"
        assert (shown["PREFECT_FLOWS_DEFAULT_RETRIES"]["value"], shown["PREFECT_FLOWS_DEFAULT_RETRIES"]["source"]) == (
            "3",
            "pyproject.toml",
        )
        assert shown["PREFECT_API_URL"] == {"name": "PREFECT_API_URL", "value": "None", "source": "defaults"}

    def test_what_is_hidden(self, cli):
        cli("config", "set", "PREFECT_LOGGING_LEVEL=DEBUG")
        assert "(from" not in cli("config", "view", "--hide-sources").stdout
        assert "defaults" not in cli("config", "view").stdout
        assert "(from defaults)" in cli("config", "view", "--show-defaults").stdout
        assert all("source" not in each for each in cli.json("config", "view", "--hide-sources")["settings"])

    def test_secrets_are_masked(self, cli, profiles):
        secret = "pnu_not_to_be_seen"
        commands = [
            ["config", "set", f"PREFECT_API_KEY={secret}"],
            ["config", "view"],
            ["config", "view", "--show-defaults", "-o", "json"],
            ["profile", "inspect"],
            ["profile", "inspect", "-o", "json"],
        ]
        for command in commands:
            assert secret not in cli(*command).output
        assert secret in profiles()
        assert secret in cli("config", "view", "--show-secrets").stdout

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ("PREFECT_LOGING_LEVEL=INFO", "Did you mean 'PREFECT_LOGGING_LEVEL'?"),
            ("NOTHING=1", "There is no setting 'NOTHING'."),
            ("PREFECT_LOGGING_LEVEL", "'PREFECT_LOGGING_LEVEL' is not of the form NAME=VALUE"),
            ("PREFECT_LOGGING_LEVEL=loud", "'loud' is not a valid value of PREFECT_LOGGING_LEVEL: Input should be"),
            ("PREFECT_HOME=/x", "PREFECT_HOME says where profiles are"),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(self, cli, home, setting, message):
        assert message in cli.error("config", "set", "PREFECT_DEBUG_MODE=true", setting)
        assert not (home / "profiles.toml").exists()

    def test_an_environment_variable_wins(self, cli, monkeypatch):
        monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
        shown = cli("config", "set", "PREFECT_LOGGING_LEVEL=DEBUG").stdout
        assert (
            "PREFECT_LOGGING_LEVEL is set in the environment, and wins. Clear it: unset PREFECT_LOGGING_LEVEL" in shown
        )

    def test_settings_are_removed(self, cli, profiles):
        cli("config", "set", "PREFECT_LOGGING_LEVEL=DEBUG", "PREFECT_DEBUG_MODE=true")
        cli("--prompt", "config", "unset", "PREFECT_LOGGING_LEVEL", input="n\n", code=1)
        assert "PREFECT_LOGGING_LEVEL" in profiles()
        cli("--prompt", "config", "unset", "PREFECT_LOGGING_LEVEL", "--yes")
        assert "PREFECT_LOGGING_LEVEL" not in profiles()
        assert "PREFECT_DEBUG_MODE" in profiles()
        assert "'PREFECT_LOGGING_LEVEL' is not set in profile" in cli.error("config", "unset", "PREFECT_LOGGING_LEVEL")

    def test_validation(self, cli, home):
        assert cli("config", "validate").stdout == "Configuration valid!\n"
        home.mkdir(exist_ok=True)
        (home / "profiles.toml").write_text('[profiles.bad]\nPREFECT_LOGGING_LEVEL = "loud"\n')
        reload_settings()
        assert "PREFECT_LOGGING_LEVEL in profile 'bad' is not valid" in cli.error("config", "validate")

    def test_a_command_is_needed(self, cli):
        assert "Commands:" in cli("config").stdout
        assert "Missing argument 'SETTINGS'" in cli.error("config", "set", code=2)


class TestProfiles:
    def active(self, cli):
        return [each["name"] for each in cli.json("profile", "ls") if each["active"]]

    def test_they_are_created_used_renamed_and_deleted(self, cli, profiles):
        cli("config", "set", "PREFECT_LOGGING_LEVEL=DEBUG")
        cli("profile", "create", "work", "--from", "ephemeral")
        assert cli.json("profile", "inspect", "work") == {"PREFECT_LOGGING_LEVEL": "DEBUG"}
        cli("profile", "use", "work")
        reload_settings()
        assert self.active(cli) == ["work"]
        cli("profile", "rename", "work", "office")
        reload_settings()
        assert self.active(cli) == ["office"]
        assert "is the active one" in cli.error("profile", "delete", "office")
        cli("profile", "use", "ephemeral")
        cli("profile", "delete", "office")
        assert "office" not in profiles()

    def test_those_of_the_product_are_listed(self, cli):
        assert [each["name"] for each in cli.json("profiles", "ls")] == ["ephemeral", "local", "test"]
        assert "*  ephemeral" in cli("profile", "ls").stdout

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            (
                ["inspect", "wokr"],
                "Profile 'wokr' not found. Profiles: ephemeral, local, test, work. Did you mean 'work'?",
            ),
            (["use", "nothing"], "Profile 'nothing' not found."),
            (["delete", "nothing"], "Profile 'nothing' not found."),
            (["rename", "nothing", "x"], "Profile 'nothing' not found."),
            (["rename", "work", "local"], "Profile 'local' already exists."),
            (["create", "work"], "Profile 'work' already exists."),
            (["create", "x", "--from", "nothing"], "Profile 'nothing' not found."),
            (["delete", "local"], "Profile 'local' comes with the product and cannot be deleted."),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, command, message):
        cli("profile", "create", "work")
        assert message in cli.error("profile", *command)

    def test_one_for_a_command(self, cli):
        cli("profile", "create", "work")
        cli("--profile", "work", "config", "set", "PREFECT_LOGGING_LEVEL=DEBUG")
        assert cli.json("config", "view", "--profile", "work")["profile"] == "work"
        assert cli.json("profile", "inspect", "work") == {"PREFECT_LOGGING_LEVEL": "DEBUG"}
        assert cli.json("profile", "inspect", "ephemeral") == {}
        assert cli.json("config", "view")["profile"] == "ephemeral"
        assert "Profile 'nothing' not found" in cli.error("-p", "nothing", "config", "view")

    def test_those_of_the_product_are_written(self, cli, profiles):
        cli("--prompt", "profile", "populate-defaults", input="n\n", code=1)
        cli("profile", "populate-defaults")
        assert "[profiles.local]" in profiles()
        assert "Nothing to do" in cli("profile", "populate-defaults").stdout


MODEL = """
from typing import Optional

from pydantic import Field, SecretStr

from prefect.settings.base import PrefectBaseSettings, build_settings_config


class Inner(PrefectBaseSettings):
    model_config = build_settings_config(("integrations", "arrow", "inner"))
    token: Optional[SecretStr] = None


class ArrowSettings(PrefectBaseSettings):
    model_config = build_settings_config(("integrations", "arrow"))
    rows: int = Field(default=1000, ge=1)
    inner: Inner = Field(default_factory=Inner)
"""


class TestSettingsOfPlugins:
    @pytest.fixture(autouse=True)
    def plugin(self, tmp_path, monkeypatch):
        (tmp_path / "arrow_settings.py").write_text(MODEL)
        monkeypatch.syspath_prepend(str(tmp_path))
        plugin = ModuleType("arrow_plugin")
        specs = [
            SettingsSpec("integrations.arrow", "arrow_settings:ArrowSettings"),
            SettingsSpec("integrations.broken", "arrow_settings:nothing"),
        ]
        plugin.prefect_settings = register_hook(lambda: specs, specname="prefect_settings")
        monkeypatch.setenv("PREFECT_PLUGINS_DENY", "nothing-of-that-name")  # a host of its own, for this test alone
        reload_settings()
        current_host().register(plugin, "arrow")
        yield
        sys.modules.pop("arrow_settings", None)

    def test_they_are_shown_beside_the_others(self, cli, monkeypatch):
        monkeypatch.setenv("PREFECT_INTEGRATIONS_ARROW_INNER_TOKEN", "not-to-be-seen")
        result = cli("config", "view", "--show-defaults")
        assert "PREFECT_INTEGRATIONS_ARROW_ROWS='1000' (from defaults)" in result.stdout
        assert "PREFECT_INTEGRATIONS_ARROW_INNER_TOKEN='********' (from env)" in result.stdout
        assert "'integrations.broken' is provided by" in result.stderr

    def test_they_are_changed_in_profiles(self, cli, profiles):
        for value in ("5", "6"):
            cli("config", "set", f"PREFECT_INTEGRATIONS_ARROW_ROWS={value}")
        assert 'PREFECT_INTEGRATIONS_ARROW_ROWS = "6"' in profiles()
        assert "PREFECT_INTEGRATIONS_ARROW_ROWS='6' (from profile)" in cli("config", "view").stdout
        refused = cli("config", "set", "PREFECT_INTEGRATIONS_ARROW_ROWS=0", code=1)
        assert "'0' is not a valid value of PREFECT_INTEGRATIONS_ARROW_ROWS" in refused.stderr
        unknown = cli("config", "set", "PREFECT_INTEGRATIONS_ARROW_ROW=1", code=1)
        assert "Did you mean 'PREFECT_INTEGRATIONS_ARROW_ROWS'?" in unknown.stderr
        cli("config", "validate")
        cli("config", "unset", "PREFECT_INTEGRATIONS_ARROW_ROWS", "--yes")
        assert "ARROW" not in profiles()
