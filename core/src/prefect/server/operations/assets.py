"""The graph of assets, read from the events that tell of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json
from sqlalchemy import select

from prefect._contract.assets import AssetGraph, AssetLink, KnownAsset
from prefect.server.database import tables
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only

__all__ = ["MOST_EVENTS", "read_asset_graph"]

MOST_EVENTS = 20_000
"""Of more events about assets than that, only the latest are looked at."""

_ID, _ROLE = "prefect.resource.id", "prefect.resource.role"
_MADE = "prefect.asset.materialization.succeeded"
_NOT_MADE = "prefect.asset.materialization.failed"
_READ = "prefect.asset.referenced"
_FLOW_RUN = "prefect.flow-run."


@read_only
def read_asset_graph(work: UnitOfWork, key: str | None = None) -> AssetGraph:
    """
    Read which assets there are, and which were made from which.

    Raises:
        prefect.exceptions.ObjectNotFound: No event that is kept tells of the asset.
    """
    event = tables.event.c
    wanted = select(event.event, event.occurred, event.resource, event.related).where(
        event.event.in_([_MADE, _NOT_MADE, _READ])
    )
    latest_first = wanted.order_by(event.occurred.desc(), event.id.desc()).limit(MOST_EVENTS)
    found = work.connection.execute(latest_first).all()
    assets: dict[str, KnownAsset] = {}
    links: dict[tuple[str, str], AssetLink] = {}
    for row in reversed(found):
        made = _learn(assets, row.resource, row.occurred)
        if row.event == _READ:
            continue
        made.last_materialized, made.last_succeeded = row.occurred, row.event == _MADE
        made.flow_run_id = None
        for related in row.related:
            _relate(assets, links, made, related, row.occurred)
    if key is not None:
        if key not in assets:
            raise not_found("asset", key=key)
        near = _connected(key, links)
        assets = {name: asset for name, asset in assets.items() if name in near}
        links = {ends: link for ends, link in links.items() if near.issuperset(ends)}
    return AssetGraph(
        assets=[assets[name] for name in sorted(assets)],
        links=[links[ends] for ends in sorted(links)],
        is_complete=len(found) < MOST_EVENTS,
    )


def _learn(assets: dict[str, KnownAsset], labels: Mapping[str, str], occurred: Any) -> KnownAsset:
    """What is known of an asset, with what an event says of it."""
    asset = assets.setdefault(labels[_ID], KnownAsset(key=labels[_ID], last_told=occurred))
    asset.last_told = occurred
    asset.name = labels.get("prefect.resource.name", asset.name)
    asset.url = labels.get("prefect.asset.url", asset.url)
    asset.description = labels.get("prefect.asset.description", asset.description)
    asset.owners = _owners(labels.get("prefect.asset.owners")) or asset.owners
    return asset


def _owners(text: str | None) -> list[str]:
    try:
        owners = from_json(text) if text else []
    except ValueError:  # anybody may emit events about anything
        return []
    return [str(owner) for owner in owners] if isinstance(owners, list) else []


def _relate(
    assets: dict[str, KnownAsset],
    links: dict[tuple[str, str], AssetLink],
    made: KnownAsset,
    related: Mapping[str, str],
    occurred: Any,
) -> None:
    name, role = related[_ID], related.get(_ROLE)
    if role == "asset" and name != made.key:
        _learn(assets, {_ID: name}, occurred)
        links[name, made.key] = AssetLink(upstream=name, downstream=made.key, last_told=occurred)
    elif role == "asset-materialized-by":
        made.materialized_by = name
    elif role == "flow-run":
        made.flow_run_id = name.removeprefix(_FLOW_RUN)


def _connected(key: str, links: Iterable[tuple[str, str]]) -> set[str]:
    """An asset, all that it was made from, and all that was made from it."""
    upstream, downstream = defaultdict(list), defaultdict(list)
    for source, target in links:
        upstream[target].append(source)
        downstream[source].append(target)
    found = {key}
    for neighbours in (upstream, downstream):
        reached, rest = {key}, [key]
        while rest:
            new = set(neighbours[rest.pop()]) - reached
            reached |= new
            rest += new
        found |= reached
    return found
