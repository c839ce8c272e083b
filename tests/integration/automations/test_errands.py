"""Notifications and webhooks of automations, by real requests to a server of the test."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from prefect._contract.actions import BlockDocumentCreate, BlockSchemaCreate, BlockTypeCreate
from prefect._contract.automation_actions import CallWebhook, SendNotification
from prefect._contract.endpoints import automations, block_documents, block_schemas, block_types
from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.server.database.tables.columns import metadata


def keep(server: Any, kind: type[Block], **data: Any) -> Any:
    """Save a block that may reach the server of a test, and return the id of its document."""
    data = {"allow_private_urls": True, **data}
    asked = BlockTypeCreate(name=kind.get_block_type_name(), slug=kind.get_block_type_slug())
    block_type = server.send(block_types.create_block_type(asked))
    fields = kind.model_json_schema()
    schema = server.send(
        block_schemas.create_block_schema(BlockSchemaCreate(fields=fields, block_type_id=block_type.id))
    )
    document = BlockDocumentCreate(name="b", data=data, block_schema_id=schema.id, block_type_id=block_type.id)
    return server.send(block_documents.create_block_document(document)).id


def test_people_are_notified_of_what_occurred(server: Any, receiver: Any) -> None:
    id = keep(server, SlackWebhook, url=f"{receiver.url}/services/T/B/canary")
    body = "{{ flow_run.name }} is {{ flow_run.state.name }}: {{ event.resource.id }}"
    server.automate(SendNotification(block_document_id=id, subject="About {{ flow.name }}", body=body))
    run_id = server.flow_run()
    server.emit(
        related=[("flow-run", f"prefect.flow-run.{run_id}"), ("flow", f"prefect.flow.{flow_of(server, run_id)}")]
    )
    server.settle()
    assert server.reasons() == []
    assert "running is Running: r.1" in receiver.last["body"]
    assert "About flow" in receiver.last["body"]
    assert len(server.told("action.executed")) == 1
    server.settle()
    assert len(receiver.requests) == 1


def flow_of(server: Any, run_id: Any) -> Any:
    from prefect._contract.endpoints import flow_runs

    return server.send(flow_runs.read_flow_run(run_id)).flow_id


def test_a_webhook_is_called_with_what_the_event_says(server: Any, receiver: Any) -> None:
    id = keep(server, Webhook, url=f"{receiver.url}/hook", method="PUT", headers={"X-Key": "canary"})
    payload = {"id": "{{ event.id }}", "related": "{{ event.related | length }}"}
    server.automate(CallWebhook(block_document_id=id, payload=payload))
    event = server.emit()
    server.settle()
    assert (receiver.last["verb"], receiver.last["path"]) == ("PUT", "/hook")
    assert receiver.last["headers"]["X-Key"] == "canary"
    assert json.loads(receiver.last["body"]) == {"id": str(event.id), "related": "0"}
    (done,) = server.told("action.executed")
    assert done.payload["status_code"] == 200


@pytest.mark.parametrize(
    ("block", "status", "reason"),
    [
        (SlackWebhook, 500, "status 500"),
        (Webhook, 404, "status 404"),
        (Webhook, 302, "status 302"),
    ],
)
def test_what_did_not_arrive_is_told(server: Any, receiver: Any, block: Any, status: int, reason: str) -> None:
    receiver.status = status
    id = keep(server, block, url=f"{receiver.url}/canary")
    action = CallWebhook(block_document_id=id) if block is Webhook else SendNotification(block_document_id=id, body="b")
    server.automate(action)
    server.emit()
    server.settle()
    (said,) = server.reasons()
    assert reason in said
    assert "canary" not in said
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("block", [SlackWebhook, Webhook])
def test_private_addresses_are_refused_where_they_are_not_allowed(server: Any, receiver: Any, block: Any) -> None:
    allowed = block.model_fields["allow_private_urls"].default
    assert allowed is False
    id = keep(server, block, url=f"{receiver.url}/canary", allow_private_urls=allowed)
    action = CallWebhook(block_document_id=id) if block is Webhook else SendNotification(block_document_id=id, body="b")
    server.automate(action)
    server.emit()
    server.settle()
    (said,) = server.reasons()
    assert "private" in said
    assert "canary" not in said
    assert receiver.requests == []


def test_a_block_that_is_gone_is_told(server: Any) -> None:
    server.automate(SendNotification(block_document_id="00000000-0000-4000-8000-000000000000", body="b"))
    server.emit()
    server.settle()
    assert "There is no block document" in server.reasons()[0]


def test_an_errand_that_was_begun_and_not_ended_is_run_again_and_in_the_end_given_up(
    server: Any, receiver: Any
) -> None:
    from prefect.server.operations.errands import take_errands

    id = keep(server, Webhook, url=f"{receiver.url}/hook")
    server.automate(CallWebhook(block_document_id=id))
    server.emit()
    server.step("triggers")
    for _ in range(5):  # a server that dies each time
        assert len(server.performer.do(lambda work: take_errands(work, 8), write=True)) == 1
        assert server.performer.do(lambda work: take_errands(work, 8), write=True) == []
        server.clock.pass_by(121)
    server.settle()
    assert receiver.requests == []
    assert "never ended" in server.reasons()[0]


def test_several_errands_do_not_wait_for_each_other(server: Any, receiver: Any) -> None:
    together = threading.Barrier(3, timeout=60)
    receiver.wait = together.wait
    id = keep(server, Webhook, url=f"{receiver.url}/hook")
    server.automate(*[CallWebhook(block_document_id=id)] * 3)
    server.emit()
    server.settle()
    assert server.reasons() == []
    assert len(receiver.requests) == 3


def test_an_automation_that_is_deleted_meanwhile_ends_nothing(server: Any, receiver: Any) -> None:
    from prefect.server.operations.errands import run_errand, settle_errand, take_errands

    id = keep(server, Webhook, url=f"{receiver.url}/hook")
    automation = server.automate(CallWebhook(block_document_id=id))
    server.emit()
    server.step("triggers")
    (errand,) = server.performer.do(lambda work: take_errands(work, 8), write=True)
    server.send(automations.delete_automation(automation.id))
    report = run_errand(errand)
    server.performer.do(lambda work: settle_errand(work, errand, report), write=True)
    assert server.told("action.executed") == []


def test_an_hour_later_nothing_is_left(server: Any) -> None:
    server.automate()
    server.emit()
    server.settle()
    server.clock.pass_by(timedelta(hours=1).total_seconds())
    server.settle()
    assert len(server.told("action.executed")) == 1


@pytest.mark.parametrize("status", [200, 500, None])
def test_secrets_of_blocks_are_nowhere(
    server: Any, receiver: Any, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    receiver.status = status
    url = "http://127.0.0.1:9" if status is None else receiver.url
    webhook = keep(server, Webhook, url=f"{url}/canary", headers={"K": "canary"})
    slack = keep(server, SlackWebhook, url=f"{url}/canary")
    custom = keep(server, CustomWebhookNotificationBlock, name="n", url=url + "/{{token}}", secrets={"token": "canary"})
    server.automate(
        CallWebhook(block_document_id=webhook, payload={"id": "{{ event.id }}"}),
        *(SendNotification(block_document_id=id, subject="s", body="b") for id in (slack, custom)),
    )
    server.emit()
    server.settle()
    told = {name: len(server.told(name)) for name in ("action.executed", "action.failed")}
    assert told == (
        {"action.executed": 3, "action.failed": 0} if status == 200 else {"action.executed": 0, "action.failed": 3}
    )
    assert [request["path"] for request in receiver.requests] == ["/canary"] * (0 if status is None else 3)
    kept = str(server.performer.do(everything, write=False))
    assert "prefect.automation.action." in kept
    assert "canary" not in kept + caplog.text


def everything(work: Any) -> list[Any]:
    """All that is in the database."""
    return [work.connection.execute(table.select()).all() for table in metadata.sorted_tables]
