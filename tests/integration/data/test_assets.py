"""Assets: what tasks make and read, told as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from tests.integration.server.conftest import Server

from prefect import flow, task
from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.client.base import current_transport
from prefect.context import AssetContext, TaskRunContext, hydrated_context, serialize_context
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.worker import EventsWorker
from prefect.exceptions import MissingContextError
from prefect.settings import temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.ids import uuid7


@pytest.fixture(params=["sqlite", "postgres"])
def served_graph(request, home, tmp_path) -> Iterator[Any]:
    """Reads the graph of assets from a server, over HTTP; runs of the test go there, too."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'served.db'}"
    else:
        postgres = request.getfixturevalue("postgres_server")
        url = postgres.url(postgres.shared_database())
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
        server = Server().start()

    def read(key: str | None = None, status: int = 200) -> Any:
        EventsWorker.instance().wait_until_empty()
        with server.client() as client:
            answer = client.get("/assets/graph", params={} if key is None else {"key": key})
        assert answer.status_code == status, answer.text
        return answer.json()

    with temporary_settings({"PREFECT_API_URL": f"{server.url}/api"}):
        yield read
    server.stop()


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

        with pytest.raises(ValueError, match=r"'s3://lake/x' is not among those of this task: s3://lake/c"):
            made()
        with pytest.raises(MissingContextError, match="within a task"):
            add_asset_metadata("s3://lake/c", {})


class TestTheContext:
    def test_there_is_none_outside_of_tasks(self):
        @flow
        def outside():
            return AssetContext.get()

        assert AssetContext.get() is None
        assert outside() is None

    def test_it_says_what_the_task_run_reads_and_makes(self):
        seen = []

        @materialize("s3://lake/c", by="dbt", asset_deps=[ORDERS])
        def make_c(source):
            context = AssetContext.get()
            assert AssetContext.get() is context
            context.add_asset_metadata("s3://lake/c", {"rows": 1})
            seen.append((context, TaskRunContext.get().task_run.id))
            plain.fn(1)

        @task
        def other():
            seen.append((AssetContext.get(), TaskRunContext.get().task_run.id))

        @flow
        def pipeline():
            make_c(make_b(1))
            other()

        pipeline()
        (made, run), (none, other_run) = seen
        assert made.downstream_assets == {Asset(key="s3://lake/c")}
        assert made.upstream_assets == {Asset(key="s3://lake/b")}
        assert made.direct_asset_dependencies == {Asset(key=ORDERS)}
        assert (made.materialized_by, made.task_run_id) == ("dbt", run)
        assert made.materialization_metadata == {"s3://lake/c": {"rows": 1}}
        assert made.serialize() == {
            "direct_asset_dependencies": [{"key": ORDERS}],
            "downstream_assets": [{"key": "s3://lake/c"}],
            "upstream_assets": [{"key": "s3://lake/b"}],
            "materialized_by": "dbt",
            "task_run_id": str(run),
            "copy_to_child_ctx": False,
        }
        assert (none.task_run_id, none.downstream_assets, none.upstream_assets) == (other_run, set(), set())
        with pytest.raises(ValueError, match=r"'s3://x' is not among those of this task: it has none"):
            none.add_asset_metadata("s3://x", {})

    def test_what_code_says_that_it_makes_is_told(self):
        @task
        def drive():
            context = AssetContext.get()
            context.downstream_assets.add(Asset(key="s3://lake/found"))
            context.add_asset_metadata("s3://lake/found", {"rows": 7})

        drive()
        (event,) = events()
        assert (event.event, event.resource.id) == ("prefect.asset.materialization.succeeded", "s3://lake/found")
        assert event.payload == {"rows": 7}

    def test_assets_as_resources(self):
        asset = Asset(
            key="s3://a", properties=AssetProperties(name="A", owners=["x"], url="https://u", description="d")
        )
        assert AssetContext.asset_as_resource(asset) == {
            "prefect.resource.id": "s3://a",
            "prefect.resource.name": "A",
            "prefect.asset.description": "d",
            "prefect.asset.url": "https://u",
            "prefect.asset.owners": '["x"]',
        }
        assert AssetContext.asset_as_related(asset) == {
            "prefect.resource.id": "s3://a",
            "prefect.resource.role": "asset",
        }
        assert AssetContext.related_materialized_by("dbt") == {
            "prefect.resource.id": "dbt",
            "prefect.resource.role": "asset-materialized-by",
        }

    def test_it_is_entered_where_contexts_are_unpacked(self):
        run = uuid7()
        packed = serialize_context({"task": make_a, "task_run_id": run, "copy_to_child_ctx": True})
        with hydrated_context(packed):
            context = AssetContext.get()
            assert (context.task_run_id, context.copy_to_child_ctx) == (run, True)
            assert context.downstream_assets == {Asset(key="s3://lake/a")}
        assert AssetContext.get() is None


class TestTheGraph:
    def test_what_flows_make_is_seen_over_rest(self, served_graph):
        @flow
        def pipeline():
            make_b.submit(make_a.submit()).wait()

        pipeline()
        graph = served_graph()
        assert [asset["key"] for asset in graph["assets"]] == [ORDERS, "s3://lake/a", "s3://lake/b"]
        assert [(link["upstream"], link["downstream"]) for link in graph["links"]] == [
            (ORDERS, "s3://lake/a"),
            ("s3://lake/a", "s3://lake/b"),
        ]
        assert [asset["last_succeeded"] for asset in graph["assets"]] == [None, True, True]
        assert [asset["key"] for asset in served_graph("s3://lake/b")["assets"]] == [
            ORDERS,
            "s3://lake/a",
            "s3://lake/b",
        ]
        assert served_graph("s3://lake/none", status=404)["detail"] == "There is no asset with key s3://lake/none."


class TestDefinitions:
    def test_the_class_of_such_tasks_is_found_beside_the_decorator(self):
        from prefect.assets.materialize import MaterializingTask

        assert isinstance(make_a, MaterializingTask)

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
