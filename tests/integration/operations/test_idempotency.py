"""Requests that are sent again because their answer was lost have one effect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.operations.conftest import Orchestrator

from prefect._contract.actions.runs import ArtifactCreate, LogCreate
from prefect._contract.endpoints.artifacts import create_artifact
from prefect._contract.endpoints.logs import create_logs, read_logs
from prefect.server.operations import idempotency
from prefect.server.operations.idempotency import Remembered
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import UnitOfWork
from prefect.server.services.retention import RETENTION
from prefect.settings import get_current_settings
from prefect.utilities.ids import uuid7


def lines(*messages: str) -> list[LogCreate]:
    return [LogCreate(name="n", level=20, message=message, timestamp="2031-01-01T00:00:00Z") for message in messages]


def test_a_batch_of_logs_is_kept_once_and_in_order(orchestrator: Orchestrator) -> None:
    batch = replace(create_logs(lines("one", "two", "three")), key=uuid7())
    for _ in range(2):
        orchestrator.send(batch)
    orchestrator.send(replace(batch, key=uuid7()))
    messages = [log.message for log in orchestrator.send(read_logs())]
    assert messages == ["one", "two", "three"] * 2


def test_lines_without_a_key_are_kept_as_often_as_they_are_sent(orchestrator: Orchestrator) -> None:
    for _ in range(2):
        orchestrator.send(create_logs(lines("one")))
    assert len(orchestrator.send(read_logs())) == 2


class Desk:
    """Transactions on the orchestrator's database."""

    def __init__(self, orchestrator: Orchestrator, folder: Path) -> None:
        self._transport = orchestrator.transport
        self._clock = orchestrator.clock
        self._vault = Vault(folder / "encryption.key")

    def __call__(self, act: Any, actor: str = "me") -> Any:
        return self._transport.database.transaction(
            lambda connection: act(UnitOfWork(connection, self._clock(), self._vault, actor=actor)),
            write=True,
        )


@pytest.fixture
def desk(orchestrator: Orchestrator, tmp_path: Path) -> Desk:
    return Desk(orchestrator, tmp_path)


def test_an_answer_is_remembered_for_the_same_request_of_the_same_actor(desk: Desk) -> None:
    call = replace(create_artifact(ArtifactCreate(key="a")), key=uuid7())
    assert idempotency.is_remembered(call)
    assert desk(lambda work: idempotency.recall(work, call)) is None
    desk(lambda work: idempotency.remember(work, call, 201, '{"id": "ä"}'.encode()))
    assert desk(lambda work: idempotency.recall(work, call)) == Remembered(201, '{"id": "ä"}'.encode())
    with pytest.raises(Refusal, match="another request") as caught:
        desk(lambda work: idempotency.recall(work, call), actor="somebody else")
    assert caught.value.status == 422
    with pytest.raises(Refusal, match="another request"):
        desk(lambda work: idempotency.recall(work, replace(call, path="/variables/")))


def test_what_has_no_effect_or_no_key_is_not_remembered() -> None:
    assert not idempotency.is_remembered(create_artifact(ArtifactCreate(key="a")))
    assert not idempotency.is_remembered(replace(create_logs([]), key=uuid7()))


def test_answers_are_forgotten_in_time(desk: Desk, orchestrator: Orchestrator) -> None:
    calls = [replace(create_artifact(ArtifactCreate(key="a")), key=uuid7()) for _ in range(4)]
    for call in calls[:3]:
        desk(lambda work, call=call: idempotency.remember(work, call, 201, b"null"))
    orchestrator.clock.pass_by(idempotency.KEPT_FOR.total_seconds() + 1)
    desk(lambda work: idempotency.remember(work, calls[3], 201, b"null"))
    settings = get_current_settings()
    while desk(lambda work: RETENTION.act(work, settings)):
        pass
    assert [desk(lambda work, call=call: idempotency.recall(work, call)) for call in calls[:3]] == [None] * 3
    assert desk(lambda work: idempotency.recall(work, calls[3])) is not None
