"""`prefect asset`."""

from __future__ import annotations

import pytest

from prefect import flow
from prefect.assets import Asset, AssetProperties, materialize

REPORT = Asset(key="s3://lake/report", properties=AssetProperties(name="Report", owners=["data", "sales"]))


@materialize("s3://lake/clean", asset_deps=["postgres://db/raw"])
def clean():
    return [1]  # what is no object of its own is not found again


@materialize(REPORT, by="dbt")
def report(rows):
    return rows


@pytest.fixture
def made(home):
    @flow
    def nightly():
        report(clean())

    nightly()


@pytest.mark.usefixtures("made")
class TestAssets:
    def test_all_are_listed(self, cli):
        shown = cli("asset", "ls").stdout
        assert [key in shown for key in ("postgres://db/raw", "s3://lake/clean", "s3://lake/report")] == [True] * 3
        assert {each["key"]: each["last_succeeded"] for each in cli.json("asset", "ls")} == {
            "postgres://db/raw": None,
            "s3://lake/clean": True,
            "s3://lake/report": True,
        }

    def test_one_is_shown_with_what_it_was_made_from(self, cli):
        shown = cli("asset", "inspect", REPORT.key).stdout
        for words in ("Report", "data, sales", "dbt", "s3://lake/clean"):
            assert words in shown
        told = cli.json("asset", "inspect", "s3://lake/clean")
        assert (told["upstream"], told["downstream"]) == (["postgres://db/raw"], [REPORT.key])

    def test_what_was_made_stands_below_what_it_was_made_from(self, cli):
        tree = "postgres://db/raw\n  s3://lake/clean\n    s3://lake/report\n"
        assert cli("asset", "graph").stdout == tree
        assert cli("asset", "graph", "s3://lake/clean").stdout == tree
        assert len(cli.json("asset", "graph", REPORT.key)["links"]) == 2


def test_without_any(cli):
    assert "No assets found." in cli("asset", "ls").stdout
    assert "No assets found." in cli("asset", "graph").stdout
    assert "Asset 's3://none' not found. See: prefect asset ls" in cli.error("asset", "inspect", "s3://none")
