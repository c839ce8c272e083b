"""What blocks have in common that notify people by a service."""

import logging
from abc import ABC
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import Field, SecretStr
from typing_extensions import TypeAlias

from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.posting import USER_AGENT, deliver_publicly, require_public, unlogged
from prefect.utilities.dual import Run, Steps, asynchronous, dual

__all__ = [
    "DOCUMENTATION_URL",
    "LOGOS",
    "PREFECT_NOTIFY_TYPE_DEFAULT",
    "AbstractAppriseNotificationBlock",
    "AppriseNotificationBlock",
    "NotifyType",
]

NotifyType: TypeAlias = Literal["info", "success", "warning", "failure"]

PREFECT_NOTIFY_TYPE_DEFAULT: NotifyType = "info"

LOGOS = (
    "https://raw.githubusercontent.com/PrefectHQ/prefect/420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos"
)
DOCUMENTATION_URL = (
    "https://docs.prefect.io/latest/automate/events/automations-triggers#sending-notifications-with-automations"
)


class AbstractAppriseNotificationBlock(NotificationBlock, ABC):
    """
    Notifies people by a service that the package Apprise knows.

    Attributes:
        notify_type: What is notified: it decides on colours and icons, where a service has such.
    """

    notify_type: NotifyType = Field(
        default=PREFECT_NOTIFY_TYPE_DEFAULT,
        description="What is notified: it decides on colours and icons, where a service has such.",
    )

    def block_initialization(self) -> None:
        """There is nothing to prepare: what a notification needs is loaded with the first one."""

    def _service(self) -> Union[str, dict[str, Any]]:
        """The service, as Apprise wants to be told of it: a URL, or the parameters of one of its services."""
        raise NotImplementedError(f"{type(self).__name__} must say which service of Apprise it uses.")

    def _deliver(self, body: str, subject: Union[str, None]) -> Union[str, None]:
        """Send a notification, and tell what went wrong; None if nothing did."""
        deliver = partial(_deliver_by_apprise, self._service(), self.notify_type, body, subject)
        with unlogged():
            return deliver() if getattr(self, "allow_private_urls", True) else deliver_publicly(deliver)

    def _notify(self, body: str, subject: Union[str, None]) -> None:
        wrong = self._deliver(body, subject)
        if wrong is None:
            return
        if self._raise_on_failure:
            raise NotificationError(wrong)
        self.logger.error("A notification was not delivered by %s: %s", self.get_block_type_name(), wrong)

    def _notify_steps(self, body: str, subject: Union[str, None] = None) -> Steps[None]:
        """
        Send a notification. That it was not delivered is logged; within `raise_on_failure` it is an error.

        Args:
            body: The text.
            subject: The subject.

        Raises:
            prefect.blocks.abstract.NotificationError: It was not delivered, within `raise_on_failure`.
        """
        yield Run(partial(self._notify, body, subject))

    if TYPE_CHECKING:

        def notify(self, body: str, subject: Union[str, None] = None) -> None: ...  # type: ignore[override]
        async def anotify(self, body: str, subject: Union[str, None] = None) -> None: ...

    else:
        notify = dual(_notify_steps)
        anotify = asynchronous(notify)


def _deliver_by_apprise(
    service: Union[str, dict[str, Any]], notify_type: str, body: str, subject: Union[str, None]
) -> Union[str, None]:
    try:
        import apprise
    except ModuleNotFoundError as error:
        if error.name != "apprise":
            raise
        raise ModuleNotFoundError(
            "This notification is sent by the package 'apprise', which is not installed. "
            "Install it: pip install 'prefect-core[notifications]'",
            name="apprise",
        ) from None
    # On this thread, where it is seen what it connects to.
    asset = apprise.AppriseAsset(app_id=USER_AGENT, app_desc=USER_AGENT, http_redirects=False, async_mode=False)
    capture: Any = apprise.LogCapture
    with capture(level=logging.WARNING) as said:
        sender = apprise.Apprise(asset=asset)
        if not sender.add(service):
            return f"Apprise does not accept the service. {said.getvalue().strip()}".strip()
        delivered = sender.notify(body=body, title=subject or "", notify_type=notify_type)
        return None if delivered else said.getvalue().strip() or "Apprise gives no reason."


class AppriseNotificationBlock(AbstractAppriseNotificationBlock, ABC):
    """
    Notifies people by a URL of Apprise, such as `json://host/path`.

    Attributes:
        url: The URL.
        allow_private_urls: Whether it may lead to an address that is not in the public network. If not, it must be one of
            HTTP or HTTPS.
    """

    _documentation_url = DOCUMENTATION_URL

    url: SecretStr = Field(
        default=...,
        title="Webhook URL",
        description="The URL of the webhook.",
        examples=["https://hooks.slack.com/XXX"],
    )
    allow_private_urls: bool = Field(
        default=False, description="Whether it may lead to an address that is not in the public network."
    )

    def _service(self) -> str:
        return self.url.get_secret_value()

    def _notify(self, body: str, subject: Union[str, None]) -> None:
        if not self.allow_private_urls:
            require_public(self.url.get_secret_value())
        super()._notify(body, subject)
