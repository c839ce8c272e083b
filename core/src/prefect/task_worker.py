"""
Task workers: processes that execute the task runs which `Task.delay` schedules.

    from prefect.task_worker import serve

    serve(send_mail, resize_image)
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from prefect._contract.endpoints.deliveries import claim_task_runs, end_task_worker, return_task_runs
from prefect._contract.endpoints.waiting import are_task_runs_due
from prefect._engine import background, task_run as engine
from prefect._engine.claims import ClaimKeeper, lease_seconds
from prefect._engine.gathering import SharedFlush
from prefect._engine.recorder import is_worth_retrying, recorder_of
from prefect._engine.spent import SpentParameters
from prefect._engine.stock import Stock
from prefect.client.base import current_transport
from prefect.client.questions import ask_until
from prefect.utilities.dual import Steps, adrive, drive, dual
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from types import FrameType

    from starlette.applications import Starlette
    from starlette.requests import Request

    from prefect._contract.background import TaskRunClaim
    from prefect._contract.objects import TaskRun
    from prefect._engine.task_run import TaskExecution
    from prefect.results import ResultStore
    from prefect.tasks import Task

_T = TypeVar("_T")

__all__ = [
    "StopTaskWorker",
    "TaskWorker",
    "aserve",
    "create_status_server",
    "read_parameters",
    "serve",
    "should_try_to_read_parameters",
    "store_parameters",
]

logger = logging.getLogger("prefect.task_worker")

_MOST_THREADS = 200
"""Threads of a worker that has no limit."""

_MOST_AT_ONCE = 50
_POLL_SECONDS = 0.1
"""How often a worker looks for runs where nobody tells it of them: in a file that it shares with other processes."""

_PAUSE_SECONDS = 1.0
_CLEANING_SECONDS = 1.0
_GATHER_SECONDS = 0.02
"""For how long further runs may end before as many are asked for as can be executed then: short ones end together."""


class StopTaskWorker(Exception):
    """Raised in a task worker that is told to stop."""


def should_try_to_read_parameters(task: Task[Any, Any], task_run: TaskRun) -> bool:
    """Whether a run was stored with parameters that its task can be called with."""
    return background.takes_parameters(task, task_run)


async def store_parameters(result_store: ResultStore, identifier: UUID, parameters: dict[str, Any]) -> None:
    """Store what a background run is called with."""
    await result_store.awrite(parameters, background.key_of(identifier))


async def read_parameters(result_store: ResultStore, identifier: UUID) -> dict[str, Any]:
    """
    What a background run is called with.

    Raises:
        ValueError: The store does not have it.
    """
    record = await result_store.aread(background.key_of(identifier))
    parameters: dict[str, Any] = record.result
    return parameters


class TaskWorker:
    """
    Executes background runs of some tasks.

    A run that it has begun is its own for as long as it renews its claim. Should it die, the run is given to another worker.

    Args:
        tasks: The tasks.
        limit: How many runs are executed at the same time; None for any number.

    Raises:
        ValueError: The limit is less than 1.
        TypeError: Something is not a task.
    """

    def __init__(self, *tasks: Task[Any, Any], limit: int | None = 10) -> None:
        from prefect.tasks import Task

        for each in tasks:
            if not isinstance(each, Task):
                raise TypeError(f"A task worker serves tasks, and {each!r} is none. Decorate it with @task.")
        if limit is not None and limit < 1:
            raise ValueError(f"The limit of a task worker must be at least 1, got {limit}.")
        self.tasks = list(tasks)
        self.task_keys = sorted({each.task_key for each in tasks})
        self._by_key = {each.task_key: each for each in tasks}
        self._client_id = f"{socket.gethostname()}-{os.getpid()}-{uuid7().hex[-6:]}"
        self._limit = limit
        self._started_at: datetime | None = None
        self._spent = SpentParameters()
        self._running: set[asyncio.Task[None]] = set()
        self._stock = Stock(limit)
        self._run_out = asyncio.Event()
        self._told = asyncio.Event()
        self._has_heard_signal = False
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPoolExecutor | None = None

    @property
    def client_id(self) -> str:
        """Names this worker: its host, its process, and a part of its own."""
        return self._client_id

    @property
    def started_at(self) -> datetime | None:
        """When it began to look for runs."""
        return self._started_at

    @property
    def started(self) -> bool:
        """Whether it looks for runs."""
        return self._started_at is not None

    @property
    def limit(self) -> int | None:
        """How many runs are executed at the same time."""
        return self._limit

    @property
    def current_tasks(self) -> int | None:
        """How many runs are executed now."""
        return len(self._running)

    @property
    def available_tasks(self) -> int | None:
        """How many further runs could be executed now; None for any number."""
        return None if self._limit is None else self._limit - len(self._running)

    # -- beginning and ending

    def handle_sigterm(self, signum: int, frame: FrameType | None) -> None:
        """Stop when the runs under way have ended. At the second signal they are given to others, and the process ends."""
        if self._told.is_set() or self._has_heard_signal:
            self._give_up(128 + signum)
            return
        self._has_heard_signal = True
        logger.info("Stopping once %s task runs under way have ended. Once more to stop now.", len(self._running))
        self._tell()

    def _tell(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.set)

    def _give_up(self, status: int) -> None:
        threading.Thread(target=self._leave_now, args=(status,), name="prefect-give-up").start()

    def _leave_now(self, status: int) -> None:
        with suppress(
            Exception
        ):  # the process ends; what it could not give back is given to others when its claims expire
            keeper = self._keeper
            keeper.transport.send(end_task_worker(self._client_id, keeper.tokens))
        os._exit(status)

    async def astart(self, timeout: float | None = None) -> None:
        """
        Execute runs until told to stop, by `stop` or by a signal.

        Args:
            timeout: Seconds after which it stops by itself.

        Raises:
            RuntimeError: It has been started already.
        """
        if self.started:
            raise RuntimeError("This task worker has been started already: make another one.")
        self._loop = asyncio.get_running_loop()
        self._keeper = ClaimKeeper(current_transport(), self._client_id, self.task_keys, lease_seconds())
        self._starts = SharedFlush(recorder_of(self._keeper.transport).flush)
        self._threads = ThreadPoolExecutor(self._limit or _MOST_THREADS, "prefect-task")
        await asyncio.to_thread(self._keeper.start)
        await asyncio.to_thread(background.get_ready, self.tasks)
        self._started_at = now()
        logger.info("Serving the background runs of: %s", " | ".join(sorted(each.name for each in self.tasks)))
        alarm = None if timeout is None else self._loop.call_later(timeout, self._told.set)
        cleaning = asyncio.ensure_future(self._keep_clean())
        try:
            with self._signals():
                await self._serve()
                await asyncio.to_thread(self._return, self._stock.give_up(everything=True))
                await self._drain()
        finally:
            if alarm is not None:
                alarm.cancel()
            cleaning.cancel()
            await asyncio.to_thread(self._leave)
            self._started_at = None
            self._ended.set()

    @dual
    def start(self, timeout: float | None = None) -> Steps[None]:
        """Like `astart`; waits for the end in sync code."""
        yield _Await(lambda: self.astart(timeout))

    async def astop(self) -> None:
        """
        Stop, and wait for the runs under way.

        Raises:
            RuntimeError: It has not been started.
        """
        if not self.started:
            raise RuntimeError("This task worker has not been started yet.")
        self._tell()
        await asyncio.to_thread(self._ended.wait)

    @dual
    def stop(self) -> Steps[None]:
        """Like `astop`; waits in sync code, so call it from another thread than the worker's."""
        yield _Await(self.astop)

    @contextmanager
    def _signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {each: signal.signal(each, self.handle_sigterm) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in previous.items():
                signal.signal(each, handler)

    def _leave(self) -> None:
        keeper = self._keeper
        keeper.stop()
        recorder_of(keeper.transport).flush()
        self._spent.delete(keeper.transport)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        try:
            keeper.transport.send(end_task_worker(self._client_id, keeper.tokens))
        except Exception as error:
            logger.warning("The orchestrator was not told that this task worker ends: %s", error)

    # -- runs

    async def _serve(self) -> None:
        while not self._told.is_set():
            self._run_out.clear()
            free = self._room()
            if free <= 0:
                await self._unless_told(self._until_free())
                continue
            try:
                asking = claim_task_runs(self.task_keys, free, self._keeper.seconds)
                claims = await asyncio.to_thread(self._keeper.transport.send, asking)
                for claim in claims:
                    self._take_on(claim)
                if len(claims) < free:
                    await self._unless_told(self._until_due())
            except Exception as error:
                if not is_worth_retrying(error):
                    raise
                logger.warning("Background task runs cannot be asked for just now: %s", error)
                await self._unless_told(asyncio.sleep(_PAUSE_SECONDS))

    def _room(self) -> int:
        """How many runs to claim now."""
        if self._limit is None:
            return _MOST_AT_ONCE
        wanted = self._stock.wanted()
        if wanted and not self._stock.is_low:
            return 0
        return min(self._limit - len(self._running) + wanted - len(self._stock), _MOST_AT_ONCE)

    async def _until_free(self) -> None:
        """Wait until runs can be executed, and a moment longer while only a few can."""
        if self._stock:
            await self._run_out.wait()
            return
        await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        few = len(self._running) // 2
        deadline = asyncio.get_running_loop().time() + _GATHER_SECONDS
        while len(self._running) > few and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._running, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    async def _until_due(self) -> None:
        """Wait until runs are due."""
        question = ask_until(
            lambda seconds: are_task_runs_due(self.task_keys, seconds),
            pause=_POLL_SECONDS,
            transport=self._keeper.transport,
        )
        await adrive(question)

    async def _unless_told(self, awaited: Awaitable[Any]) -> None:
        """Wait for something, but not once this worker is told to stop."""
        waiting, told = asyncio.ensure_future(awaited), asyncio.ensure_future(self._told.wait())
        try:
            await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        finally:
            for each in (waiting, told):
                each.cancel()
            await asyncio.gather(waiting, told, return_exceptions=True)

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running)

    def _take_on(self, claim: TaskRunClaim) -> None:
        self._keeper.hold(claim.token, claim.task_run.id)
        if self._limit is None or len(self._running) < self._limit:
            self._begin(claim)
        else:
            self._stock.put(claim)

    def _begin(self, claim: TaskRunClaim) -> None:
        self._starts.expect(claim.token)
        work = asyncio.ensure_future(self._execute_one_after_another(claim))
        self._running.add(work)
        work.add_done_callback(self._go_on)

    def _go_on(self, work: asyncio.Task[None]) -> None:
        self._running.discard(work)
        if (claim := self._next()) is not None:  # it came to the stock after that was found empty
            self._begin(claim)

    async def _execute_one_after_another(self, claim: TaskRunClaim | None) -> None:
        """Execute a run, and then those of the stock, until it is empty."""
        while claim is not None:
            if self._task_of(claim).isasync:
                await asyncio.ensure_future(self._execute(claim.task_run, claim.token))  # in a context of its own
                self._stock.note_end()
                claim = self._next()
            else:
                claim = await self._in_thread(self._execute_on_a_thread, claim)

    def _execute_on_a_thread(self, claim: TaskRunClaim | None) -> TaskRunClaim | None:
        """Likewise, without the event loop, until one comes that needs it: that one is returned."""
        while claim is not None and not self._task_of(claim).isasync:
            copy_context().run(self._execute_blocking, claim.task_run, claim.token)
            self._stock.note_end()
            claim = self._next()
        return claim

    def _next(self) -> TaskRunClaim | None:
        """The run of the stock that is to begin now; those that were given to others meanwhile are not."""
        claim = None if self._told.is_set() else self._stock.take()
        while claim is not None and not self._keeper.holds(claim.token):
            claim = self._stock.take()
        if claim is not None:
            self._starts.expect(claim.token)
        if self._stock.is_low and not self._run_out.is_set() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._run_out.set)
        return claim

    def _return(self, claims: list[TaskRunClaim]) -> None:
        """Give back claims whose runs have not begun."""
        if not claims:
            return
        for claim in claims:
            self._keeper.drop(claim.token)
        try:
            self._keeper.transport.send(return_task_runs([claim.token for claim in claims]))
        except Exception as error:
            logger.warning("Task runs that wait could not be given back, and are when their claims expire: %s", error)

    def _task_of(self, claim: TaskRunClaim) -> Task[Any, Any]:
        return self._by_key[claim.task_run.task_key]

    async def _in_thread(self, call: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(copy_context().run, call, *args))

    async def _execute(self, task_run: TaskRun, token: UUID | None) -> None:
        task = self._by_key[task_run.task_key]
        with self._accounting(task_run, token):
            packed = await adrive(background.packed_of(task, task_run))
            with self._prepared(task_run, token, packed) as run:
                if run is not None:
                    self._spent.note(task, task_run, await engine.aexecute_to_end(run))

    def _execute_blocking(self, task_run: TaskRun, token: UUID | None) -> None:
        task = self._by_key[task_run.task_key]
        with self._accounting(task_run, token):
            packed = drive(background.packed_of(task, task_run))
            with self._prepared(task_run, token, packed) as run:
                if run is not None:
                    self._spent.note(task, task_run, engine.execute_to_end(run))

    @contextmanager
    def _prepared(
        self, task_run: TaskRun, token: UUID | None, packed: dict[str, Any] | Exception
    ) -> Generator[TaskExecution | None, None, None]:
        """What to execute, in the contexts that it was called in; None, and the run has failed, without parameters."""
        task, given = self._by_key[task_run.task_key], background.given_in(packed)
        with background.context_of(given):
            run = background.execution_of(task, task_run, given, token, self._confirming(token))
            yield None if background.failed_without(run, packed) else run

    @contextmanager
    def _accounting(self, task_run: TaskRun, token: UUID | None) -> Generator[None, None, None]:
        """Whatever becomes of a run, its claim is not renewed any longer, and this worker goes on."""
        try:
            yield
        except Exception:
            logger.exception("Task run %s could not be executed.", task_run.id)
        finally:
            if token is not None:
                self._starts.forget(token)
                self._keeper.drop(token)

    async def _keep_clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEANING_SECONDS)
            await asyncio.to_thread(self._return, self._stock.give_up())
            self._run_out.set()
            await asyncio.to_thread(self._spent.delete, self._keeper.transport)

    def _confirming(self, token: UUID | None) -> Callable[[], None] | None:
        return None if token is None else partial(self._starts.flush, token)

    async def execute_task_run(self, task_run: TaskRun) -> None:
        """
        Execute a run that was not asked for by this worker.

        Args:
            task_run: The run, Scheduled or Pending.

        Raises:
            ValueError: It is of a task that this worker does not serve.
        """
        if task_run.task_key not in self._by_key:
            served = ", ".join(self.task_keys) or "none"
            raise ValueError(f"Task run {task_run.id} is of task {task_run.task_key!r}. Tasks served here: {served}.")
        if self._by_key[task_run.task_key].isasync:
            await self._execute(task_run, None)
        else:
            await self._in_thread(self._execute_blocking, task_run, None)


