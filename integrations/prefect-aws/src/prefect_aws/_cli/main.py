"""`prefect-aws`: sets up at AWS what workers use."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Optional

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["app"]

app = typer.Typer(
    name="prefect-aws", help="Set up at AWS what workers use.", no_args_is_help=True, add_completion=False
)
ecs_worker = typer.Typer(help="What workers of the type ecs use.", no_args_is_help=True)
app.add_typer(ecs_worker, name="ecs-worker")

Queue = Annotated[
    Optional[str],
    typer.Option(
        "--queue-name", help="The queue; unset: the one of PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME."
    ),
]
Clusters = Annotated[
    Optional[list[str]],
    typer.Option("--cluster", help="A cluster to hear of, by name or ARN; may be repeated. Unset: all clusters."),
]


@app.callback()
def root() -> None:
    """Set up at AWS what workers use."""


@ecs_worker.command("print-events")
def print_events(queue_name: Queue = None, cluster: Clusters = None) -> None:
    """Print what `deploy-events` sets up, as a template of CloudFormation."""
    from prefect_aws.observers.stack import template_of

    typer.echo(json.dumps(template_of(_queue_name(queue_name), cluster or ()), indent=2))


@ecs_worker.command("deploy-events")
def deploy_events(
    queue_name: Queue = None,
    cluster: Clusters = None,
    stack_name: Annotated[str, typer.Option(help="The stack of CloudFormation.")] = "prefect-ecs-events",
    region: Annotated[Optional[str], typer.Option(help="The region; unset: as boto3 finds it.")] = None,
    profile: Annotated[Optional[str], typer.Option(help="A profile of ~/.aws/config.")] = None,
    endpoint_url: Annotated[Optional[str], typer.Option(help="Where AWS is, if that is an emulator.")] = None,
) -> None:
    """Have the changes of tasks put into a queue, where workers hear of them: with CloudFormation, as often as wanted."""
    from prefect_aws.client_parameters import AwsClientParameters
    from prefect_aws.credentials import AwsCredentials
    from prefect_aws.observers.stack import deploy, template_of

    name = _queue_name(queue_name)
    credentials = AwsCredentials(
        region_name=region, profile_name=profile, aws_client_parameters=AwsClientParameters(endpoint_url=endpoint_url)
    )
    template = template_of(name, cluster or ())
    done = _tried(lambda: deploy(credentials.get_client("cloudformation"), stack_name, template))
    typer.echo(f"Stack {stack_name!r} is {done}: the changes of tasks are put into the queue {name!r}.")


def _queue_name(given: str | None) -> str:
    from prefect.exceptions import ConfigurationError
    from prefect_aws.settings import EcsObserverSqsSettings

    try:
        return given or EcsObserverSqsSettings().queue_name
    except ConfigurationError as error:
        _fail(str(error))


def _tried(call: Callable[[], Any]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        _fail(f"AWS does not do it: {error}")


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", file=sys.stderr)
    raise typer.Exit(1)
