"""Variables."""

from __future__ import annotations

from html import unescape
from uuid import uuid4

import pytest

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def make(site, value, tags=()):
    name = f"v{uuid4().hex}"
    return name, site.api("POST", "/variables/", {"name": name, "value": value, "tags": list(tags)})["id"]


def read(site, name):
    return site.api("GET", f"/variables/name/{name}")


def test_variables_are_found_by_name_and_tag(site):
    first, _ = make(site, "eu-west-1", ["place"])
    second, _ = make(site, {"a": [1, None]})
    assert f"{first} eu-west-1 place" in site.show(f"/variables?name={first}").text
    assert second not in site.show(f"/variables?name={first}").text
    assert second not in site.show("/variables?tag=place").text
    assert "&#34;a&#34;" in site.show(f"/variables?name={second}").html
    assert "No variable is like this" in site.show("/variables?name=nothing-is-called-so").text


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", "eu-west-1", "eu-west-1"),
        ("text", "12", "12"),
        ("text", "a\r\nb", "a\nb"),
        ("json", "12", 12),
        ("json", '{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
        ("json", '"12"', "12"),
        ("json", "false", False),
        ("json", "null", None),
    ],
)
def test_a_variable_is_made_shown_and_kept(site, kind, typed, value):
    name = f"v{uuid4().hex}"
    assert f"{name} is made" in site.submit("/variables/new", name=name, kind=kind, value=typed, tags="a, b").text
    made = read(site, name)
    assert made["value"] == value
    assert made["tags"] == ["a", "b"]
    page = f"/variables/variable/{made['id']}"
    form = site.show(page)
    shown = unescape(form.html.split("<textarea")[1].split("\n", 1)[1].split("</textarea>")[0])
    kind = "text" if isinstance(value, str) else "json"
    site.submit(page, name=name, kind=kind, value=shown, tags="a")
    assert read(site, name)["value"] == value
    assert read(site, name)["tags"] == ["a"]


def test_a_variable_is_renamed_and_deleted(site):
    name, id = make(site, "x")
    site.submit(f"/variables/variable/{id}", name=f"{name}_2", kind="text", value="y", tags="")
    assert read(site, f"{name}_2")["value"] == "y"
    assert "is deleted" in site.submit(f"/variables/variable/{id}/delete").text
    site.show(f"/variables/variable/{id}", 404)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"name": "{taken}", "kind": "text", "value": "x"}, 409, "already"),
        ({"name": "Not a name!", "kind": "text", "value": "x"}, 422, "name"),
        ({"name": "fine", "kind": "json", "value": "{{"}, 422, "this is no JSON"),
        ({"name": "fine", "kind": "json", "value": "NaN"}, 422, "NaN is no value in JSON"),
        ({"name": "fine", "kind": "text", "value": "x" * 6000}, 422, "value"),
    ],
)
def test_a_variable_that_cannot_be_is_said_with_what_was_typed(site, typed, status, said):
    taken, id = make(site, "x")
    typed = {**typed, "name": typed["name"].replace("{taken}", taken)}
    shown = site.submit("/variables/new", status, **typed)
    (wrong,) = [part.split("</p>")[0] for part in shown.html.split('role="alert">')[1:]]
    assert said in wrong
    for value in typed.values():
        assert value in unescape(shown.html)
    if status == 422:
        assert said in site.submit(f"/variables/variable/{id}", status, **typed).html


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site):
    name, id = make(site, {HOSTILE: HOSTILE}, [HOSTILE])
    _, other = make(site, f"</textarea>{HOSTILE}")
    for path in [f"/variables?name={name}", "/variables", f"/variables/variable/{id}", f"/variables/variable/{other}"]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