class _Await:
    """An effect: await something that an event loop is needed for."""

    def __init__(self, begin: Any) -> None:
        self._begin = begin

    def perform(self) -> Any:
        return asyncio.run(self._begin())

    async def aperform(self) -> Any:
        return await self._begin()


# -- serving --------------------------------------------------------------------------------------------------------


def create_status_server(task_worker: TaskWorker) -> Starlette:
    """
    An ASGI app that says at `/status` what a worker does.

    Args:
        task_worker: The worker.

    Returns:
        The app.
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def status(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "client_id": task_worker.client_id,
                "started_at": None if task_worker.started_at is None else task_worker.started_at.isoformat(),
                "current_tasks": task_worker.current_tasks,
                "limit": task_worker.limit,
                "available": task_worker.available_tasks,
            }
        )

    return Starlette(routes=[Route("/status", status)])


async def aserve(
    *tasks: Task[Any, Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """
    Execute the background runs of tasks, in this event loop, until told to stop; see `serve`.

    Args:
        tasks: The tasks.
        limit: How many runs are executed at the same time; None for any number.
        status_server_port: The port of this host at which `/status` says what the worker does; none without.
        timeout: Seconds after which it stops by itself.

    Raises:
        ValueError: There is no task.
        OSError: Somebody else uses the port.
    """
    if not tasks:
        raise ValueError("There is nothing to serve: give at least one task.")
    worker = TaskWorker(*tasks, limit=limit)
    if status_server_port is None:
        await worker.astart(timeout)
        return
    import uvicorn

    listening = socket.create_server(("127.0.0.1", status_server_port))
    config = uvicorn.Config(create_status_server(worker), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    status = asyncio.ensure_future(server._serve(sockets=[listening]))  # not `serve`: signals are the worker's
    try:
        await worker.astart(timeout)
    finally:
        server.should_exit = True
        await status
        listening.close()


@dual
def serve(
    *tasks: Task[Any, Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> Steps[None]:
    """
    Execute the background runs of tasks until told to stop: by Ctrl-C, SIGTERM, or the end of the time.

    Runs under way are finished first; a second signal gives them to other workers instead.

    Args:
        tasks: The tasks.
        limit: How many runs are executed at the same time; None for any number.
        status_server_port: The port of this host at which `/status` says what the worker does; none without.
        timeout: Seconds after which it stops by itself.

    Example:
        >>> from prefect import task
        >>> from prefect.task_worker import serve
        >>> @task
        ... def send_mail(to: str) -> None: ...
        >>> serve(send_mail, limit=4)  # doctest: +SKIP
    """
    yield _Await(lambda: aserve(*tasks, limit=limit, status_server_port=status_server_port, timeout=timeout))
