"""Blocks, and the forms that their schemas describe."""

from __future__ import annotations

from html import unescape
from uuid import uuid4

import pytest

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300
SECRET = "hunter2-the-secret"


@pytest.fixture
def kind(site):
    """Makes a type of block with a schema, and answers with type and schema."""

    def kind(properties, **fields):
        slug = f"kind-{uuid4().hex}"
        made = site.api("POST", "/block_types/", {"name": slug, "slug": slug, "description": f"For {slug}"})
        schema = {"title": "Kind", "type": "object", "properties": properties, "block_type_slug": slug, **fields}
        return made, site.api("POST", "/block_schemas/", {"fields": schema, "block_type_id": made["id"]})

    return kind


def make(site, kind, data, name=None):
    made, schema = kind
    asked = {"name": name or f"b-{uuid4().hex}", "data": data}
    return site.api(
        "POST", "/block_documents/", {**asked, "block_type_id": made["id"], "block_schema_id": schema["id"]}
    )


def read(site, id):
    return site.api("GET", f"/block_documents/{id}?include_secrets=true")["data"]


FIELDS = {
    "host": {"type": "string", "title": "Host", "description": "Where it is"},
    "port": {"type": "integer", "default": 80},
    "password": {"type": "string", "format": "password"},
    "certificate": {"type": "object"},
    "headers": {"type": "object"},
}
RULES = {"secret_fields": ["password", "certificate", "headers.*"], "required": ["host"]}
DATA = {
    "host": "db.example",
    "port": 81,
    "password": SECRET,
    "certificate": {"key": SECRET},
    "headers": {"token": SECRET},
}


def test_blocks_are_found_by_name_and_type(site, kind):
    made = kind({"host": {"type": "string"}})
    first, second = (make(site, made, {"host": "h"})["name"] for _ in range(2))
    slug = made[0]["slug"]
    shown = site.show(f"/blocks?type={slug}").text
    assert first in shown
    assert second in shown
    shown = site.show(f"/blocks?type={slug}&name={first}").text
    assert first in shown
    assert second not in shown
    assert "No block is like this" in site.show("/blocks?name=nothing-is-called-so").text


def test_types_of_blocks_are_listed_and_lead_to_their_forms(site, kind):
    made, _ = kind({"host": {"type": "string", "title": "Host"}})
    shown = site.show("/blocks/catalog")
    assert f"For {made['slug']}" in shown.text
    form = f"/blocks/catalog/{made['slug']}/new"
    assert form in shown.links
    assert form in site.show(form).actions


def test_a_block_is_made_and_changed_without_showing_its_secrets(site, kind):
    made, _ = kind(FIELDS, **RULES)
    name = f"b-{uuid4().hex}"
    typed = {
        "name": name,
        "value.host": "db.example",
        "value.port": "81",
        "value.password": SECRET,
        "value.certificate": f'{{"key": "{SECRET}"}}',
        "value.headers": f'{{"token": "{SECRET}"}}',
    }
    shown = site.submit(f"/blocks/catalog/{made['slug']}/new", **typed)
    assert shown.title == f"{name} · Prefect"
    id = site.api("GET", f"/block_types/slug/{made['slug']}/block_documents/name/{name}")["id"]
    assert read(site, id) == DATA
    page = f"/blocks/block/{id}"
    for path in (page, f"{page}/edit", "/blocks"):
        assert SECRET not in site.show(path).html
    assert "db.example" in site.show(page).text
    assert 'Kind.load("' in site.show(page).text
    form = site.show(f"{page}/edit")
    headers = unescape(form.html.split('name="value.headers"')[1].split("\n", 1)[1].split("</textarea>")[0])
    site.submit(f"{page}/edit", **{"value.host": "other", "value.port": "82", "value.headers": headers})
    assert read(site, id) == {**DATA, "host": "other", "port": 82}
    site.submit(f"{page}/edit", **{"value.host": "other", "value.port": "82", "value.password": "new"})
    assert read(site, id)["password"] == "new"
    assert "is deleted" in site.submit(f"{page}/delete").text
    site.show(page, 404)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"name": "{taken}", "value.host": "h"}, 409, "already"),
        ({"name": "Not A Name", "value.host": "h"}, 422, "name"),
        ({"name": "fine", "value.host": "h", "value.port": "many"}, 422, "no whole number"),
        ({"name": "fine", "value.host": "h", "value.headers": "{{"}, 422, "this is no JSON"),
    ],
)
def test_a_block_that_cannot_be_is_said_with_what_was_typed(site, kind, typed, status, said):
    made = kind(FIELDS, **RULES)
    taken = make(site, made, {"host": "h"})["name"]
    typed = {name: value.replace("{taken}", taken) for name, value in typed.items()}
    shown = site.submit(f"/blocks/catalog/{made[0]['slug']}/new", status, **typed, **{"value.password": SECRET})
    (wrong,) = [part.split("</p>")[0] for part in shown.html.split('role="alert">')[1:]]
    assert said in wrong
    for value in typed.values():
        assert value in unescape(shown.html)
    assert SECRET not in shown.html


def test_a_block_within_a_block_is_chosen(site, kind):
    inner = kind({"host": {"type": "string"}})
    inside = make(site, inner, {"host": "h"})
    reference = {"block_type_slug": inner[0]["slug"], "block_schema_checksum": inner[1]["checksum"]}
    described = {"title": "Inner", "type": "object", "properties": {"host": {"type": "string"}}}
    described |= {"block_type_slug": inner[0]["slug"], "block_schema_references": {}}
    outer, _ = kind(
        {"inner": {"$ref": "#/definitions/Inner"}},
        block_schema_references={"inner": reference},
        definitions={"Inner": described},
    )
    form = f"/blocks/catalog/{outer['slug']}/new"
    assert f"{inside['name']} (" in site.show(form).text
    name = f"b-{uuid4().hex}"
    typed = {"name": name, "value.inner": f'{{"$ref": {{"block_document_id": "{inside["id"]}"}}}}'}
    shown = site.submit(form, **typed)
    assert f"/blocks/block/{inside['id']}" in shown.links
    id = site.api("GET", f"/block_types/slug/{outer['slug']}/block_documents/name/{name}")["id"]
    assert "selected" in site.show(f"/blocks/block/{id}/edit").html
    other = {**typed, "value.inner": '{"$ref": {"block_document_id": "nonsense"}}'}
    assert "choose one" in site.submit(form, 422, **other).text


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site, kind):
    made = kind({HOSTILE: {"type": "string", "title": HOSTILE, "description": HOSTILE, "default": HOSTILE}})
    id = make(site, made, {HOSTILE: HOSTILE})["id"]
    paths = ["/blocks", "/blocks/catalog", f"/blocks/block/{id}", f"/blocks/block/{id}/edit"]
    for path in [*paths, f"/blocks/catalog/{made[0]['slug']}/new"]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
    site.show("/blocks/catalog/nonsense/new", 404)
