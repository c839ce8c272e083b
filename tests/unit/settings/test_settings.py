"""The settings as an object: which are in force, how they are changed and packed."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import prefect.settings
from prefect.exceptions import ConfigurationError
from prefect.settings import (
    PREFECT_API_KEY,
    PREFECT_API_URL,
    Settings,
    canonical_environment_prefix,
    get_current_settings,
    temporary_settings,
)
from prefect.settings.base import (
    Later,
    PrefectBaseSettings,
    build_settings_config,
    environment_variables,
    group_of,
    later_groups,
    settings_path,
)
from prefect.settings.context import reload_settings, settings_from_environment, use_profile
from prefect.settings.legacy import Setting, find_setting, known_settings
from prefect.settings.profiles import Profile
from prefect.settings.sources import Sources, _Tables, _Variables, reading


def test_temporary_settings_nest_and_end():
    with temporary_settings({PREFECT_API_URL: "http://a/api"}):
        assert get_current_settings().api.url == "http://a/api"
        with temporary_settings({"results.persist_by_default": "1", "PREFECT_API_URL": "http://b/api"}) as settings:
            assert settings is get_current_settings()
            assert settings.results.persist_by_default is True
            assert PREFECT_API_URL.value() == "http://b/api"
        assert PREFECT_API_URL.value() == "http://a/api"
        assert get_current_settings().results.persist_by_default is False
    assert PREFECT_API_URL.value() is None


def test_defaults_give_way_and_are_restored(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "ERROR")
    reload_settings()
    level = prefect.settings.PREFECT_LOGGING_LEVEL
    with temporary_settings(set_defaults={level: "DEBUG", PREFECT_API_URL: "http://d/api"}):
        assert level.value() == "ERROR"
        assert PREFECT_API_URL.value() == "http://d/api"
        with temporary_settings(restore_defaults={level, PREFECT_API_URL}):
            assert level.value() == "INFO"
            assert PREFECT_API_URL.value() is None


def test_what_follows_from_other_settings_follows_again():
    with temporary_settings({"home": "/other"}) as settings:
        assert settings.results.local_storage_path == Path("/other/storage")
        assert settings.server.database.connection_url.get_secret_value().endswith("/other/prefect.db")


def test_unknown_settings_are_refused_with_a_guess():
    with pytest.raises(ConfigurationError, match="PREFECT_API_ULR.*Did you mean 'PREFECT_API_URL'"):
        with temporary_settings({"PREFECT_API_ULR": "x"}):
            raise AssertionError
    with pytest.raises(ConfigurationError, match=r"given in code"):
        Settings().copy_with_update({"debug_mode": "maybe"})


def test_a_copy_leaves_the_original_alone():
    settings = Settings()
    copy = settings.copy_with_update({"tasks.runner.thread_pool_max_workers": 3})
    assert copy.tasks.runner.thread_pool_max_workers == 3
    assert settings.tasks.runner.thread_pool_max_workers is None


def test_packed_settings_give_the_same_settings(monkeypatch):
    monkeypatch.setenv("PREFECT_CLIENT_RETRY_EXTRA_CODES", "429,503")
    monkeypatch.setenv("PREFECT_API_KEY", "hush")
    monkeypatch.setenv("PREFECT_PLUGINS_ALLOW", "a,b")
    monkeypatch.setenv("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1,2")
    settings = Settings()
    packed = settings.to_environment_variables(exclude_unset=True)
    assert packed["PREFECT_API_KEY"] == "hush"
    assert "PREFECT_API_KEY" not in settings.to_environment_variables(include_secrets=False)
    for name in packed:
        monkeypatch.delenv(name, raising=False)
    for name, value in packed.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
    everything = settings.to_environment_variables()
    for name, value in everything.items():
        monkeypatch.setenv(name, value)
    assert Settings().model_dump() == settings.model_dump()


def test_aliases_can_be_packed_too():
    settings = Settings(results={"local_storage_path": "/x"})
    packed = settings.to_environment_variables(exclude_unset=True, include_aliases=True)
    assert packed["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] == packed["PREFECT_LOCAL_STORAGE_PATH"] == "/x"


def test_settings_of_another_process_come_into_force():
    variables = {"PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_OF_A_LATER_VERSION": "1"}
    with settings_from_environment(variables):
        assert get_current_settings().logging.level == "ERROR"
    assert get_current_settings().logging.level == "INFO"


def test_the_hash_key_tells_settings_apart():
    first, second = Settings(), Settings(debug_mode=True)
    assert first.hash_key() == Settings().hash_key()
    assert first.hash_key() != second.hash_key()


def test_other_threads_have_the_settings_of_the_process():
    seen = []
    with temporary_settings({PREFECT_API_URL: "http://a/api"}):
        thread = threading.Thread(target=lambda: seen.append(PREFECT_API_URL.value()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_settings_as_objects():
    assert PREFECT_API_URL.name == "PREFECT_API_URL"
    assert PREFECT_API_URL.accessor == "api.url"
    assert str(PREFECT_API_URL) == "None"
    assert not PREFECT_API_URL
    assert not PREFECT_API_URL.is_secret
    assert PREFECT_API_KEY.is_secret
    assert repr(PREFECT_API_URL) == "<PREFECT_API_URL: typing.Optional[str]>"
    assert find_setting("api.url") == PREFECT_API_URL == Setting("PREFECT_API_URL", None, str)
    assert len({find_setting("api.url"), PREFECT_API_URL}) == 1
    with temporary_settings({PREFECT_API_KEY: "hush"}):
        assert PREFECT_API_KEY.value() == "hush"
        assert "hush" not in repr(get_current_settings())
    assert prefect.settings.PREFECT_TASKS_DEFAULT_RETRIES.default() == 0
    assert prefect.settings.PREFECT_TASK_DEFAULT_RETRIES.value() == 0
    with pytest.raises(AttributeError, match="PREFECT_NOPE is not a Prefect setting"):
        prefect.settings.PREFECT_NOPE
    with pytest.raises(AttributeError):
        prefect.settings.nope
    assert {"PREFECT_API_URL", "PREFECT_TASK_DEFAULT_RETRIES", "Profile"} <= set(dir(prefect.settings))
    for name in prefect.settings.__all__:
        assert getattr(prefect.settings, name) is not None


def test_every_setting_can_be_read_and_has_a_description():
    settings = get_current_settings()
    for setting in known_settings().values():
        setting.value_from(settings)

    def walk(model):
        for field in model.model_fields.values():
            if isinstance(field.annotation, type) and hasattr(field.annotation, "to_environment_variables"):
                walk(field.annotation)
            else:
                assert field.description
                assert field.description.endswith((".", "`."))

    walk(Settings)
    assert canonical_environment_prefix(settings) == "PREFECT_"


def test_profiles_come_into_force(monkeypatch):
    profile = Profile(name="p", settings={"PREFECT_API_URL": "http://p/api", "PREFECT_LOCAL_STORAGE_PATH": "/p"})
    with use_profile(profile) as settings:
        assert settings.api.url == "http://p/api"
        assert settings.results.local_storage_path == Path("/p")
        assert prefect.settings.load_current_profile() is profile
    with use_profile("local"):
        assert PREFECT_API_URL.value() == "http://127.0.0.1:4200/api"
    monkeypatch.setenv("PREFECT_API_URL", "http://env/api")
    reload_settings()
    with use_profile(profile):
        assert PREFECT_API_URL.value() == "http://env/api"
    with use_profile(profile, override_environment_variables=True):
        assert PREFECT_API_URL.value() == "http://p/api"
    with temporary_settings({"debug_mode": True}):
        with use_profile(profile):
            assert get_current_settings().debug_mode is True
        with use_profile(profile, include_current_context=False):
            assert get_current_settings().debug_mode is False


class _Moon(PrefectBaseSettings):
    """The settings of a plugin."""

    model_config = build_settings_config(("integrations", "moon"))

    phase: str = "new"
    day: int = 1


def test_settings_of_plugins_follow_profiles_and_temporary_settings(monkeypatch):
    phase = "PREFECT_INTEGRATIONS_MOON_PHASE"
    profile = Profile(name="p", settings={phase: "full", "PREFECT_API_URL": "http://p/api"})
    other = Profile(name="q", settings={"PREFECT_INTEGRATIONS_MOON_DAY": "7"})
    with use_profile(profile) as settings:
        assert (_Moon().phase, settings.api.url) == ("full", "http://p/api")
        with use_profile(other):
            assert (_Moon().phase, _Moon().day) == ("full", 7)
        with temporary_settings({phase: "half"}):
            assert _Moon().phase == "half"
        monkeypatch.setenv(phase, "environment")
        assert _Moon().phase == "environment"
        with use_profile(profile, override_environment_variables=True):
            assert _Moon().phase == "full"
    monkeypatch.delenv(phase)
    assert _Moon().phase == "new"
    with (
        temporary_settings({"PREFECT_INTEGRATIONS_MOON_DAY": "many"}),
        pytest.raises(ConfigurationError, match="'many'"),
    ):
        _Moon()


def test_a_profile_that_is_used_alone_hides_that_of_the_process(home):
    (home / "profiles.toml").write_text('active = "p"\n[profiles.p]\nPREFECT_INTEGRATIONS_MOON_PHASE = "full"\n')
    with use_profile(Profile(name="q", settings={"PREFECT_INTEGRATIONS_MOON_DAY": "7"})):
        assert (_Moon().phase, _Moon().day) == ("full", 7)
    with use_profile(Profile(name="q", settings={}), include_current_context=False):
        assert _Moon().phase == "new"


def test_importing_and_reading_settings_loads_no_parser_and_no_pydantic_settings(home):
    code = (
        "import sys, json, pydantic.main; before = set(sys.modules)\n"
        "from prefect.settings import get_current_settings; get_current_settings()\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_HOME"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert loaded.isdisjoint({"pydantic_settings", "tomllib", "tomlkit", "dotenv", "yaml", "httpx", "sqlalchemy"})


def test_groups_that_nobody_needs_are_not_imported():
    code = (
        "import sys\n"
        "from prefect.settings import get_current_settings, temporary_settings\n"
        "settings = get_current_settings()\n"
        "settings.to_environment_variables(exclude_unset=True)\n"
        "with temporary_settings({'PREFECT_LOGGING_LEVEL': 'ERROR'}): pass\n"
        "assert 'prefect.settings.models.server.services' not in sys.modules\n"
        "assert settings.server.services.late_runs.loop_seconds == 5\n"
        "assert 'prefect.settings.models.server.services' in sys.modules\n"
        "assert 'prefect.settings.models.worker' not in sys.modules\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _groups(model: type[PrefectBaseSettings]) -> Iterator[type[PrefectBaseSettings]]:
    yield model
    for field in model.model_fields.values():
        below = group_of(field)
        if below is not None:
            yield from _groups(below)


def _later_ones() -> Iterator[tuple[type[PrefectBaseSettings], str, Later]]:
    for model in _groups(Settings):
        for name, group in later_groups(model).items():
            yield model, name, group


@pytest.mark.parametrize(("model", "name", "group"), [pytest.param(*each, id=each[1]) for each in _later_ones()])
def test_groups_know_what_their_variables_begin_with(model, name, group, monkeypatch, tmp_path):
    variables = [
        variable
        for below in _groups(group.load())
        for names in environment_variables(below).values()
        for variable in names
    ]
    assert variables
    assert [variable for variable in variables if not variable.startswith(group.prefixes)] == []
    values = Settings().to_environment_variables(include_aliases=True)
    for variable in variables:  # each is seen, though nobody asked for the group yet
        fresh = Sources((_Variables("here", {variable: values.get(variable, "1")}),))
        assert fresh.mention((*settings_path(model), name), group.prefixes)
    with reading(Sources((_Tables("here", _nested((*settings_path(model), name))),))):
        above = model()
    assert name in above.__dict__


def _nested(path: tuple[str, ...]) -> dict[str, Any]:
    return {path[0]: _nested(path[1:])} if path else {}


def test_wrong_values_of_groups_that_nobody_needs_are_refused_at_once(monkeypatch):
    monkeypatch.setenv("PREFECT_API_SERVICES_LATE_RUNS_LOOP_SECONDS", "often")
    with pytest.raises(ConfigurationError, match="LOOP_SECONDS is 'often'"):
        Settings()


def test_groups_that_were_not_needed_are_part_of_copies_and_comparisons(monkeypatch):
    settings = Settings()
    assert "worker" not in settings.__dict__
    assert "worker=" in repr(settings)
    for copied in (copy.copy(Settings()), copy.deepcopy(Settings()), pickle.loads(pickle.dumps(Settings()))):
        assert copied == Settings()
        assert copied.worker.webserver.port == 8080
    other = Settings().copy_with_update({"worker.webserver.port": 1})
    assert other != Settings()
    assert other.copy_with_update({"debug_mode": True}).worker.webserver.port == 1
    assert other.to_environment_variables(exclude_unset=True)["PREFECT_WORKER_WEBSERVER_PORT"] == "1"
    assert Settings().model_dump()["server"]["services"]["late_runs"]["enabled"] is True
    assert '"late_runs"' in Settings().model_dump_json()
    assert "late_runs" in json.dumps(Settings.model_json_schema())
    assert dict(Settings())["runner"] == Settings().runner
    with pytest.raises(AttributeError, match="nope"):
        settings.server.nope


@pytest.mark.parametrize(
    ("variables", "ui_url", "api_url"),
    [
        ({}, None, "http://127.0.0.1:4200/api"),
        ({"PREFECT_API_URL": "http://h:1/api"}, "http://h:1", "http://h:1/api"),
        ({"PREFECT_API_URL": "http://h:1/api/"}, "http://h:1", "http://h:1/api/"),
        ({"PREFECT_SERVER_API_HOST": "h", "PREFECT_SERVER_API_PORT": "9"}, None, "http://h:9/api"),
        ({"PREFECT_UI_URL": "http://u", "PREFECT_UI_API_URL": "http://v/api"}, "http://u", "http://v/api"),
    ],
)
def test_urls_follow_from_each_other(variables, ui_url, api_url, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.ui_url, settings.server.ui.api_url) == (ui_url, api_url)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("0", False),
        ("", False),
        ("events, flow_runs", {"events", "flow_runs"}),
        ('["events"]', {"events"}),
    ],
)
def test_what_is_deleted_in_time_is_a_switch_or_names(text, value, monkeypatch):
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", text)
    assert Settings().server.services.db_vacuum.enabled == value


def test_durations_are_seconds_or_iso_8601(monkeypatch):
    monkeypatch.setenv("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "60")
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "PT1M30S")
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES", '{"a": 5}')
    server = Settings().server
    assert server.events.retention_period == timedelta(minutes=1)
    assert server.services.late_runs.after_seconds == timedelta(seconds=90)
    assert server.services.db_vacuum.event_retention_overrides == {"a": timedelta(seconds=5)}


def test_setting_objects_are_exported_by_name() -> None:
    told = {
        prefect.settings.PREFECT_UI_URL: "http://pages",
        prefect.settings.PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False,
        prefect.settings.PREFECT_DEFAULT_DOCKER_BUILD_NAMESPACE: "reg.io/team",
    }
    with temporary_settings(told):
        assert {setting: setting.value() for setting in told} == told
        assert get_current_settings().deployments.default_docker_build_namespace == "reg.io/team"
        assert prefect.settings.PREFECT_HOME.value() == get_current_settings().home
    assert {setting.name for setting in told} | {"PREFECT_HOME"} <= set(prefect.settings.__all__)
