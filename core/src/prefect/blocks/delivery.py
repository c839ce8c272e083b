"""
Notifying people: by blocks, and by whatever plugins add.

All notifications, those of automations too, go through the hook `prefect_send_notification`: plugins are asked first, and
what is here is asked last.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from typing import Any, Union

from prefect._contract.blocks import BlockDocument
from prefect.blocks.abstract import NotificationError
from prefect.blocks.core import Block
from prefect.plugins import DeliveryResult, registries
from prefect.plugins.loading import current_host
from prefect.utilities.dual import Run, Steps, asynchronous, drive, dual

__all__ = ["asend_notification", "deliver", "notify_on_state", "send_notification"]

Hook = Callable[[Any, Any, Any], None]


def _send_steps(target: Any, body: str, subject: Union[str, None] = None) -> Steps[None]:
    """
    Notify people.

    Args:
        target: By what: a block, the name of a saved one (`slack-webhook/team`), or `kind:address` of a notifier that a
            plugin provides.
        body: The text.
        subject: The subject.

    Raises:
        prefect.blocks.abstract.NotificationError: It was not delivered.
        ValueError: Nothing that is installed knows the target.
    """
    yield Run(partial(_send, target, body, subject))


def _send(target: Any, body: str, subject: Union[str, None]) -> None:
    result = current_host().call_first("prefect_send_notification", target=target, subject=subject, body=body)
    if result is None:
        known = ", ".join(sorted(registries.notifiers.names()))
        raise ValueError(
            f"Nothing that is installed notifies {target!r}. Name a block as 'type/name', or a notifier as 'kind:address'. "
            f"Kinds: {known}."
        )
    if not result.delivered:
        raise NotificationError(result.detail or "The notification was not delivered.")


send_notification = dual(_send_steps)
asend_notification = asynchronous(send_notification)


def notify_on_state(target: Any, subject: Union[str, None] = None, body: Union[str, None] = None) -> Hook:
    """
    A hook for flows and tasks that notifies people of a state.

        @flow(on_failure=[notify_on_state("slack-webhook/team")])
        def nightly(): ...

    Args:
        target: By what: see `send_notification`.
        subject: The subject. `{name}` is the run's name, `{state}` the state's, `{message}` what that says.
        body: The text, likewise.
    """
    subject = "{name} is {state}" if subject is None else subject
    body = "{name} entered the state {state}. {message}" if body is None else body

    def notify(owner: Any, run: Any, state: Any) -> None:
        words = {"name": run.name, "state": state.name, "message": state.message or ""}
        send_notification.sync(target, body.format_map(words), subject.format_map(words))

    return notify


def deliver(target: Any, subject: Union[str, None], body: str) -> Union[DeliveryResult, None]:
    """
    Deliver a notification by what the product itself knows: blocks, and notifiers by their kind.

    Args:
        target: A block, the document or the name of one, or `kind:address`.
        subject: The subject.
        body: The text.

    Returns:
        What became of it; None if the target is something else.
    """
    notifier = _notifier_of(target)
    if notifier is None:
        return None
    try:
        raising = getattr(notifier, "raise_on_failure", None)
        if raising is None:
            _notify(notifier, body, subject)
        else:
            with raising():
                _notify(notifier, body, subject)
    except (NotificationError, ValueError) as error:
        return DeliveryResult(delivered=False, detail=str(error))
    return DeliveryResult(delivered=True)


def _notify(notifier: Any, body: str, subject: Union[str, None]) -> None:
    told = notifier.notify(body, subject)
    if isawaitable(told):

        async def until_told() -> None:
            await told

        asyncio.run(until_told())


def _notifier_of(target: Any) -> Any:
    """What has the method `notify`; None if the target stands for nothing of the kind."""
    if isinstance(target, BlockDocument):
        target = _class_of(target)._from_block_document(target)
    elif isinstance(target, str):
        kind, is_kind, address = target.partition(":")
        if is_kind and kind in registries.notifiers.names():
            return registries.notifiers.get(kind)(address)
        target = drive(Block._load_steps(target)) if "/" in target and not is_kind else None
    return target if hasattr(target, "notify") else None


def _class_of(document: BlockDocument) -> type[Block]:
    slug = document.block_type.slug if document.block_type is not None else ""
    return registries.blocks.get(slug)
