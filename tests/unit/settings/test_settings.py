"""The settings as an object: which are in force, how they are changed and packed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

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
from prefect.settings.context import reload_settings, settings_from_environment, use_profile
from prefect.settings.legacy import Setting, find_setting, known_settings
from prefect.settings.profiles import Profile


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
