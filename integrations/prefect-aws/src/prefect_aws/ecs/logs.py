"""What a container has printed, as CloudWatch has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect_aws.ecs.calls import ask
from prefect_aws.ecs.errors import code_of, is_transient

__all__ = ["LogStream", "log_stream"]


def log_stream(
    make_client: Callable[[str | None], Any],
    container: dict[str, Any],
    task_arn: str,
    *,
    show: Callable[[str], None] = print,
    say: Callable[[str], None],
) -> LogStream | None:
    """
    The log stream of a container of a task; None if what it prints goes elsewhere, or the name of its stream is not known.

    Args:
        make_client: Makes a client of CloudWatch Logs for a region.
        container: The container, as a task definition has it.
        task_arn: The task.
        show: Called with each line.
        say: Told about calls that failed.
    """
    driver = container.get("logConfiguration") or {}
    options = driver.get("options") or {}
    if driver.get("logDriver") != "awslogs" or not {"awslogs-group", "awslogs-stream-prefix"} <= {*options}:
        return None
    client = make_client(options.get("awslogs-region"))
    return LogStream(client, options, str(container["name"]), task_arn, show=show, say=say)


class LogStream:
    """
    The log stream of a container of a task.

    Args:
        client: A client of CloudWatch Logs.
        options: Those of the container's `awslogs` driver.
        container: The container's name.
        task_arn: The task.
        show: Called with each line.
        say: Told about calls that failed.
    """

    def __init__(
        self,
        client: Any,
        options: dict[str, str],
        container: str,
        task_arn: str,
        *,
        show: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._group = options["awslogs-group"]
        self._stream = f"{options['awslogs-stream-prefix']}/{container}/{task_arn.rpartition('/')[2]}"
        self._show = show
        self._say = say
        self._next: str | None = None

    async def read(self) -> None:
        """Show what is new. What cannot be read now is read later."""
        while True:
            token = {} if self._next is None else {"nextToken": self._next}
            try:
                answer = await ask(
                    self._client.get_log_events,
                    logGroupName=self._group,
                    logStreamName=self._stream,
                    startFromHead=True,
                    **token,
                )
            except Exception as error:
                if code_of(error) == "ResourceNotFoundException":
                    return  # nothing was printed yet
                if not is_transient(error):
                    self._say(f"The output of the flow run cannot be read: {error}")
                return
            for event in answer["events"]:
                self._show(event["message"])
            if not answer["events"]:
                return
            self._next = answer["nextForwardToken"]

    async def tail(self, lines: int) -> list[str]:
        """The last lines, or why they cannot be read."""
        place = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            answer = await ask(self._client.get_log_events, **place, limit=lines)
        except Exception as error:
            return [f"(It cannot be read: {error})"]
        return [str(event["message"]) for event in answer["events"]]
