"""Postgres crashes beneath a server, again and again: requests wait, or are told to come again, and nothing is lost."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.faults.invariants import check_answers, check_invariants
from tests.faults.sites import Site
from tests.postgres import POSTGRES, PostgresServer

pytestmark = [pytest.mark.faults, pytest.mark.slow]


class Writer(threading.Thread):
    """Makes runs and ends them, for as long as it is let; what it is told to do again, it does again."""

    def __init__(self, site: Site, flow: str) -> None:
        super().__init__()
        self.site, self.flow = site, flow
        self.answers: list[httpx.Response] = []
        self.ended: dict[UUID, str] = {}
        self.said: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self.site.api, timeout=60, trust_env=False) as self.client:
            number = 0
            while not self.stop.is_set():
                number += 1
                name = f"{self.name}-{number}"
                run = self.ask("/flow_runs/", {"flow_id": self.flow, "idempotency_key": name}).json()["id"]
                for kind in ("RUNNING", "COMPLETED"):
                    identifier = str(UUID(int=random.getrandbits(128), version=4))
                    details = {"transition_id": identifier}
                    state = {"type": kind, "state_details": details}
                    assert self.ask(f"/flow_runs/{run}/set_state", {"state": state}).json()["status"] == "ACCEPT"
                self.ended[UUID(run)] = "COMPLETED"

    def ask(self, path: str, body: Any) -> httpx.Response:
        while True:
            answer = self.client.post(path, json=body)
            self.answers.append(answer)
            if answer.status_code != 503:
                return answer.raise_for_status()
            time.sleep(0.1)


@pytest.mark.parametrize("kind", [POSTGRES])
def test_what_was_acknowledged_is_there(kind: str, tmp_path: Path, repetition: int, is_thorough: bool) -> None:
    postgres = PostgresServer()
    chance = random.Random(repetition)
    try:
        with closing(Site(tmp_path, kind, postgres)) as site:
            site.start()
            flow = site.flow()
            writers = [Writer(site, flow) for _ in range(4)]
            for writer in writers:
                writer.start()
            for _ in range(8 if is_thorough else 3):
                time.sleep(chance.uniform(0.5, 1.5))
                if chance.random() < 0.5:
                    postgres.restart("immediate")
                else:
                    postgres.stop("immediate")
                    time.sleep(chance.uniform(0, 2))
                    postgres.start()
            before = [len(writer.ended) for writer in writers]
            deadline = time.monotonic() + 60
            while any(len(writer.ended) <= count for writer, count in zip(writers, before, strict=True)):
                assert time.monotonic() < deadline, [
                    *[(writer.is_alive(), [answer.text[:300] for answer in writer.answers[-2:]]) for writer in writers],
                    *postgres.execute("SELECT pid, state, wait_event, left(query, 90) FROM pg_stat_activity"),
                ]
                time.sleep(0.1)
            for writer in writers:
                writer.stop.set()
            for writer in writers:
                writer.join(60)
            answers = [answer for writer in writers for answer in writer.answers]
            check_answers(answers)
            ended = {run: kind for writer in writers for run, kind in writer.ended.items()}
            check_invariants(site.url, all_ended=True, ended_as=ended, started=dict.fromkeys(ended, 1))
            assert len(site.post("/flow_runs/filter", {"limit": 1})) == 1
    finally:
        postgres.close()
