"""Pages of plugins are served below their path, to whoever may ask, and a broken plugin harms nobody."""

from __future__ import annotations

import base64
import sys
from types import ModuleType

import httpx
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

    async def make_flow(request):
        within = httpx.ASGITransport(request.scope["prefect.api"])
        async with httpx.AsyncClient(transport=within, base_url="http://here") as client:
            answer = await client.post("/api/flows/", json={"name": request.query_params["name"]})
        return PlainTextResponse(answer.text, answer.status_code)

    return Starlette(
        routes=[Route("/", page), Route("/runs", page), Route("/make", make_flow, methods=["POST"])],
    )


class Tulips:
    def __init__(self, *further):
        self.roles = []
        self.further = further

    @register_hook
    def prefect_server_pages(self):
        return [
            PageSpec("/tulips", "pages_for_tests:make_app", "Tulips"),
            PageSpec("/broken", "no_such_module_at_all:make_app"),
            PageSpec("/api", "pages_for_tests:make_app"),
            PageSpec("nowhere", "pages_for_tests:make_app"),
            *self.further,
        ]

    @register_hook
    def prefect_startup(self, ctx):
        self.roles.append(ctx.role)


@pytest.fixture
def serve(start, tmp_path, monkeypatch):
    module = ModuleType("pages_for_tests")
    module.make_app = make_app
    monkeypatch.setitem(sys.modules, "pages_for_tests", module)

    def serve(*further, **settings):
        settings = {"PREFECT_PLUGINS_DENY": "ui", **settings}  # so that nobody else's pages are at the root
        with temporary_settings({"PREFECT_HOME": str(tmp_path / "home"), **settings}):
            current_host().register(plugin := Tulips(*further), "tulips")
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


def test_an_api_token_may_be_the_password_that_a_browser_asks_for(serve):
    server, _ = serve()
    with server.client() as client:
        secret = client.post("/_core/tokens", json={"name": "t", "scopes": ["admin"]}).json()["secret"]
        assert client.get(f"{server.url}/tulips/", auth=("anyone", secret)).status_code == 200
        asked = client.get(f"{server.url}/tulips/", auth=("anyone", f"{secret}x"))
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith('Basic realm="Prefect"')


def test_the_root_is_the_documentation_or_the_pages_of_a_plugin_and_takes_nothing_from_the_server(serve):
    server, _ = serve()
    with server.client() as client:
        assert client.get(f"{server.url}/", follow_redirects=True).url.path == "/docs"
    server, _ = serve(PageSpec("/", "pages_for_tests:make_app"))
    with server.client() as client:
        assert client.get(f"{server.url}/").text.startswith("asks http")
        assert client.get(f"{server.url}/runs").text.startswith("asks http")
        assert client.get(f"{server.url}/docs").text.startswith("<!doctype html>")
        assert client.get("/nothing").json() == {"detail": "Not Found"}
        assert client.get("/health").json() is True
        assert client.get(f"{server.url}/broken/").status_code == 503


def test_pages_ask_the_api_as_who_asks_for_the_page(serve):
    server, _ = serve()
    with server.client() as client:
        assert client.post(f"{server.url}/tulips/make?name=first").status_code == 201
        tokens = {}
        for scope in ("admin", "write", "read"):
            given = {"authorization": f"Bearer {tokens['admin']}"} if tokens else {}
            asked = {"name": scope, "scopes": [scope]}
            tokens[scope] = client.post("/_core/tokens", json=asked, headers=given).json()["secret"]

        def make(scope):
            shown = {"authorization": f"Bearer {tokens[scope]}"}
            return client.post(f"{server.url}/tulips/make?name={scope}", headers=shown)

        assert make("write").status_code == 201
        refused = make("read")
    assert refused.status_code == 403
    assert "'run', which 'read' does not have" in refused.text


def test_where_changes_need_a_token_against_forgery_forms_must_come_from_our_pages(serve):
    server, _ = serve(PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED=True)
    with server.client() as client:
        address = f"{server.url}/tulips/make?name=x"
        assert client.post(address).status_code == 403
        assert client.post(address, headers={"origin": "http://elsewhere.example"}).status_code == 403
        assert client.post(address, headers={"origin": server.url}).status_code == 201
        assert client.post("/flows/", json={"name": "y"}, headers={"origin": server.url}).status_code == 403


def test_a_server_without_pages_has_its_documentation(serve):
    server, _ = serve(PageSpec("/", "pages_for_tests:make_app"), PREFECT_SERVER_UI_ENABLED=False)
    with server.client() as client:
        assert client.get(f"{server.url}/", follow_redirects=True).url.path == "/docs"
        assert client.get(f"{server.url}/tulips/").status_code == 404
