"""`reference/rest-api.md`: every endpoint, what it does, and the scope that it takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from generators.text import code, first_line, table
from prefect._contract.call import Call
from prefect.server.api.actors import needed_scope
from prefect.server.api.wire import Wire, wires

INTRODUCTION = """\
# REST API

<!-- Made by `python docs/generate.py` from the endpoint table. A test fails when this page says something else. -->

All paths are below `/api`. What requests and answers hold is described by every server at `/docs`, and for programs at `/openapi.json`.
Lists have at most 200 records; `limit` and `offset` say which. What cannot be understood is refused with 422 and the place of the
mistake, what does not exist with 404, what contradicts something with 409. 503 and 423 say in `Retry-After` when to try again. The
scope is what a token needs; see [run a server](../how-to/run-a-server.md).

Besides, over websockets with the subprotocol `prefect`: `/events/in`, `/events/out`, `/logs/out`, `/task_runs/subscriptions/scheduled`
and `/work_pools/{work_pool_name}/workers/connect`. The first message says who it is: `{"type": "auth", "token": ...}`.

What begins with `/_core/` is this product's own, and not part of Prefect 3's API.
"""


def group(wire: Wire) -> str:
    """The first part of a path."""
    first, _, rest = wire.endpoint.path.strip("/").partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first in {"v2", "_core", "ui"} else first


def row(wire: Wire) -> tuple[str, str, str]:
    """What there is to say of one endpoint."""
    endpoint = wire.endpoint
    scope = needed_scope(wire, Call(endpoint.method, endpoint.path)).value
    return (code(f"{endpoint.method} {endpoint.path}"), first_line(inspect.getdoc(endpoint.function)), scope)


def section(name: str, members: Iterable[Wire]) -> str:
    """The endpoints of a group."""
    return f"## {name}\n\n{table(('endpoint', 'what it does', 'scope'), map(row, members))}"


def render() -> str:
    """The page."""
    groups: dict[str, list[Wire]] = {}
    for wire in wires().values():
        groups.setdefault(group(wire), []).append(wire)
    return INTRODUCTION + "\n" + "\n\n".join(section(name, groups[name]) for name in sorted(groups)) + "\n"
