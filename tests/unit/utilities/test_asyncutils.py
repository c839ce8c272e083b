from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time

import anyio
import pytest

from prefect.utilities import asyncutils
from prefect.utilities.asyncutils import (
    BACKGROUND_TASKS,
    EVENT_LOOP_GC_REFS,
    GatherIncomplete,
    LazySemaphore,
    add_event_loop_shutdown_callback,
    asyncnullcontext,
    call_with_mark,
    create_gather_task_group,
    create_task,
    gather,
    get_thread_limiter,
    in_async_main_thread,
    in_async_worker_thread,
    is_async_fn,
    is_async_gen_fn,
    mark_as_worker_thread,
    run_async_from_worker_thread,
    run_async_in_new_loop,
    run_coro_as_sync,
    run_sync_in_worker_thread,
    sync,
    sync_compatible,
)

variable = contextvars.ContextVar("variable", default=0)


async def read():
    await anyio.sleep(0)
    return variable.get()


async def fail():
    raise ValueError("broken")


def test_kinds_of_functions():
    async def generator():
        yield 1

    @functools.wraps(read)
    def wrapped(): ...

    assert is_async_fn(read)
    assert is_async_fn(functools.partial(wrapped))
    assert not is_async_fn(len)
    assert not is_async_fn(generator)
    assert is_async_gen_fn(generator)
    assert is_async_gen_fn(functools.partial(generator))
    assert not is_async_gen_fn(read)


@pytest.mark.parametrize("options", [{}, {"force_new_thread": True}])
def test_a_coroutine_is_run_from_sync_code(options):
    variable.set(3)
    assert run_coro_as_sync(read(), **options) == 3
    with pytest.raises(ValueError, match="broken"):
        run_coro_as_sync(fail(), **options)

    async def main():
        return run_coro_as_sync(read(), **options)  # an event loop runs on this thread

    assert asyncio.run(main()) == 3


def test_what_is_bound_to_a_loop_lasts_from_call_to_call():
    async def loop():
        return asyncio.get_running_loop()

    assert run_coro_as_sync(loop()) is run_coro_as_sync(loop())
    assert run_coro_as_sync(loop()) is not run_coro_as_sync(loop(), force_new_thread=True)


def test_a_coroutine_may_run_sync_code_that_runs_a_coroutine():
    async def outer():
        return run_coro_as_sync(read())

    assert run_coro_as_sync(outer()) == variable.get()


def test_a_coroutine_that_is_not_waited_for(caplog):
    done = threading.Event()

    async def work():
        done.set()

    assert run_coro_as_sync(work(), wait_for_result=False) is None
    assert done.wait(30)
    run_coro_as_sync(fail(), wait_for_result=False)
    deadline = time.monotonic() + 30
    while "nobody waits for" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "ValueError: broken" in caplog.text


def test_only_coroutines_are_run():
    with pytest.raises(TypeError, match="coroutine object"):
        run_coro_as_sync(read)


def test_blocking_code_runs_on_a_thread():
    async def main():
        main_thread = threading.get_ident()
        assert in_async_main_thread()
        assert not in_async_worker_thread()

        def work(a, *, b):
            assert threading.get_ident() != main_thread
            assert in_async_worker_thread()
            assert not in_async_main_thread()
            assert run_async_from_worker_thread(read) == variable.get()
            assert sync(read) == variable.get()
            return a + b

        assert await run_sync_in_worker_thread(work, 1, b=2) == 3
        assert get_thread_limiter() is get_thread_limiter()
        assert sync(read) == variable.get()
        return get_thread_limiter()

    first = anyio.run(main)
    assert first.total_tokens == 250
    assert not in_async_main_thread()


def test_a_cancelled_call_is_not_waited_for():
    begun, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        goes_on.wait(30)
        ended.set()

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(run_sync_in_worker_thread, work)
            while not begun.is_set():
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
        assert not ended.is_set()
    finally:
        loop.close()
        goes_on.set()
    assert ended.wait(30)


def test_marks():
    assert call_with_mark(in_async_worker_thread)
    assert not in_async_worker_thread()
    seen = []

    def work():
        mark_as_worker_thread()
        seen.append(in_async_worker_thread())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
    assert not in_async_worker_thread()


def test_new_loops():
    assert run_async_in_new_loop(read) == variable.get()
    assert sync(read) == variable.get()


def test_sync_compatible_functions():
    @sync_compatible
    async def double(x):
        """Double it."""
        await anyio.sleep(0)
        return 2 * x

    async def main():
        assert await double(2) == 4
        assert await double.aio(2) == 4
        assert double(2, _sync=True) == 4

    assert double(2) == 4
    assert asyncio.run(double(2, _sync=False)) == 4
    assert double.__doc__ == "Double it."
    asyncio.run(main())
    with pytest.raises(TypeError, match="must be async"):
        sync_compatible(len)


def test_tasks_are_kept_until_they_are_done():
    async def main():
        task = create_task(read())
        assert task in BACKGROUND_TASKS
        await task
        await anyio.sleep(0)
        assert task not in BACKGROUND_TASKS

    asyncio.run(main())


def test_what_is_called_when_the_loop_ends():
    called = []

    async def callback():
        await asyncio.sleep(0)
        called.append(1)

    async def main():
        await add_event_loop_shutdown_callback(callback)
        await add_event_loop_shutdown_callback(callback)
        assert called == []

    asyncio.run(main())
    assert called == [1, 1]
    assert EVENT_LOOP_GC_REFS == {}


def test_gathering():
    async def after(seconds, value):
        await anyio.sleep(seconds)
        return value

    async def main():
        assert await gather(lambda: after(0.02, "a"), lambda: after(0, "b")) == ["a", "b"]
        async with create_gather_task_group() as group:
            key = group.start_soon(after, 0, "c")
            with pytest.raises(GatherIncomplete):
                group.get_result(key)
            with pytest.raises(RuntimeError, match="start_soon"):
                await group.start(after)
        assert group.get_result(key) == "c"
        assert not group.cancel_scope.cancel_called
        with pytest.raises(Exception) as caught:
            await gather(fail, lambda: after(30, None))
        assert "broken" in repr(caught.value.exceptions)

    anyio.run(main)


def test_a_null_context():
    async def main():
        async with asyncnullcontext(5) as value:
            return value

    assert asyncio.run(main()) == 5


def test_a_semaphore_of_a_size_that_is_known_later():
    sizes = []

    async def main():
        semaphore = LazySemaphore(lambda: sizes.append(1) or 1)
        assert sizes == []
        running = 0

        async def work():
            nonlocal running
            async with semaphore:
                running += 1
                assert running == 1
                await anyio.sleep(0.001)
                running -= 1

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(work)

    anyio.run(main)
    assert sizes == [1]


def test_all_names_are_there():
    for name in asyncutils.__all__:
        assert hasattr(asyncutils, name)
