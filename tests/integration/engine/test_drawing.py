"""Drawing a flow without running its tasks."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from prefect import flow, task
from prefect.utilities.visualization import (
    FlowVisualizationError,
    GraphvizImportError,
    VisualizationUnsupportedError,
)

ran = []


@task
def extract() -> list[int]:
    ran.append("extract")
    return [1]


@task(viz_return_value={"rows": 3})
def transform(rows: Any, factor: int = 1) -> dict[str, int]:
    ran.append("transform")
    return {}


@task
async def load(data: Any, extra: Any = None) -> None:
    ran.append("load")


def test_tasks_are_linked_by_what_goes_from_one_to_another() -> None:
    @flow
    def etl() -> None:
        rows = extract()
        data = transform(rows, factor=2)
        assert data["rows"] == 3
        transform([data, rows])

    lines = etl.generate_mermaid_graph().splitlines()
    assert lines == (
        [
            "graph TD",
            '    extract_0["extract-0"]',
            '    transform_0["transform-0"]',
            "    extract_0 --> transform_0",
            '    transform_1["transform-1"]',
            "    transform_0 --> transform_1",
            "    extract_0 --> transform_1",
        ]
    )
    assert ran == []


def test_async_flows_are_drawn_too() -> None:
    @flow
    async def etl() -> None:
        await load(extract())

    assert "extract_0 --> load_0" in asyncio.run(etl.agenerate_mermaid_graph())


def test_what_cannot_be_drawn_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    @flow
    def submits() -> None:
        extract.submit()

    @flow
    def computes() -> None:
        sum(extract())

    with pytest.raises(VisualizationUnsupportedError, match="submission of task 'extract'"):
        submits.generate_mermaid_graph()
    with pytest.raises(FlowVisualizationError, match="viz_return_value"):
        computes.generate_mermaid_graph()
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(GraphvizImportError, match="generate_mermaid_graph"):
        flow(lambda: None).visualize()
