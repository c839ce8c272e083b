"""The network of tasks that have an address of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect.exceptions import InfrastructureError
from prefect_aws.ecs.calls import ask

__all__ = ["network_of"]


async def network_of(make_client: Callable[[], Any], given: dict[str, Any], vpc_id: str | None) -> dict[str, Any]:
    """
    The network configuration of a request.

    Args:
        make_client: Makes a client of EC2, which is asked for subnets if there is nothing else.
        given: What somebody has configured, with or without the key `awsvpcConfiguration`.
        vpc_id: A VPC whose subnets are used; the default one if it is None.

    Raises:
        prefect.exceptions.InfrastructureError: There is no such VPC, or it has no subnets.
    """
    if given:
        return given if "awsvpcConfiguration" in given else {"awsvpcConfiguration": given}
    client, remedy = make_client(), "Set the job variable `vpc_id` or `network_configuration`."
    if vpc_id is None:
        default = [{"Name": "isDefault", "Values": ["true"]}]
        vpcs = (await ask(client.describe_vpcs, Filters=default))["Vpcs"]
        if not vpcs:
            raise InfrastructureError(f"The account has no default VPC. {remedy}")
        vpc_id = str(vpcs[0]["VpcId"])
    found = await ask(client.describe_subnets, Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    subnets = sorted(each["SubnetId"] for each in found["Subnets"])[:16]
    if not subnets:
        raise InfrastructureError(f"The VPC {vpc_id!r} has no subnets. {remedy}")
    return {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED", "securityGroups": []}}
