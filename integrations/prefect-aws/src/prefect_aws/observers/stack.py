"""What workers need at AWS to hear of tasks, as a stack of CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["deploy", "template_of"]

_VISIBILITY_SECONDS = 120
_RECEIVES = 10
"""A message that was received so often, and not handled, is put aside."""

_DAYS = 24 * 60 * 60
_UNCHANGED = "No updates are to be performed"


def template_of(queue_name: str, clusters: Sequence[str] = ()) -> dict[str, Any]:
    """
    The template: a queue, another one for what cannot be handled, and the rule of EventBridge that fills it.

    Args:
        queue_name: The queue. The other one is called `QUEUE-unhandled`.
        clusters: The clusters to hear of, by name or ARN; none: all.
    """
    pattern: dict[str, Any] = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}
    if clusters:
        wanted = [each if each.startswith("arn:") else {"suffix": f":cluster/{each}"} for each in clusters]
        pattern["detail"] = {"clusterArn": wanted}
    arn_of_queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    may_send = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn_of_queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
    }
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Unhandled", "Arn"]}, "maxReceiveCount": _RECEIVES}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The changes of tasks of ECS, for workers of flow runs.",
        "Resources": {
            "Unhandled": _queue(f"{queue_name}-unhandled", MessageRetentionPeriod=14 * _DAYS),
            "Queue": _queue(
                queue_name,
                MessageRetentionPeriod=4 * _DAYS,
                RedrivePolicy=redrive,
                VisibilityTimeout=_VISIBILITY_SECONDS,
            ),
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": pattern, "Targets": [{"Id": "queue", "Arn": arn_of_queue}]},
            },
            "Policy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [may_send]},
                },
            },
        },
    }


def _queue(name: str, **properties: Any) -> dict[str, Any]:
    encrypted = {"SqsManagedSseEnabled": True}
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **encrypted, **properties}}


def deploy(client: Any, stack_name: str, template: dict[str, Any]) -> str:
    """
    Make a stack, or change it to what the template says, and wait until that is done.

    Args:
        client: A client of CloudFormation.
        stack_name: The stack.
        template: The template.

    Returns:
        What it is: `made`, `updated` or `unchanged`.

    Raises:
        botocore.exceptions.ClientError: It may not be made.
        botocore.exceptions.WaiterError: It could not be made.
    """
    arguments = {"StackName": stack_name, "TemplateBody": json.dumps(template)}
    try:
        client.create_stack(**arguments)
    except client.exceptions.AlreadyExistsException:
        try:
            client.update_stack(**arguments)
        except client.exceptions.ClientError as error:
            if _UNCHANGED not in str(error):
                raise
            return "unchanged"
        client.get_waiter("stack_update_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 2})
        return "updated"
    client.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 2})
    return "made"
