"""The server's own pages: settings, tokens, audit trail."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

import prefect


def test_the_server_is_told(site):
    shown = site.show("/settings")
    assert f"Version {prefect.__version__}" in shown.text
    assert "● Healthy" in shown.text
    assert "prefect-ui" in shown.text
    assert "server.api.default_limit 200" in shown.text
    assert "There are none" in site.show("/settings/tokens").text


def test_a_token_is_shown_once_and_used_and_revoked(site, own_server):
    with closing(type(site)(own_server)) as admin, closing(type(site)(own_server)) as reader:
        assert "nobody gets in without one" in admin.show("/settings/tokens/new").text
        secret = secret_in(admin.submit("/settings/tokens/new", name="the-boss", scope="admin", days="3"))
        admin.show("/settings/tokens", 401)
        admin.client.headers["Authorization"] = f"Bearer {secret}"
        listed = admin.show("/settings/tokens")
        assert "the-boss admin any in " in listed.text
        assert secret not in listed.html
        (token,) = admin.api("GET", "/_core/tokens")
        left = datetime.fromisoformat(token["expires_at"].replace("Z", "+00:00")) - datetime.now(timezone.utc)
        assert timedelta(days=2.9) < left < timedelta(days=3)
        made = admin.submit("/settings/tokens/new", name="a reader", scope="read")
        reader.client.headers["Authorization"] = f"Bearer {secret_in(made)}"
        assert "The settings are not told" in reader.show("/settings").text
        reader.show("/settings/tokens", 403)
        reader.show("/settings/audit", 403)
        reader.submit("/settings/tokens/new", 403, name="another", scope="admin")
        assert "create token" in admin.show("/settings/audit?actor=the-boss").text
        assert "is revoked" in admin.submit("/settings/tokens/a reader/revoke").text
        reader.show("/settings", 401)


def secret_in(shown):
    return shown.html.split("<pre>")[1].split("</pre>")[0]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "scope": "read"}, "name"),
        ({"name": "n", "scope": "everything"}, "scopes"),
        ({"name": "n", "scope": "read", "days": "many"}, "no number"),
        ({"name": "n", "scope": "read", "days": "1e300"}, "past the end of the calendar"),
    ],
)
def test_a_token_that_cannot_be_is_said(site, typed, said):
    shown = site.submit("/settings/tokens/new", 422, **typed)
    assert said in shown.html.split('role="alert">')[1].split("</p>")[0]
    assert site.api("GET", "/_core/tokens") == []


def test_changes_are_told_and_found(site):
    name = f"v{uuid4().hex}"
    id = site.api("POST", "/variables/", {"name": name, "value": "<script>alert(1)</script>"})["id"]
    site.api("PATCH", f"/variables/{id}", {"value": "after"})
    shown = site.show(f"/settings/audit?resource=/variables/{id}&since=1h")
    assert "anonymous" in shown.text
    assert "create variable" in shown.text
    assert "update variable" in shown.text
    assert name in shown.text
    assert "<script>alert" not in shown.html
    assert "Nobody has changed" in site.show("/settings/audit?actor=nobody-at-all").text
    assert "Page 2" in site.show("/settings/audit?page=2").text
