"""Tasks that make assets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect.assets.core import Asset
    from prefect.tasks import MaterializingTask, TaskOptions

__all__ = ["MaterializingTask", "materialize"]

P = ParamSpec("P")
R = TypeVar("R")


def materialize(
    *assets: str | Asset, by: str | None = None, **task_kwargs: Unpack[TaskOptions]
) -> Callable[[Callable[P, R]], MaterializingTask[P, R]]:
    """
    Make a function a task that makes assets. How each of its runs ends is told as an event about each asset, with what
    it was made from.

        @materialize("s3://lake/orders.parquet", asset_deps=["postgres://db/orders"])
        def export_orders(): ...

    Args:
        assets: What it makes, by key or as `Asset`.
        by: What makes them in truth, if the task only drives it: `dbt`.
        task_kwargs: Options of the task: see `task`.

    Raises:
        TypeError: No asset was given.
    """
    if not assets:
        raise TypeError(
            "@materialize requires at least one asset argument: @materialize('s3://bucket/asset.parquet'), "
            "with parentheses."
        )
    from prefect.tasks import MaterializingTask

    options: dict[str, Any] = dict(task_kwargs)
    made: Any = partial(MaterializingTask, assets=assets, materialized_by=by, **options)
    return cast("Callable[[Callable[P, R]], MaterializingTask[P, R]]", made)


def __getattr__(name: str) -> Any:
    """`MaterializingTask`, of which `materialize` makes instances."""
    if name == "MaterializingTask":
        from prefect.tasks import MaterializingTask

        return MaterializingTask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
