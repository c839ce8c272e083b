import asyncio
import json

import pytest
from pydantic import ValidationError

from prefect import flow, task
from prefect._contract.endpoints import artifacts as endpoints
from prefect.artifacts import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    acreate_table_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.base import current_transport
from prefect.runtime import flow_run, task_run

pytestmark = pytest.mark.usefixtures("orchestrator")


def stored(artifact_id):
    return current_transport().send(endpoints.read_artifact(artifact_id))


def test_each_kind_is_stored_in_its_form():
    for artifact_id, kind, data in [
        (create_link_artifact("http://x", "here", key="link"), "markdown", "[here](http://x)"),
        (create_link_artifact("http://x"), "markdown", "[http://x](http://x)"),
        (create_markdown_artifact("# hi", key="text", description="why"), "markdown", "# hi"),
        (create_image_artifact("http://x/y.png"), "image", "http://x/y.png"),
        (create_progress_artifact(5.0), "progress", 5),
        (create_table_artifact([{"a": 1}]), "table", '[{"a": 1}]'),
        (create_table_artifact({"a": [1, float("nan")]}), "table", '{"a": [1, null]}'),
        (create_table_artifact([[1, 2], [3]]), "table", "[[1, 2], [3]]"),
    ]:
        artifact = stored(artifact_id)
        assert (artifact.type, artifact.data) == (kind, data)
    assert stored(create_markdown_artifact("x", key="text", description="why")).description == "why"


def test_a_progress_moves():
    progress = create_progress_artifact(0.0, description="working")
    assert update_progress_artifact(progress, 40) == progress
    assert (stored(progress).data, stored(progress).description) == (40, "working")
    update_progress_artifact(progress, 100, description="done")
    assert (stored(progress).data, stored(progress).description) == (100, "done")


def test_a_progress_stays_within_its_bounds(caplog):
    progress = create_progress_artifact(250.0)
    assert stored(progress).data == 100
    update_progress_artifact(progress, -3)
    assert stored(progress).data == 0
    assert "between 0 and 100" in caplog.text


@pytest.mark.parametrize("key", ["Bad Key", "a_b", "ü", "x/y"])
def test_a_key_has_a_form(key):
    with pytest.raises(ValidationError, match="lowercase letters, numbers, and dashes"):
        create_markdown_artifact("x", key=key)


def test_artifacts_belong_to_the_runs_that_made_them():
    made = {}

    @task
    def inner():
        made["task"] = create_markdown_artifact("x", key="t"), flow_run.id, task_run.id

    @flow
    def main():
        inner()
        made["flow"] = create_markdown_artifact("x", key="f"), flow_run.id, None

    main()
    for artifact_id, flow_run_id, task_run_id in made.values():
        artifact = stored(artifact_id)
        assert str(artifact.flow_run_id) == flow_run_id
        assert artifact.task_run_id == task_run_id or str(artifact.task_run_id) == task_run_id


def test_the_latest_of_a_key_is_found_or_made():
    assert MarkdownArtifact.get("report") is None
    assert Artifact.get() is None
    made, is_new = MarkdownArtifact.get_or_create(key="report", markdown="one")
    assert (made.data, is_new) == ("one", True)
    MarkdownArtifact(key="report", markdown="two").create()
    found, is_new = MarkdownArtifact.get_or_create(key="report", markdown="three")
    assert (found.data, is_new) == ("two", False)


def test_formats():
    assert LinkArtifact(link="l", link_text="t").format() == "[t](l)"
    assert TableArtifact(table=[{"a": 1}]).format() == '[{"a": 1}]'
    assert ProgressArtifact(progress=3).format() == 3.0
    assert ImageArtifact(image_url="u").format() == "u"
    assert Artifact(data={"a": 1}).format() == '{"a": 1}'
    assert json.loads(Artifact(type="x", data={"a": 1}).create().data) == {"a": 1}


class Shout(Artifact):
    text: str

    def format(self):
        return self.text.upper()


class AsyncShout(Artifact):
    text: str

    async def format(self):
        return self.text.upper()


def test_kinds_of_ones_own_format_themselves():
    assert Shout(text="hey").create().data == "HEY"

    async def main():
        return (await Shout(text="hey").acreate()).data, (await AsyncShout(text="ho").acreate()).data

    assert asyncio.run(main()) == ("HEY", "HO")
    with pytest.raises(TypeError, match="acreate"):
        AsyncShout(text="ho").create()


def test_async_code_awaits(client):
    async def main():
        first = await create_markdown_artifact("x", key="k")
        await acreate_table_artifact([], key="t")
        assert (await MarkdownArtifact.aget("k")).id == first
        assert await MarkdownArtifact(markdown="x").aformat() == "x"
        assert (await MarkdownArtifact.get_or_create(key="k", markdown="y"))[1] is False
        return first

    artifact_id = asyncio.run(main())
    assert stored(artifact_id).data == "x"
    assert create_link_artifact("x", client=client)
