"""Step functions and their two drivers, driven by hand too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from prefect._engine.effects import Advance, ConsumerStopped, Emit, Exhausted, adrive_stream, drive_stream
from prefect.utilities.dual import Run, Sleep, Steps, adrive, asynchronous, drive, dual, user_code_is_async


@dataclass
class Ask:
    """An effect that answers in its colour."""

    question: str

    def perform(self) -> str:
        if self.question == "fail":
            raise ValueError("sync")
        return f"sync {self.question}"

    async def aperform(self) -> str:
        await asyncio.sleep(0)
        if self.question == "fail":
            raise ValueError("async")
        return f"async {self.question}"


@dual
def converse(name: str) -> Steps[list[str]]:
    first = yield Ask(name)
    try:
        yield Ask("fail")
    except ValueError as error:
        return [first, str(error)]
    return []


aconverse = asynchronous(converse)


def test_by_hand() -> None:
    steps = converse.steps("you")
    assert next(steps) == Ask("you")
    assert steps.send("hello") == Ask("fail")
    with pytest.raises(StopIteration) as end:
        steps.throw(ValueError("by hand"))
    assert end.value.value == ["hello", "by hand"]


def test_the_colour_follows_the_caller() -> None:
    async def from_async() -> list[Any]:
        return [await converse("x"), await aconverse("x"), await converse.aio("x"), converse.sync("x")]

    assert converse("x") == ["sync x", "sync"]
    assert asyncio.run(from_async()) == [["async x", "async"]] * 3 + [["sync x", "sync"]]


def test_sync_user_code_inside_of_a_loop_is_sync() -> None:
    async def main() -> Any:
        token = user_code_is_async.set(False)
        try:
            return converse("x")
        finally:
            user_code_is_async.reset(token)

    assert asyncio.run(main()) == ["sync x", "sync"]


def test_a_dual_can_be_a_method() -> None:
    class Thing:
        @dual
        def load(self, x: int) -> Steps[int]:
            yield Sleep(0)
            return (yield Run(lambda: x + 1))

    assert Thing().load(1) == 2
    assert asyncio.run(Thing().load.aio(1)) == 2


def test_cancellation_reaches_the_steps() -> None:
    seen = []

    def steps() -> Steps[None]:
        try:
            yield Sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            yield Sleep(0)
            raise

    async def main() -> None:
        task = asyncio.create_task(adrive(steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen == ["cancelled"]


def stream(closed: list[str]) -> Steps[str]:
    def numbers() -> Any:
        try:
            yield 1
            got = yield 2
            closed.append(f"sent {got}")
        finally:
            closed.append("closed")

    generator = numbers()
    sent = None
    try:
        while True:
            value = yield Advance(generator, sent)
            try:
                sent = yield Emit(value)
            except ConsumerStopped:
                generator.close()
                return "stopped"
    except Exhausted:
        return "exhausted"


def test_streams_hand_values_out_and_pass_values_in() -> None:
    closed: list[str] = []
    generator = drive_stream(stream(closed))
    assert next(generator) == 1
    assert next(generator) == 2
    with pytest.raises(StopIteration) as end:
        generator.send("x")
    assert end.value.value == "exhausted"
    assert closed == ["sent x", "closed"]


def test_a_stream_that_is_closed_early_cleans_up() -> None:
    closed: list[str] = []
    generator = drive_stream(stream(closed))
    next(generator)
    generator.close()
    assert closed == ["closed"]


def test_async_streams() -> None:
    async def numbers() -> Any:
        yield 1
        yield 2

    def steps() -> Steps[None]:
        generator = numbers()
        try:
            while True:
                yield Emit((yield Advance(generator)))
        except Exhausted:
            return

    async def main() -> list[int]:
        return [value async for value in adrive_stream(steps())]

    assert asyncio.run(main()) == [1, 2]
    with pytest.raises(TypeError, match="stream driver"):
        drive(steps_that_emit())


def steps_that_emit() -> Steps[None]:
    yield Emit(1)
