"""Slots that processes hold: handed from one to the next, and free again when their holders are killed."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.faults.sites import Site, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SCRIPT = """
    import asyncio, os, sys, time
    from pathlib import Path
    from prefect import get_client
    from prefect.concurrency import asyncio as aio, sync

    colour, name, leave = sys.argv[1:]

    def inside():
        print(time.time(), flush=True)
        while not Path(leave).exists():
            time.sleep(0.01)
        print(time.time(), flush=True)

    async def enter():
        async with aio.concurrency(name):
            inside()

    if "IS_READY" in os.environ:  # its loading and connecting takes time, which is over now
        get_client(sync_client=True).read_global_concurrency_limit_by_name(name)
    print("asks", flush=True)
    if colour == "sync":
        with sync.concurrency(name):
            inside()
    else:
        asyncio.run(enter())
"""


class Holder:
    """A process that wants a slot of a limit, and keeps it until it is told to leave."""

    def __init__(self, site: Site, name: str, colour: str, **variables: str) -> None:
        self._leave = site.folder / f"leave-{len(site.processes)}"
        self._process = site.run(SCRIPT, colour, name, str(self._leave), **variables)
        assert self._line() == "asks", self._process.stderr.read()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def enters(self) -> float:
        """When it got its slot."""
        return float(self._line())

    def leave(self) -> float:
        """Tell it to leave, and answer with when it did."""
        self._leave.touch()
        return float(self._line())

    def ends(self) -> None:
        assert self._process.wait(timeout=60) == 0, self._process.stderr.read()

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)


class Limit:
    """A limit, and the processes that want its slots."""

    def __init__(self, site: Site, size: int) -> None:
        self.site = site
        site.post("/v2/concurrency_limits/", {"name": "slots", "limit": size})

    def holder(self, colour: str = "sync", **variables: str) -> Holder:
        return Holder(self.site, "slots", colour, **variables)

    @property
    def in_use(self) -> int:
        return int(self.site.read("/v2/concurrency_limits/slots")["active_slots"])


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_slot_is_handed_from_process_to_process(site: Site, colour: str) -> None:
    limit = Limit(site, 1)
    first = limit.holder(colour)
    first.enters()
    second = limit.holder(colour, IS_READY="1")
    left = first.leave()
    assert second.enters() - left < 2.0  # 0.2 where nobody else uses the machine
    assert limit.in_use == 1
    second.leave()
    for each in (first, second):
        each.ends()
    assert limit.in_use == 0
    site.check()


@pytest.mark.timeout(200)
def test_slots_of_holders_that_were_killed_with_the_server_are_free_within_a_minute(site: Site) -> None:
    limit = Limit(site, 2)
    held = [limit.holder("sync"), limit.holder("async")]
    for each in held:
        each.enters()
    assert limit.in_use == 2
    for each in held:
        each.kill()
    site.kill()
    site.start()
    restarted = time.monotonic()
    assert limit.in_use == 2
    waiting = limit.holder()
    waiting.enters()
    wait_until(lambda: limit.in_use == 1, 65)  # the other one was killed as well
    assert time.monotonic() - restarted < 65
    waiting.leave()
    waiting.ends()
    site.check()


def test_a_holder_keeps_its_slot_while_the_server_is_away(site: Site) -> None:
    limit = Limit(site, 1)
    holder = limit.holder()
    holder.enters()
    site.kill()
    waiting = limit.holder()
    site.start()
    assert limit.in_use == 1
    left = holder.leave()
    holder.ends()
    assert waiting.enters() >= left
    waiting.leave()
    waiting.ends()
    assert limit.in_use == 0
    site.check()
