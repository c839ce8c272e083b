"""
Errands: what automations do outside of the database, as sending messages and calling webhooks.

An errand is taken, run, and told of. If its server dies in between, it is taken again a while later: it may then be run
a second time, but is never forgotten.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.automations import take_actions
from prefect.server.operations.automation_actions import FAILURES, automation_of, finish, reason_of
from prefect.server.operations.firings import Invocation
from prefect.server.operations.situations import CannotActError, Situation
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from prefect._contract.blocks import BlockDocument

__all__ = ["Errand", "Report", "run_errand", "settle_errand", "take_errands"]

_AGAIN = timedelta(minutes=2)
_MOST_ATTEMPTS = 5
_MOST_SHOWN = 300


class Errand(NamedTuple):
    """
    Something to be sent.

    Args:
        invocation: The action.
        document: The block by which, with its secrets.
        subject: The subject; None for a webhook.
        text: The text.
    """

    invocation: Invocation
    document: BlockDocument
    subject: str | None
    text: str


class Report(NamedTuple):
    """
    What became of an errand.

    Args:
        failed: Why it failed; None if it did not.
        said: What else is to be said of it.
    """

    failed: str | None
    said: dict[str, Any]


def take_errands(work: UnitOfWork, limit: int) -> list[Errand]:
    """Errands that are due. Those that cannot be run are told of as failed, and not among them."""
    errands = []
    for row in take_actions(work.connection, work.now, limit, errands=True, again_in=_AGAIN):
        invocation = Invocation.of(row)
        automation = automation_of(work, invocation)
        try:
            if row["attempts"] >= _MOST_ATTEMPTS:
                raise CannotActError(f"It was begun {row['attempts']} times, and never ended.")
            errands.append(_prepare(Situation(work, automation, invocation)))
        except FAILURES as error:
            finish(work, automation, invocation, failed=reason_of(error))
    return errands


def _prepare(situation: Situation) -> Errand:
    from prefect.server.operations.block_documents import read_block_document

    action = situation.invocation.action
    document = read_block_document(situation.work, UUID(action["block_document_id"]), include_secrets=True)
    if action["type"] == "call-webhook":
        return Errand(situation.invocation, document, None, situation.fill_in(action["payload"]))
    subject, body = situation.fill_in(action["subject"]), situation.fill_in(action["body"])
    return Errand(situation.invocation, document, subject, body)


def run_errand(errand: Errand) -> Report:
    """Run an errand, on this thread. Whatever goes wrong is reported."""
    try:
        return _notify(errand) if errand.subject is not None else _call(errand)
    except Exception as error:
        return Report(f"{type(error).__name__}: {error}"[:_MOST_SHOWN], {})


def _notify(errand: Errand) -> Report:
    from prefect.plugins.loading import current_host

    result = current_host().call_first(
        "prefect_send_notification", target=errand.document, subject=errand.subject, body=errand.text
    )
    if result is None:
        kind = errand.document.block_type.slug if errand.document.block_type is not None else "?"
        return Report(f"Nothing that is installed sends notifications by blocks of the type '{kind}'.", {})
    return Report(None if result.delivered else result.detail or "It was not delivered.", {})


def _call(errand: Errand) -> Report:
    from prefect.plugins import registries

    document = errand.document
    kind = document.block_type.slug if document.block_type is not None else ""
    block = registries.blocks.get(kind)._from_block_document(document)
    call = getattr(block, "call", None)
    if call is None:
        return Report(f"Blocks of the type '{kind}' cannot be called.", {})
    response = asyncio.run(call(_payload(errand.text)))
    if response.is_success:
        return Report(None, {"status_code": response.status_code})
    return Report(f"The webhook answered with status {response.status_code}.", {"status_code": response.status_code})


def _payload(text: str) -> Any:
    """A JSON object as such, so that it is sent as JSON; all else as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def settle_errand(work: UnitOfWork, errand: Errand, report: Report) -> None:
    """Tell what became of an errand. It is not run again."""
    if records.read(work.connection, tables.automation_action, id=errand.invocation.id) is None:
        return  # the automation was deleted, or another server was quicker
    automation = automation_of(work, errand.invocation)
    finish(work, automation, errand.invocation, failed=report.failed, **report.said)
