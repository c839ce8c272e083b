"""The orchestrator itself: its settings, its tokens against forgery, and what is installed where it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from prefect._contract.endpoints import administration
from prefect.exceptions import PrefectHTTPStatusError
from prefect.plugins import registries
from prefect.server.operations.tokens import is_csrf_token
from prefect.settings import temporary_settings


def test_settings_are_read_without_secrets(orchestrator: Any) -> None:
    with temporary_settings(
        {
            "PREFECT_SERVER_API_AUTH_STRING": "admin:hush",
            "PREFECT_API_KEY": "hush",
            "PREFECT_SERVER_DATABASE_PASSWORD": "hush",
            "PREFECT_CLIENT_CUSTOM_HEADERS": '{"Authorization": "hush"}',
            "PREFECT_SERVER_API_PORT": 4711,
        }
    ):
        settings = orchestrator.send(administration.read_settings())
    assert "hush" not in str(settings)
    assert settings["server"]["api"]["port"] == 4711
    assert settings["server"]["api"]["auth_string"] == settings["api"]["key"] == "**********"
    assert settings["server"]["database"]["connection_url"] == "**********"
    assert settings["client"]["custom_headers"] == {"Authorization": "**********"}
    assert settings["server"]["services"]["late_runs"] == {
        "enabled": True,
        "loop_seconds": 5.0,
        "after_seconds": "PT15S",
    }
    assert settings["worker"]["webserver"]["port"] == 8080


def is_good(orchestrator: Any, client: str, token: str) -> bool:
    transport = orchestrator.transport
    return transport.database.transaction(
        lambda connection: is_csrf_token(transport._begin(connection), client, token), write=False
    )


def test_a_client_gets_a_token_of_its_own(orchestrator: Any) -> None:
    with temporary_settings({"PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": True}):
        first = orchestrator.send(administration.read_csrf_token("one"))
        other = orchestrator.send(administration.read_csrf_token("two"))
    assert (first.client, len(first.token)) == ("one", 64)
    assert first.token != other.token
    assert (first.expiration - orchestrator.clock.now).total_seconds() == 3600
    assert is_good(orchestrator, "one", first.token)
    assert not is_good(orchestrator, "two", first.token)
    orchestrator.clock.pass_by(3601)
    assert not is_good(orchestrator, "one", first.token)


def test_a_new_token_takes_the_place_of_the_old_one(orchestrator: Any) -> None:
    settings = {"PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": True, "PREFECT_SERVER_API_CSRF_TOKEN_EXPIRATION": "60"}
    with temporary_settings(settings):
        first = orchestrator.send(administration.read_csrf_token("one"))
        second = orchestrator.send(administration.read_csrf_token("one"))
    assert (second.expiration - orchestrator.clock.now).total_seconds() == 60
    assert not is_good(orchestrator, "one", first.token)
    assert is_good(orchestrator, "one", second.token)


def test_no_tokens_are_given_where_none_are_asked_for(orchestrator: Any) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=r"CSRF protection is disabled\.") as refused:
        orchestrator.send(administration.read_csrf_token("one"))
    assert refused.value.response.status_code == 422


@pytest.mark.parametrize("client", ["", "x" * 256])
def test_a_client_has_a_name_of_some_length(orchestrator: Any, client: str) -> None:
    with temporary_settings({"PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": True}):
        with pytest.raises(PrefectHTTPStatusError, match="must have 1 to 255"):
            orchestrator.send(administration.read_csrf_token(client))


# -- what is installed


class BoatWorker:
    """A worker, as far as views show one."""

    @classmethod
    def get_description(cls) -> str:
        return "Runs flows on boats."

    @classmethod
    def get_documentation_url(cls) -> str:
        return "https://boats.example"

    @classmethod
    def get_logo_url(cls) -> str:
        return "https://boats.example/logo.png"

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        return {"job_configuration": {"crew": "{{ crew }}"}, "variables": {"type": "object"}}


@pytest.fixture
def boats() -> Iterator[None]:
    registries.workers.register("steam-boat", BoatWorker)
    yield
    registries.workers.unregister("steam-boat")


def view(orchestrator: Any, name: str) -> dict[str, Any]:
    return orchestrator.send(administration.read_collection_view(name))


def test_installed_workers_are_shown(orchestrator: Any, boats: None) -> None:
    (shown,) = (
        kinds["steam-boat"]
        for kinds in view(orchestrator, "aggregate-worker-metadata").values()
        if "steam-boat" in kinds
    )
    assert shown == {
        "type": "steam-boat",
        "display_name": "Steam Boat",
        "description": "Runs flows on boats.",
        "documentation_url": "https://boats.example",
        "logo_url": "https://boats.example/logo.png",
        "install_command": "pip install tests",
        "is_beta": False,
        "default_base_job_configuration": BoatWorker.get_default_base_job_template(),
    }


def test_installed_blocks_are_shown(orchestrator: Any) -> None:
    types = view(orchestrator, "aggregate-block-metadata")["prefect"]["block_types"]
    secret = types["secret"]
    assert (secret["name"], secret["slug"]) == ("Secret", "secret")
    assert secret["block_schema"]["fields"]["title"] == "Secret"
    assert secret["block_schema"]["checksum"].startswith("sha256:")
    assert {"local-file-system", "remote-file-system"} <= set(types)


def test_views_of_what_nothing_offers_are_empty(orchestrator: Any) -> None:
    assert view(orchestrator, "aggregate-flow-metadata") == view(orchestrator, "demo-flows") == {}


def test_a_view_that_is_none_is_not_found(orchestrator: Any) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="View nope not found in registry") as refused:
        view(orchestrator, "nope")
    assert refused.value.response.status_code == 404
