"""Assets: what was made from what."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import quote
from uuid import uuid4

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300


def told(site, key, *upstream, run=None, outcome="succeeded", **labels):
    """An event that tells that an asset was made."""
    related = [{"prefect.resource.id": each, "prefect.resource.role": "asset"} for each in upstream]
    if run is not None:
        related.append({"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"})
    event = {
        "event": f"prefect.asset.materialization.{outcome}",
        "id": str(uuid4()),
        "occurred": datetime.now(timezone.utc).isoformat(),
        "resource": {"prefect.resource.id": key, **labels},
        "related": related,
    }
    site.api("POST", "/events", [event])


def page_of(site, key):
    return site.show(f"/assets/asset?key={quote(key, safe='')}")


def test_assets_are_listed_and_drawn(site):
    run = site.run(name="asset-maker")
    told(site, "s3://listed/clean", "s3://listed/raw", run=run)
    told(site, "s3://listed/mart", "s3://listed/clean", run=run, outcome="failed")
    shown = site.show("/assets?name=s3://listed")
    assert "3 assets" in shown.text
    assert "only read" in shown.text
    assert "✗ failed" in shown.text
    assert f"/runs/flow-run/{run}" in shown.listed
    assert shown.html.count('class="edge"') == 2
    assert "No asset is like this" in site.show("/assets?name=nothing-is-called-so").text


def test_an_asset_has_a_page_with_its_lineage(site):
    run = site.run(name="mart-maker")
    labels = {"prefect.resource.name": "the mart", "prefect.asset.url": "https://example.org/mart"}
    told(site, "s3://one/clean", "s3://one/raw", run=run)
    told(site, "s3://one/mart", "s3://one/clean", run=run, **labels)
    told(site, "s3://one/board", "s3://one/mart", run=run)
    shown = page_of(site, "s3://one/mart")
    assert shown.headings == ["the mart"]
    assert "https://example.org/mart" in shown.links
    assert f"/runs/flow-run/{run}" in shown.links
    assert "Made from s3://one/clean" in shown.text
    assert "Used for s3://one/board" in shown.text
    assert shown.html.count('class="edge"') == 3
    assert "prefect.asset.materialization.succeeded" in shown.text


def test_an_asset_of_which_nothing_is_told_is_not_found(site):
    assert "There is no asset with key s3://nowhere" in site.show("/assets/asset?key=s3://nowhere", 404).text
    site.show("/assets/asset", 404)


def test_what_users_write_is_harmless(site):
    key = "s3://hostile/<script>alert('x')</script>"
    labels = {
        "prefect.resource.name": HOSTILE,
        "prefect.asset.url": "javascript:alert(1)",
        "prefect.asset.description": HOSTILE,
    }
    told(site, key, "s3://hostile/\"&'", **labels)
    for shown in (site.show("/assets?name=hostile"), page_of(site, key)):
        assert "<script>alert" not in shown.html
        assert "javascript:alert(1)" not in shown.links
