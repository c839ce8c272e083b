"""`prefect flow`."""

from __future__ import annotations

from prefect.cli.groups import command, noun
from prefect.cli.output import Limit, Output, print_json

app = noun("Show flows.")


@command(app, "ls")
def ls(
    limit: Limit = 15,
    output: Output = None,
) -> None:
    """List flows, the newest first."""
    from prefect._contract.endpoints.flows import read_flows
    from prefect._contract.sorting import FlowSort
    from prefect.cli.asking import pages
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    newest = FlowSort.CREATED_DESC
    flows = list(pages(lambda most, offset: read_flows(sort=newest, limit=most, offset=offset), limit))
    if output:
        print_json(flows)
        return
    rows = [(flow.id, flow.name, ago(flow.created)) for flow in flows]
    print_table([Column("ID", whole=True), "Name", "Created"], rows, "No flows found.")
