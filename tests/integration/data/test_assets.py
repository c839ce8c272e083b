"""Assets: what tasks make and read, told as events."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from prefect import flow, task
from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.client.base import current_transport
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.exceptions import MissingContextError
from prefect.task_runners import ThreadPoolTaskRunner

ORDERS = "postgres://db/orders"


def told() -> list[tuple[str, str, list[str]]]:
    """What was told of assets: what happened, to which, and which others were involved."""
    from prefect._contract.endpoints.events import read_events

    selected = EventFilter(event=EventNameFilter(prefix=["prefect.asset."]), order="ASC")
    events = current_transport().send(read_events(selected)).events
    short = "prefect.asset."
    return [
        (
            event.event.removeprefix(short).removeprefix("materialization."),
            event.resource.id,
            [each.id for each in event.related if each.role == "asset"],
        )
        for event in events
    ]


def events():
    from prefect._contract.endpoints.events import read_events

    selected = EventFilter(event=EventNameFilter(prefix=["prefect.asset."]), order="ASC")
    return current_transport().send(read_events(selected)).events


@materialize("s3://lake/a", asset_deps=[ORDERS])
def make_a():
    return [1]


@materialize("s3://lake/b")
def make_b(source):
    return [2]


@task
def plain(source):
    return [3]


class TestLineage:
    def test_what_was_read_is_told_before_what_was_made(self):
        make_a()
        assert told() == [("referenced", ORDERS, []), ("succeeded", "s3://lake/a", [ORDERS])]

    @pytest.mark.parametrize("how", ["result", "future", "state", "wait_for"])
    def test_what_others_made_is_read_by_those_that_depend_on_them(self, how):
        @flow
        def pipeline():
            if how == "result":
                make_b(make_a())
            elif how == "future":
                make_b.submit(make_a.submit()).wait()
            elif how == "state":
                make_b(make_a(return_state=True))
            else:
                make_b.submit(None, wait_for=[make_a.submit()]).wait()

        pipeline()
        assert told()[2:] == [("referenced", "s3://lake/a", []), ("succeeded", "s3://lake/b", ["s3://lake/a"])]

    def test_it_leads_through_tasks_that_make_none(self):
        @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
        def pipeline():
            make_b(plain.submit(plain.submit(make_a.submit())))

        pipeline()
        assert told()[-1] == ("succeeded", "s3://lake/b", ["s3://lake/a"])

    def test_a_task_may_say_that_it_reads_what_it_does_not_get(self):
        @task(asset_deps=["s3://lake/x"])
        def reads():
            return [1]

        @flow
        def pipeline():
            make_b(reads())

        pipeline()
        assert told()[-1] == ("succeeded", "s3://lake/b", ["s3://lake/x"])

    def test_flow_runs_do_not_mix(self):
        @flow
        def first():
            make_a()

        @flow
        def second():
            make_b([1])

        first()
        second()
        assert told()[-1] == ("succeeded", "s3://lake/b", [])

    def test_a_failure_is_told(self):
        @materialize("s3://lake/c", "s3://lake/d")
        def fails():
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            fails()
        assert told() == [("failed", "s3://lake/c", []), ("failed", "s3://lake/d", [])]

    def test_a_retry_is_told_once(self):
        attempts = []

        @materialize("s3://lake/c", retries=1)
        def fails_once():
            attempts.append(1)
            if len(attempts) == 1:
                raise ValueError("no")

        fails_once()
        assert told() == [("succeeded", "s3://lake/c", [])]

    def test_what_is_cached_is_not_made_again(self):
        @materialize("s3://lake/c", cache_key_fn=lambda context, arguments: "same", persist_result=True)
        def cached():
            return 1

        cached()
        cached()
        assert told() == [("succeeded", "s3://lake/c", [])]

    def test_async_tasks_make_assets(self):
        import asyncio

        @materialize("s3://lake/c")
        async def made():
            add_asset_metadata("s3://lake/c", {"rows": 1})

        asyncio.run(made())
        assert [event.payload for event in events()] == [{"rows": 1}]


class TestWhatIsSaid:
    def test_properties_are_labels(self):
        properties = AssetProperties(name="C", url="https://x.example", description="d" * 3000, owners=["me", "you"])

        @materialize(Asset(key="s3://lake/c", properties=properties), by="dbt", tags=["t"], task_run_name="making")
        def made():
            pass

        @flow(flow_run_name="running")
        def pipeline():
            made()

        pipeline()
        (event,) = events()
        assert event.resource.root == {
            "prefect.resource.id": "s3://lake/c",
            "prefect.resource.name": "C",
            "prefect.asset.description": "d" * 2500,
            "prefect.asset.url": "https://x.example",
            "prefect.asset.owners": '["me", "you"]',
        }
        assert [(each.role, each.name or each.id) for each in event.related] == [
            ("asset-materialized-by", "dbt"),
            ("flow-run", "running"),
            ("task-run", "making"),
            ("flow", "pipeline"),
            ("tag", "prefect.tag.t"),
        ]

    def test_a_run_says_more(self):
        asset = Asset(key="s3://lake/c")

        @materialize(asset, "s3://lake/d")
        def made():
            asset.add_metadata({"rows": 1, "source": "x"})
            add_asset_metadata("s3://lake/c", {"rows": 2})

        made()
        assert [event.payload for event in events()] == [{"rows": 2, "source": "x"}, {}]

    def test_it_can_be_said_only_of_what_is_made(self):
        @materialize("s3://lake/c")
        def made():
            add_asset_metadata("s3://lake/x", {})

        with pytest.raises(ValueError, match=r"'s3://lake/x' is not among those of the task 'made': s3://lake/c"):
            made()
        with pytest.raises(MissingContextError, match="within a task"):
            add_asset_metadata("s3://lake/c", {})


class TestDefinitions:
    def test_assets_are_needed(self):
        with pytest.raises(TypeError, match="at least one asset"):
            materialize()

    @pytest.mark.parametrize("key", ["no-scheme", "s3://lake/a b", "s3://lake/<x>", "s3://" + "a" * 600])
    def test_a_key_is_a_uri(self, key):
        with pytest.raises(ValidationError):
            Asset(key=key)

    def test_those_with_the_same_key_are_the_same(self):
        named = Asset(key="s3://lake/a", properties=AssetProperties(name="A"))
        assert len({named, Asset(key="s3://lake/a")}) == 1

    def test_options_can_be_changed(self):
        changed = make_a.with_options(name="other", assets=["s3://lake/z"])
        assert (changed.name, changed.assets, changed.asset_deps) == (
            "other",
            [Asset(key="s3://lake/z")],
            make_a.asset_deps,
        )
        assert make_a.assets == make_a.with_options(retries=3).assets == [Asset(key="s3://lake/a")]
        changed()
        assert told()[-1] == ("succeeded", "s3://lake/z", [ORDERS])
