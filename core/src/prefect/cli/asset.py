"""`prefect asset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from prefect.cli.groups import command, noun
from prefect.cli.output import Output, print_fields, print_json, say

if TYPE_CHECKING:
    from prefect._contract.assets import AssetGraph, KnownAsset

app = noun("Show the assets that tasks have made or read, and which were made from which.")

Key = Annotated[str, typer.Argument(help="The key of an asset: its URI.")]


def _graph(key: str | None) -> AssetGraph:
    from prefect._contract.endpoints.assets import read_asset_graph
    from prefect.cli.asking import ask

    graph: AssetGraph = ask(read_asset_graph(key), missing=f"Asset {key!r} not found. See: prefect asset ls")
    return graph


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List assets."""
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    assets = _graph(None).assets
    if output:
        print_json(assets)
        return
    rows = [(each.key, each.name, _fate(each), ago(each.last_told)) for each in assets]
    print_table([Column("Key", whole=True), "Name", "Made", "Last told of"], rows, "No assets found.")


def _fate(asset: KnownAsset) -> str:
    if asset.last_materialized is None:
        return "only read"
    return "yes" if asset.last_succeeded else "failed"


@command(app, "inspect")
def inspect(key: Key, output: Output = None) -> None:
    """Show an asset: what it is, what it was made from, and what was made from it."""
    from prefect.cli.moments import ago, clock

    graph = _graph(key)
    (asset,) = (each for each in graph.assets if each.key == key)
    upstream = [link.upstream for link in graph.links if link.downstream == key]
    downstream = [link.downstream for link in graph.links if link.upstream == key]
    if output:
        print_json({**asset.model_dump(mode="json"), "upstream": upstream, "downstream": downstream})
        return
    last = asset.last_materialized
    print_fields(
        {
            "Key": asset.key,
            "Name": asset.name,
            "URL": asset.url,
            "Description": asset.description,
            "Owners": ", ".join(asset.owners),
            "Made by": asset.materialized_by,
            "Made": _fate(asset) if last is None else f"{_fate(asset)}, {clock(last)} ({ago(last)})",
            "Flow run": asset.flow_run_id,
            "Made from": "\n".join(upstream),
            "Made from it": "\n".join(downstream),
        }
    )


@command(app, "graph")
def graph(
    key: Annotated[
        Optional[str], typer.Argument(help="The key of an asset, to show only what it is connected with.")
    ] = None,
    output: Output = None,
) -> None:
    """Show which assets were made from which: what was made stands below what it was made from."""
    found = _graph(key)
    if output:
        print_json(found)
        return
    made_from = {link.downstream for link in found.links}
    below: dict[str, list[str]] = {}
    for link in found.links:
        below.setdefault(link.upstream, []).append(link.downstream)
    roots = [each.key for each in found.assets if each.key not in made_from]
    shown: set[str] = set()
    # In a circle nobody is first, so what was not shown below another one is shown by itself.
    for root in [*roots, *(each.key for each in found.assets)]:
        if root not in shown:
            _show(root, below, shown, 0)
    if not found.assets:
        say("No assets found.")


def _show(key: str, below: dict[str, list[str]], shown: set[str], depth: int) -> None:
    """Show an asset and what was made from it; what stands somewhere already is not unfolded again."""
    again = key in shown and below.get(key)
    say(f"{'  ' * depth}{key}{' (see above)' if again else ''}")
    if key in shown:
        return
    shown.add(key)
    for name in below.get(key, []):
        _show(name, below, shown, depth + 1)
