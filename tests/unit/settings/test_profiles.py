"""Profiles are read, changed and written without losing what people wrote."""

from __future__ import annotations

import threading

import pytest

from prefect.exceptions import ConfigurationError, ProfileSettingsValidationError
from prefect.settings import (
    DEFAULT_PROFILES_PATH,
    PREFECT_API_URL,
    Profile,
    ProfilesCollection,
    load_current_profile,
    load_profile,
    load_profiles,
    save_profiles,
    update_current_profile,
)
from prefect.settings.files import read_toml
from prefect.settings.legacy import find_setting
from prefect.settings.sources import DEFAULT_PROFILE

LEVEL = find_setting("PREFECT_LOGGING_LEVEL")

WRITTEN = """\
# mine
active = "mine"

[profiles.mine]
# why
PREFECT_API_URL = "http://a/api" # tail

[profiles.two]
PREFECT_LOGGING_LEVEL = "ERROR"
"""


@pytest.fixture
def written(home):
    path = home / "profiles.toml"
    path.write_text(WRITTEN)
    return path


def test_profiles_come_with_the_product():
    profiles = load_profiles()
    assert {"ephemeral", "local"} <= profiles.names
    assert profiles.active_name == "ephemeral"
    assert profiles["local"].settings == {PREFECT_API_URL: "http://127.0.0.1:4200/api"}
    assert load_profiles(include_defaults=False).names == set()


def test_the_default_profile_is_the_one_that_is_active_in_the_file_and_sets_nothing():
    # It is not read when settings are: this is why it need not be.
    content = read_toml(DEFAULT_PROFILES_PATH)
    assert content["active"] == DEFAULT_PROFILE
    assert content["profiles"][DEFAULT_PROFILE] == {}


def test_profiles_of_the_user(written):
    assert load_profiles(include_defaults=False).names == {"mine", "two"}
    profiles = load_profiles()
    assert profiles.active_profile == Profile(name="mine", settings={PREFECT_API_URL: "http://a/api"}, source=written)
    assert load_current_profile().name == "mine"
    assert load_profile("two").settings == {LEVEL: "ERROR"}
    with pytest.raises(ValueError, match="'nope' not found. Profiles: ephemeral, local"):
        load_profile("nope")


def test_a_users_profile_takes_the_place_of_one_that_comes_with_the_product(home):
    (home / "profiles.toml").write_text('[profiles.local]\nPREFECT_API_URL = "http://other/api"\n')
    assert load_profile("local").settings == {PREFECT_API_URL: "http://other/api"}


def test_an_update_keeps_comments_and_order(written):
    updated = update_current_profile({"PREFECT_LOGGING_LEVEL": "DEBUG"})
    assert updated.settings == {PREFECT_API_URL: "http://a/api", LEVEL: "DEBUG"}
    text = written.read_text()
    assert "# mine" in text
    assert "# why" in text
    assert 'PREFECT_API_URL = "http://a/api" # tail' in text
    assert LEVEL.value() == "DEBUG"  # for this process too
    update_current_profile({PREFECT_API_URL: None})
    assert "http://a/api" not in written.read_text()
    assert load_current_profile().settings == {LEVEL: "DEBUG"}


def test_a_wrong_value_is_refused_and_nothing_is_written(written):
    with pytest.raises(ProfileSettingsValidationError) as caught:
        update_current_profile({LEVEL: "LOUD"})
    assert caught.value.errors[0][0] == LEVEL
    with pytest.raises(ConfigurationError, match="no setting 'PREFECT_NOPE'"):
        update_current_profile({"PREFECT_NOPE": 1})
    assert written.read_text() == WRITTEN


def test_updating_a_profile_that_comes_with_the_product_makes_it_the_users(home):
    update_current_profile({LEVEL: "DEBUG"})
    assert read_toml(home / "profiles.toml") == {
        "active": "ephemeral",
        "profiles": {"ephemeral": {"PREFECT_LOGGING_LEVEL": "DEBUG"}},
    }


def test_saved_profiles_are_read_back(home, written):
    profiles = load_profiles()
    profiles.add_profile(Profile(name="new", settings={"PREFECT_TASK_DEFAULT_RETRIES": 3}))
    profiles.remove_profile("two")
    profiles.set_active("new")
    save_profiles(profiles)
    again = load_profiles()
    assert again.active_name == "new"
    assert again["new"].settings == {find_setting("tasks.default_retries"): 3}
    assert "two" not in again
    assert "ephemeral" not in read_toml(written)["profiles"]
    assert list(home.iterdir()) == [written]  # nothing is left of the writing


def test_unknown_settings_are_warned_of_and_kept(written):
    text = WRITTEN.replace("# why", 'PREFECT_OF_A_LATER_VERSION = "x"')
    written.write_text(text)
    with pytest.warns(UserWarning, match="profile 'mine' is not recognized.*PREFECT_OF_A_LATER_VERSION"):
        profiles = load_profiles()
    save_profiles(profiles)
    assert 'PREFECT_OF_A_LATER_VERSION = "x"' in written.read_text()


def test_a_file_without_tables_is_refused(home):
    (home / "profiles.toml").write_text("profiles = 3\n")
    with pytest.raises(ConfigurationError, match=r"profiles\.toml must have a table"):
        load_profiles()


def test_readers_never_see_half_a_file(written):
    stop = threading.Event()
    errors = []

    def read():
        while not stop.is_set():
            try:
                assert read_toml(written)["profiles"]["mine"]
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(30):
        update_current_profile({"PREFECT_TASKS_DEFAULT_RETRIES": number})
    stop.set()
    thread.join()
    assert errors == []


def test_a_collection():
    one = Profile(name="one", settings={LEVEL: "INFO"}, source=DEFAULT_PROFILES_PATH)
    collection = ProfilesCollection([one, Profile(name="two")], active="one")
    assert collection.names == set(collection) == {"one", "two"}
    assert len(collection) == 2
    assert "one" in collection
    assert dict(collection.items())["one"] is one
    assert collection.active_profile is one
    assert collection.to_dict() == {"active": "one", "profiles": {"one": {"PREFECT_LOGGING_LEVEL": "INFO"}, "two": {}}}
    assert collection.without_profile_source(DEFAULT_PROFILES_PATH).names == {"two"}
    assert collection == ProfilesCollection([one, Profile(name="two")], active="one")
    assert collection != ProfilesCollection([one, Profile(name="two")], active="two")
    with pytest.raises(ValueError, match="'three'"):
        collection.set_active("three")
    collection.set_active("three", check=False)
    collection.set_active(None)
    assert collection.active_profile is None
    with pytest.raises(ValueError, match="already exists"):
        collection.add_profile(one)
    with pytest.raises(KeyError):
        collection.remove_profile("three")
    assert collection.update_profile("one", {PREFECT_API_URL: "u", LEVEL: None}).settings == {PREFECT_API_URL: "u"}
    assert one.settings == {LEVEL: "INFO"}
    assert "two" in repr(collection)


def test_a_profile_as_variables():
    profile = Profile(name="p", settings={"PREFECT_API_URL": None, "PREFECT_PLUGINS_ALLOW": ["a"], "debug_mode": True})
    assert profile.to_environment_variables() == {"PREFECT_PLUGINS_ALLOW": '["a"]', "PREFECT_DEBUG_MODE": "True"}
    profile.validate_settings()
