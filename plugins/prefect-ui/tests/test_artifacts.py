"""Artifacts: the list, the history of a key, and each kind by itself."""

from __future__ import annotations

import base64
import json

import pytest

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def artifact(site, type, data, key=None, **fields):
    return site.api("POST", "/artifacts/", {"type": type, "data": data, "key": key, **fields})["id"]


def page_of(site, *made, **fields):
    return site.show(f"/artifacts/artifact/{artifact(site, *made, **fields)}")


def test_the_latest_of_each_key_is_listed(site):
    artifact(site, "markdown", "# The old one", "listed-report")
    run = site.run(name="the-maker")
    latest = artifact(site, "markdown", "# The new one", "listed-report", flow_run_id=run)
    shown = site.show("/artifacts?key=listed-rep")
    assert "The new one" in shown.text
    assert "The old one" not in shown.text
    assert "/artifacts/key/listed-report" in shown.listed
    assert f"/runs/flow-run/{run}" in shown.listed
    everything = site.show("/artifacts?key=listed-rep&all=yes")
    assert "The old one" in everything.text
    assert f"/artifacts/artifact/{latest}" in everything.listed


def test_artifacts_are_found_by_kind(site):
    artifact(site, "table", "[]", "kind-table")
    artifact(site, "progress", 5, "kind-progress")
    artifact(site, "odd", 5, "kind-odd")

    def found(kind):
        text = site.show(f"/artifacts?key=kind-&type={kind}").text
        return [name for name in ("kind-table", "kind-progress", "kind-odd") if name in text]

    assert [found(kind) for kind in ("table", "progress", "other", "")] == [
        ["kind-table"],
        ["kind-progress"],
        ["kind-odd"],
        ["kind-table", "kind-progress", "kind-odd"],
    ]
    assert "No artifact is like this" in site.show("/artifacts?key=nothing-is-called-so").text


def test_a_key_has_a_history(site):
    ids = [artifact(site, "progress", number, "its-history") for number in (10, 20)]
    shown = site.show("/artifacts/key/its-history")
    assert shown.title == "its-history · Prefect"
    assert {f"/artifacts/artifact/{id}" for id in ids} <= set(shown.listed)
    assert 'value="20' in shown.html
    assert "2 artifacts" in shown.text
    site.show("/artifacts/key/no-such-key", 404)


def test_markdown_is_shown_as_such_and_does_nothing(site):
    shown = page_of(site, "markdown", "# Title\n\n**bold** <script>alert(1)</script> [x](javascript:alert(1))")
    assert "<strong>bold</strong>" in shown.html
    assert "<script>alert" not in shown.html
    assert "javascript:alert(1)" not in shown.links
    assert len(shown.headings) == 1


@pytest.mark.parametrize(
    ("data", "heads", "cells"),
    [
        ([{"city": "Bonn", "n": 1}, {"city": "K\u00f6ln", "more": None}], ["city", "n", "more"], ["Bonn", "K\u00f6ln"]),
        ({"city": ["Bonn", "K\u00f6ln"], "n": [1]}, ["city", "n"], ["Bonn", "K\u00f6ln"]),
        ([["Bonn", 1], ["K\u00f6ln", {"a": 1}]], [], ["Bonn", "K\u00f6ln"]),
    ],
)
def test_tables_are_tables(site, data, heads, cells):
    shown = page_of(site, "table", json.dumps(data))
    assert [f">{head}</th>" in shown.html for head in heads] == [True] * len(heads)
    assert [f"<td>{cell}</td>" in shown.html for cell in cells] == [True] * len(cells)
    assert '<td class="number">1</td>' in shown.html


def test_long_tables_are_cut_and_say_so(site):
    shown = page_of(site, "table", json.dumps([[number] for number in range(1003)]))
    assert "3 more rows are in the data" in shown.text


def test_progress_is_a_bar(site):
    shown = page_of(site, "progress", 72.5)
    assert '<progress max="100" value="72.5"' in shown.html
    assert "72.5 %" in shown.text


def test_pictures_elsewhere_are_links_and_those_within_are_shown(site):
    assert "https://example.org/a.png" in page_of(site, "image", "https://example.org/a.png").links
    content = b"\x89PNG not really"
    id = artifact(site, "image", "data:image/png;base64," + base64.b64encode(content).decode())
    shown = site.show(f"/artifacts/artifact/{id}")
    assert f'<img class="artifact" src="/artifacts/artifact/{id}/picture"' in shown.html
    answer = site.client.get(f"/artifacts/artifact/{id}/picture")
    assert (answer.content, answer.headers["content-type"]) == (content, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "data", ["javascript:alert(1)", "data:image/svg+xml;base64,PHN2Zz4=", "data:image/png;base64,?", 5]
)
def test_other_pictures_are_shown_as_text(site, data):
    id = artifact(site, "image", data)
    shown = site.show(f"/artifacts/artifact/{id}")
    assert "<img" not in shown.html
    assert data not in shown.links
    site.show(f"/artifacts/artifact/{id}/picture", 404)


@pytest.mark.parametrize(
    ("type", "data"), [("table", "no table"), ("progress", "much"), ("markdown", 5), ("odd", {"a": [1]})]
)
def test_what_is_not_what_it_says_is_shown_as_it_is(site, type, data):
    assert 'class="json"' in page_of(site, type, data, "odd-one").html


def test_an_artifact_is_deleted(site):
    id = artifact(site, "markdown", "x", "unwanted")
    assert f"/artifacts/artifact/{id}/delete" in site.show(f"/artifacts/artifact/{id}").actions
    assert "The artifact unwanted is deleted" in site.submit(f"/artifacts/artifact/{id}/delete").text
    site.show(f"/artifacts/artifact/{id}", 404)


def test_what_users_write_is_harmless(site):
    table = json.dumps([{HOSTILE: HOSTILE}])
    for type, data in (("markdown", HOSTILE), ("table", table), ("odd", HOSTILE), ("image", HOSTILE)):
        id = artifact(site, type, data, "hostile", description=HOSTILE, metadata_={HOSTILE: HOSTILE})
        for path in ("/artifacts?key=hostile", "/artifacts/key/hostile", f"/artifacts/artifact/{id}"):
            assert "<script>alert" not in site.show(path).html
