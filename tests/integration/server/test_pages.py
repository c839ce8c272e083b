"""Pages of plugins are served below their path, to whoever may ask, and a broken plugin harms nobody."""

from __future__ import annotations

import base64
import sys
from types import ModuleType

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from prefect.plugins import PageSpec, register_hook
from prefect.plugins.loading import current_host
from prefect.settings.context import temporary_settings


def make_app(api_url):
    async def page(request):
        return PlainTextResponse(f"asks {api_url}")

    return Starlette(routes=[Route("/", page), Route("/runs", page)])


class Tulips:
    def __init__(self):
        self.roles = []

    @register_hook
    def prefect_server_pages(self):
        return [
            PageSpec("/tulips", "pages_for_tests:make_app", "Tulips"),
            PageSpec("/broken", "no_such_module_at_all:make_app"),
            PageSpec("/api", "pages_for_tests:make_app"),
            PageSpec("nowhere", "pages_for_tests:make_app"),
        ]

    @register_hook
    def prefect_startup(self, ctx):
        self.roles.append(ctx.role)


@pytest.fixture
def serve(start, tmp_path, monkeypatch):
    module = ModuleType("pages_for_tests")
    module.make_app = make_app
    monkeypatch.setitem(sys.modules, "pages_for_tests", module)

    def serve(**settings):
        with temporary_settings({"PREFECT_HOME": str(tmp_path / "home"), **settings}):
            current_host().register(plugin := Tulips(), "tulips")
            return start(settings), plugin

    return serve


def test_pages_are_below_their_path(serve):
    server, _ = serve()
    with server.client() as client:
        assert client.get(f"{server.url}/tulips/").text.startswith("asks http")
        assert client.get(f"{server.url}/tulips/runs").status_code == 200
        assert client.get(f"{server.url}/tulips/none").status_code == 404
        assert client.get(f"{server.url}/nowhere").status_code == 404
        assert client.get("/health").status_code == 200


def test_a_broken_plugin_is_said_to_be_so(serve):
    server, _ = serve()
    with server.client() as client:
        answer = client.get(f"{server.url}/broken/")
    assert answer.status_code == 503
    assert "no_such_module_at_all" in answer.text


def test_pages_need_credentials_too(serve):
    server, _ = serve(PREFECT_SERVER_API_AUTH_STRING="ada:sesame")
    shown = base64.b64encode(b"ada:sesame").decode()
    with server.client() as client:
        assert client.get(f"{server.url}/tulips/").status_code == 401
        assert client.get(f"{server.url}/tulips/", headers={"Authorization": f"Basic {shown}"}).status_code == 200
