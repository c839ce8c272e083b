"""
What a worker hears of the tasks of all flow runs, whoever has started them: EventBridge puts their changes into a queue.

Their states are told as events. A run whose task has stopped, and that nobody speaks for, since its worker is gone, has
crashed. Several workers may listen to one queue: each message is handled by one of them, and deleted only then. What is
heard twice is told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from prefect.events.clients import get_events_client
from prefect.exceptions import InfrastructureError, ObjectNotFound
from prefect.runner.endings import is_under_way
from prefect_aws.ecs.calls import ask, client_of
from prefect_aws.ecs.errors import code_of, is_transient
from prefect_aws.ecs.logs import log_stream
from prefect_aws.ecs.tasks import ending_of
from prefect_aws.observers.sqs import SqsMessage, SqsSubscriber
from prefect_aws.observers.task_events import change_in, container_of, environment_of, event_of, run_of

if TYPE_CHECKING:
    from uuid import UUID

    from prefect_aws.credentials import AwsCredentials
    from prefect_aws.ecs.tasks import Ending
    from prefect_aws.settings import EcsObserverSettings
    from prefect_aws.workers.ecs_worker import ECSWorker

__all__ = ["EcsObserver", "SqsMessage", "SqsSubscriber", "observe"]

Task = dict[str, Any]

_AGAIN_SECONDS = 60.0
_VISIBILITY_SECONDS = 120
"""So long a message may take to be handled, longer than other workers may take to speak for their runs."""

_OWN_SECONDS, _LOOK_SECONDS = 60.0, 0.5
"""So long a worker is given to speak for a run of its own, and how often is looked whether it has."""

_AT_ONCE = 100
_REMEMBERED = 10_000
_NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_NO_QUEUE_HELP = (
    "there is no queue {!r}, or this worker may not read it. `prefect-aws ecs-worker deploy-events` makes it; "
    "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME names another one; and "
    "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_ENABLED=false says that nothing is to be watched."
)


async def observe(worker: ECSWorker, settings: EcsObserverSettings, grace_seconds: float) -> None:
    """
    Listen to the queue until cancelled. What goes wrong is logged, and tried again after a minute.

    Args:
        worker: The worker.
        settings: Say which queue that is.
        grace_seconds: How long other workers may take to say how their runs ended.
    """
    said: str | None = None
    async with anyio.create_task_group() as handling:
        while True:
            try:
                template = worker.work_pool.base_job_template
                configuration = await worker.job_configuration.from_template_and_values(template, {}, worker.client)
                credentials = configuration.aws_credentials  # type: ignore[attr-defined]
                await EcsObserver(worker, credentials, settings, handling, grace_seconds).listen()
            except Exception as error:
                text = f"The tasks of flow runs cannot be watched: {type(error).__name__}: {error}"
                if text != said:
                    worker._logger.warning("%s", text)
                said = text
            await anyio.sleep(_AGAIN_SECONDS)


class EcsObserver:
    """
    Handles what is heard of tasks.

    Args:
        worker: Speaks for runs.
        credentials: How to get at AWS; those of the environment if it is None.
        settings: Say what to do.
        handling: Where messages are handled, each beside the others.
        grace_seconds: How long other workers may take to say how their runs ended.
    """

    def __init__(
        self,
        worker: ECSWorker,
        credentials: AwsCredentials | None,
        settings: EcsObserverSettings,
        handling: anyio.abc.TaskGroup,
        grace_seconds: float,
    ) -> None:
        self._worker = worker
        self._credentials = credentials
        self._settings = settings
        self._handling = handling
        self._grace_seconds = grace_seconds
        self._at_once = anyio.CapacityLimiter(_AT_ONCE)
        self._tags: dict[str, list[dict[str, str]]] = {}
        self._unreadable: set[str] = set()

    async def listen(self) -> None:
        """
        Receive messages and handle them.

        Raises:
            prefect.exceptions.InfrastructureError: There is no queue.
            botocore.exceptions.ClientError: It may not be read, or not now.
        """
        sqs = self._settings.sqs
        queue = SqsSubscriber(
            client_of(self._credentials, "sqs", sqs.queue_region), sqs.queue_name, _VISIBILITY_SECONDS
        )
        while True:
            async with self._at_once:
                pass  # what cannot be handled soon is left to others
            try:
                messages = await queue.receive()
            except Exception as error:
                if code_of(error) not in _NO_QUEUE:
                    raise
                raise InfrastructureError(_NO_QUEUE_HELP.format(sqs.queue_name)) from error
            changes = [(message, task) for message in messages if (task := self._change_in(message)) is not None]
            if await self._learn_tags([task for _, task in changes if task]):
                for message, task in changes:
                    self._handling.start_soon(self._handle, queue, message, task)

    def _change_in(self, message: SqsMessage) -> Task | None:
        """The task that a message is about: empty if it is about something else, None if it cannot be read."""
        try:
            return change_in(message.body) or {}
        except ValueError as error:
            self._refuse(message, error)
            return None

    async def _handle(self, queue: SqsSubscriber, message: SqsMessage, task: Task) -> None:
        """Do what a message asks for, and delete it. If that fails, it comes back."""
        async with self._at_once:
            try:
                if not task or await self._note({**task, "tags": self._tags.get(task["taskArn"], [])}):
                    await queue.delete(message)
            except Exception as error:
                self._worker._logger.warning(
                    "A message about a task cannot be handled now, and comes back: %s: %s", type(error).__name__, error
                )

    def _refuse(self, message: SqsMessage, error: ValueError) -> None:
        """What cannot be read is not deleted: it ends where the queue puts what nobody handles."""
        if message.id in self._unreadable:
            return
        if len(self._unreadable) >= _REMEMBERED:
            self._unreadable.clear()
        self._unreadable.add(message.id)
        self._worker._logger.warning(
            "Message %r of the queue %r cannot be read: %s. It is left there, and a redrive policy moves it elsewhere.",
            message.id,
            self._settings.sqs.queue_name,
            error,
        )

    async def _note(self, task: Task) -> bool:
        """Tell the state of a task, and say what became of its run if it has stopped. Whether that is all there is to do."""
        if run_of(task) is None:
            return True  # it executes something else
        async with get_events_client() as events:  # at its end the event has arrived
            await events.emit(event_of(task))
        if task["lastStatus"] != "STOPPED":
            return True
        is_done = await self._settle(task)
        if is_done:
            self._tags.pop(str(task["taskArn"]), None)
        return is_done

    async def _learn_tags(self, tasks: list[Task]) -> bool:
        """Ask for the tags of tasks, which EventBridge does not tell, once. False if they cannot be asked for now."""
        if len(self._tags) >= _REMEMBERED:
            self._tags.clear()
        unknown = {str(task["taskArn"]): str(task["clusterArn"]) for task in tasks if task["taskArn"] not in self._tags}
        for cluster in sorted({*unknown.values()}):
            arns = [arn for arn, place in unknown.items() if place == cluster]
            client = client_of(self._credentials, "ecs", _region_of(cluster))
            try:
                answer = await ask(client.describe_tasks, cluster=cluster, tasks=arns, include=["TAGS"])
            except Exception as error:
                if is_transient(error):
                    self._worker._logger.warning("The tags of tasks cannot be read now: %s", error)
                    return False
                self._worker._logger.debug("The tags of tasks of cluster %r are not known: %s", cluster, error)
            else:
                self._tags |= {found["taskArn"]: found.get("tags", []) for found in answer.get("tasks", ())}
        return True

    # -- runs that nobody speaks for

    async def _settle(self, task: Task) -> bool:
        """Say what became of the run of a task that has stopped, unless somebody has. False if that is not known yet."""
        run_id, worker = run_of(task), self._worker
        assert run_id is not None
        if not await self._is_open(run_id):
            return True
        with anyio.move_on_after(_OWN_SECONDS):
            while run_id in worker._supervised.under_way:  # noqa: ASYNC110 - this worker is about to say so
                await anyio.sleep(_LOOK_SECONDS)
        if run_id in worker._supervised.under_way:
            return False  # should it end before it does, then another one hears of the task again
        if await self._is_open(run_id):
            await anyio.sleep(self._grace_seconds)
        if not await self._is_open(run_id):
            return True
        ending = ending_of(task, container_of(task))
        is_said = await worker._pool_runs.settle_left(
            run_id,
            f"{task['clusterArn']}::{task['taskArn']}",
            ending.message,
            environment_of(task),
            reschedules=ending.kind == "disrupted",
        )
        if is_said and ending.kind != "disrupted":
            await self._forward_logs(run_id, ending, task)
        return True

    async def _is_open(self, run_id: UUID) -> bool:
        """Whether a run is there that has not said what became of it."""
        try:
            return is_under_way((await self._worker.client.read_flow_run(run_id)).state)
        except ObjectNotFound:
            return False

    async def _forward_logs(self, run_id: UUID, ending: Ending, task: Task) -> None:
        printed = "" if not self._settings.forward_crashed_run_logs else await self._printed(task)
        run = await self._worker.client.read_flow_run(run_id)
        self._worker.get_flow_run_logger(run).error("%s%s", ending.message, printed)

    async def _printed(self, task: Task) -> str:
        """What a container has printed last; empty if it is kept nowhere."""
        client = client_of(self._credentials, "ecs", _region_of(task["taskArn"]))
        try:
            found = await ask(client.describe_task_definition, taskDefinition=task["taskDefinitionArn"])
        except Exception as error:
            return f" What it has printed cannot be read: {error}"
        containers = found["taskDefinition"]["containerDefinitions"]
        own = next((each for each in containers if each["name"] == container_of(task)), containers[0])
        stream = log_stream(
            lambda region: client_of(self._credentials, "logs", region),
            own,
            str(task["taskArn"]),
            say=self._worker._logger.warning,
        )
        if stream is None:
            return ""
        lines = await stream.tail(self._settings.forward_crashed_run_logs_max_events)
        return "\n".join([" It printed last:", *lines])


def _region_of(arn: str) -> str | None:
    """The region in an ARN; None if it has none."""
    parts = str(arn).split(":")
    return parts[3] if len(parts) > 3 and parts[3] else None
