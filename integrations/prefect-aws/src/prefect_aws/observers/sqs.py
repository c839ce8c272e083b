"""Messages of a queue of SQS. What was received comes back, unless it is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread

from prefect.utilities.publishing import publish
from prefect_aws.ecs.calls import ask

__all__ = ["SqsMessage", "SqsSubscriber"]

_WAIT_SECONDS = 5
"""So long the service waits for messages to come; a worker that ends does not wait for the answer."""

_AT_ONCE = 10
"""As many as the service gives at once."""


@dataclass(frozen=True)
class SqsMessage:
    """
    A message.

    Args:
        id: Its id, the same each time that it is received.
        body: Its text.
        receipt_handle: What it is deleted by.
    """

    id: str
    body: str
    receipt_handle: str


class SqsSubscriber:
    """
    Receives messages of a queue.

    Args:
        client: A client of SQS.
        queue_name: The queue.
        visibility_seconds: How long a message that was received is not given to anybody else.
    """

    def __init__(self, client: Any, queue_name: str, visibility_seconds: int) -> None:
        self._client = client
        self._queue_name = queue_name
        self._visibility_seconds = visibility_seconds
        self._url: str | None = None
        self._is_closed = False

    async def receive(self) -> list[SqsMessage]:
        """The messages that are there, some of them if there are many; after some seconds none."""
        url = await self._find()
        try:
            return await anyio.to_thread.run_sync(self._receive, url, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            self._is_closed = True
            raise

    def _receive(self, url: str) -> list[SqsMessage]:
        answer = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_AT_ONCE,
            WaitTimeSeconds=_WAIT_SECONDS,
            VisibilityTimeout=self._visibility_seconds,
        )
        found = answer.get("Messages", ())
        if self._is_closed:  # nobody waits for them here any more: others shall have them now
            for each in found:
                self._client.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0
                )
        return [SqsMessage(each["MessageId"], each["Body"], each["ReceiptHandle"]) for each in found]

    async def delete(self, message: SqsMessage) -> None:
        """Have a message not come back."""
        await ask(self._client.delete_message, QueueUrl=await self._find(), ReceiptHandle=message.receipt_handle)

    async def _find(self) -> str:
        if self._url is None:
            self._url = str((await ask(self._client.get_queue_url, QueueName=self._queue_name))["QueueUrl"])
        return self._url


publish(globals(), "prefect_aws.observers.ecs")
