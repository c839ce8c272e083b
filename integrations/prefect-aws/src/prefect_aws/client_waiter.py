"""Waiting for something in AWS to be as it should."""

from typing import Any, Optional

from prefect.logging.loggers import get_run_logger
from prefect.tasks import task
from prefect.utilities.dual import Run, Steps, adrive, drive
from prefect_aws.credentials import AwsCredentials

__all__ = ["aclient_waiter", "client_waiter"]


def _waiter(client: Any, name: str, definition: Optional[dict[str, Any]]) -> Any:
    if definition is None:
        return client.get_waiter(name)
    from botocore.waiter import WaiterModel, create_waiter_with_client

    return create_waiter_with_client(name, WaiterModel(definition), client)


def _wait(
    service: str,
    name: str,
    aws_credentials: AwsCredentials,
    definition: Optional[dict[str, Any]],
    arguments: dict[str, Any],
) -> Steps[None]:
    get_run_logger().info("Waiting for '%s' of %s.", name, service)
    yield Run(lambda: _waiter(aws_credentials.get_client(service), name, definition).wait(**arguments))


@task
def client_waiter(
    client: str,
    waiter_name: str,
    aws_credentials: AwsCredentials,
    waiter_definition: Optional[dict[str, Any]] = None,
    **waiter_kwargs: Any,
) -> None:
    """
    Wait until something in AWS is as it should.

    Args:
        client: The service, by boto3's name for it: `"ec2"`.
        waiter_name: What to wait for, by boto3's name for it: `"instance_exists"`; or a name in the definition.
        aws_credentials: Credentials that may look.
        waiter_definition: Waiters of your own, in the form of botocore's `WaiterModel`.
        waiter_kwargs: What to look at, and `WaiterConfig`: `{"Delay": seconds, "MaxAttempts": number}`.

    Raises:
        botocore.exceptions.WaiterError: It was in vain, or took too long.
        ValueError: There is no such waiter.
    """
    drive(_wait(client, waiter_name, aws_credentials, waiter_definition, waiter_kwargs))


@task
async def aclient_waiter(
    client: str,
    waiter_name: str,
    aws_credentials: AwsCredentials,
    waiter_definition: Optional[dict[str, Any]] = None,
    **waiter_kwargs: Any,
) -> None:
    """Wait until something in AWS is as it should; see `client_waiter`."""
    await adrive(_wait(client, waiter_name, aws_credentials, waiter_definition, waiter_kwargs))
