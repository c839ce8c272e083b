"""Blocks that notify people: chats, on-call services, mail, text messages, and webhooks of one's own."""

from typing import Any, ClassVar, Literal, Union

from pydantic import AnyHttpUrl, Field, SecretStr

from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.custom_webhook import CustomWebhookNotificationBlock
from prefect.blocks.notifying import (
    DOCUMENTATION_URL,
    LOGOS,
    PREFECT_NOTIFY_TYPE_DEFAULT,
    AbstractAppriseNotificationBlock,
    AppriseNotificationBlock,
)
from prefect.blocks.posting import post_json, require_public

__all__ = [
    "PREFECT_NOTIFY_TYPE_DEFAULT",
    "AbstractAppriseNotificationBlock",
    "AppriseNotificationBlock",
    "CustomWebhookNotificationBlock",
    "DiscordWebhook",
    "MattermostWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "SlackWebhook",
    "TwilioSMS",
]

_IMAGES = "https://github.com/caronc/apprise/raw/master/apprise/assets/themes/default/apprise-{}-72x72.png"
_COLOURS = {"info": "#3AA3E3", "success": "#3AA337", "warning": "#CACF29", "failure": "#A32037"}
_CARD_COLOURS = {"info": "accent", "success": "good", "warning": "warning", "failure": "attention"}

_WORKFLOW = (
    "https://prod-NO.LOCATION.logic.azure.com:443/workflows/WFID/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=SIGNATURE"
)


class SlackWebhook(AppriseNotificationBlock):
    """
    Notifies people in Slack, by a webhook of it.

    Examples:
        ```python
        from prefect.blocks.notifications import SlackWebhook

        SlackWebhook.load("my-channel").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Slack Webhook"
    _logo_url = f"{LOGOS}/slack.png"

    url: SecretStr = Field(
        default=...,
        title="Webhook URL",
        description="The URL of an incoming webhook of Slack.",
        examples=["https://hooks.slack.com/XXX"],
    )

    def _deliver(self, body: str, subject: Union[str, None]) -> Union[str, None]:
        attachment = {
            "color": _COLOURS[self.notify_type],
            "fallback": f"{subject}: {body}" if subject else body,
            "text": body,
            "mrkdwn_in": ["text"],
            **({"title": subject} if subject else {}),
        }
        url = self.url.get_secret_value()
        return post_json(url, {"attachments": [attachment]}, allow_private_urls=self.allow_private_urls)


class MicrosoftTeamsWebhook(AppriseNotificationBlock):
    """
    Notifies people in Microsoft Teams, by a workflow with a webhook.

    Examples:
        ```python
        from prefect.blocks.notifications import MicrosoftTeamsWebhook

        MicrosoftTeamsWebhook.load("my-channel").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Microsoft Teams Webhook"
    _block_type_slug = "ms-teams-webhook"
    _logo_url = f"{LOGOS}/microsoft-teams.png"

    url: SecretStr = Field(
        default=...,
        title="Webhook URL",
        description="The URL of a workflow that begins with a webhook.",
        examples=[_WORKFLOW],
    )
    include_image: bool = Field(default=True, description="Whether to show an image of what is notified.")
    wrap: bool = Field(default=True, description="Whether long lines are wrapped.")

    def _deliver(self, body: str, subject: Union[str, None]) -> Union[str, None]:
        parts: list[dict[str, Any]] = [{"type": "TextBlock", "text": body, "wrap": self.wrap}]
        if subject:
            colour = _CARD_COLOURS[self.notify_type]
            title = {"type": "TextBlock", "text": subject, "weight": "bolder", "size": "large", "color": colour}
            parts.insert(0, {**title, "wrap": self.wrap})
        if self.include_image:
            image = {"type": "Image", "url": _IMAGES.format(self.notify_type), "altText": self.notify_type}
            parts.insert(0, {**image, "size": "small"})
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "msteams": {"width": "full"},
            "body": parts,
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        content = {"type": "message", "attachments": [attachment]}
        return post_json(self.url.get_secret_value(), content, allow_private_urls=self.allow_private_urls)


class PagerDutyWebHook(AbstractAppriseNotificationBlock):
    """
    Notifies those who are on call, by PagerDuty.

    Examples:
        ```python
        from prefect.blocks.notifications import PagerDutyWebHook

        PagerDutyWebHook.load("on-call").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Pager Duty Webhook"
    _block_type_slug = "pager-duty-webhook"
    _logo_url = f"{LOGOS}/pagerduty.png"
    _documentation_url = DOCUMENTATION_URL

    integration_key: SecretStr = Field(
        default=..., description="The key of the integration, as its page in PagerDuty shows it."
    )
    api_key: SecretStr = Field(default=..., title="API Key", description="A key for the API of PagerDuty.")
    source: Union[str, None] = Field(default="Prefect", description="What the alert comes from.")
    component: str = Field(default="Notification", description="The part of it that is concerned.")
    group: Union[str, None] = Field(default=None, description="What the component belongs to.")
    class_id: Union[str, None] = Field(default=None, title="Class ID", description="What kind of alert it is.")
    region_name: Literal["us", "eu"] = Field(default="us", description="The region of the account.")
    clickable_url: Union[AnyHttpUrl, None] = Field(
        default=None, title="Clickable URL", description="A link to show with the alert."
    )
    include_image: bool = Field(default=True, description="Whether to show an image of what is notified.")
    custom_details: Union[dict[str, str], None] = Field(
        default=None, description="What else is to be told.", examples=['{"disk_space_left": "145GB"}']
    )

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "pagerduty",
            "apikey": self.api_key.get_secret_value(),
            "integrationkey": self.integration_key.get_secret_value(),
            "source": self.source,
            "component": self.component,
            "group": self.group,
            "class_id": self.class_id,
            "region_name": self.region_name,
            "click": str(self.clickable_url) if self.clickable_url is not None else None,
            "include_image": self.include_image,
            "details": self.custom_details,
        }


class TwilioSMS(AbstractAppriseNotificationBlock):
    """
    Notifies people by text messages, by Twilio.

    Examples:
        ```python
        from prefect.blocks.notifications import TwilioSMS

        TwilioSMS.load("my-phone").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Twilio SMS"
    _block_type_slug = "twilio-sms"
    _logo_url = f"{LOGOS}/twilio.png"
    _documentation_url = DOCUMENTATION_URL

    account_sid: str = Field(default=..., description="The SID of the Twilio account.")
    auth_token: SecretStr = Field(default=..., description="The token of the Twilio account.")
    from_phone_number: str = Field(
        default=..., description="The number that messages come from.", examples=["18001234567"]
    )
    to_phone_numbers: list[str] = Field(
        default=..., description="The numbers that messages go to.", examples=['["18004242424", "18004242425"]']
    )

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "twilio",
            "account_sid": self.account_sid,
            "auth_token": self.auth_token.get_secret_value(),
            "source": self.from_phone_number,
            "targets": self.to_phone_numbers,
        }


class OpsgenieWebhook(AbstractAppriseNotificationBlock):
    """
    Notifies those who are on call, by Opsgenie.

    Examples:
        ```python
        from prefect.blocks.notifications import OpsgenieWebhook

        OpsgenieWebhook.load("on-call").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Opsgenie Webhook"
    _block_type_slug = "opsgenie-webhook"
    _logo_url = f"{LOGOS}/opsgenie.png"
    _documentation_url = DOCUMENTATION_URL
    _SIGNS: ClassVar[dict[str, str]] = {
        "target_user": "@",
        "target_team": "#",
        "target_schedule": "*",
        "target_escalation": "^",
    }

    apikey: SecretStr = Field(default=..., title="API Key", description="A key for the API of Opsgenie.")
    target_user: Union[list[str], None] = Field(default=None, description="Users to notify.")
    target_team: Union[list[str], None] = Field(default=None, description="Teams to notify.")
    target_schedule: Union[list[str], None] = Field(default=None, description="Schedules to notify.")
    target_escalation: Union[list[str], None] = Field(default=None, description="Escalations to notify.")
    region_name: Literal["us", "eu"] = Field(default="us", description="The region of the account.")
    batch: bool = Field(default=False, description="Whether all targets are notified by one request.")
    tags: Union[list[str], None] = Field(default=None, description="Tags of the alert.", examples=['["tag1", "tag2"]'])
    priority: Union[int, None] = Field(default=3, description="The priority of the alert, from 1 (low) to 5.")
    alias: Union[str, None] = Field(default=None, description="What the alert is known by.")
    entity: Union[str, None] = Field(default=None, description="What the alert is about.")
    details: Union[dict[str, str], None] = Field(
        default=None, description="What else is to be told.", examples=['{"key1": "value1", "key2": "value2"}']
    )

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "opsgenie",
            "apikey": self.apikey.get_secret_value(),
            "targets": [f"{sign}{name}" for kind, sign in self._SIGNS.items() for name in getattr(self, kind) or ()],
            "region_name": self.region_name,
            "details": self.details,
            "priority": self.priority,
            "alias": self.alias,
            "entity": self.entity,
            "batch": self.batch,
            "tags": self.tags,
        }


class MattermostWebhook(AbstractAppriseNotificationBlock):
    """
    Notifies people in Mattermost, by a webhook of it.

    Examples:
        ```python
        from prefect.blocks.notifications import MattermostWebhook

        MattermostWebhook.load("my-channel").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Mattermost Webhook"
    _block_type_slug = "mattermost-webhook"
    _logo_url = f"{LOGOS}/mattermost.png"
    _documentation_url = DOCUMENTATION_URL

    hostname: str = Field(default=..., description="The host of Mattermost.", examples=["Mattermost.example.com"])
    secure: bool = Field(default=False, description="Whether it is spoken to by HTTPS.")
    token: SecretStr = Field(default=..., description="The token of the webhook.")
    botname: Union[str, None] = Field(default=None, title="Bot name", description="Who the message comes from.")
    channels: Union[list[str], None] = Field(
        default=None, description="The channels to write to; that of the webhook without."
    )
    include_image: bool = Field(default=False, description="Whether to show an image of what is notified.")
    path: Union[str, None] = Field(default=None, description="Where on its host Mattermost is, if not at the root.")
    port: int = Field(default=8065, description="The port of Mattermost.")
    allow_private_urls: bool = Field(
        default=False, description="Whether the host may be one that is not in the public network."
    )

    def _notify(self, body: str, subject: Union[str, None]) -> None:
        if not self.allow_private_urls:
            require_public(f"http{'s' if self.secure else ''}://{self.hostname}")
        super()._notify(body, subject)

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "mmosts" if self.secure else "mmost",
            "secure": self.secure,
            "host": self.hostname,
            "port": self.port,
            "fullpath": self.path,
            "token": self.token.get_secret_value(),
            "user": self.botname,
            "targets": self.channels,
            "include_image": self.include_image,
        }


class DiscordWebhook(AbstractAppriseNotificationBlock):
    """
    Notifies people in Discord, by a webhook of it.

    Examples:
        ```python
        from prefect.blocks.notifications import DiscordWebhook

        DiscordWebhook.load("my-channel").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Discord Webhook"
    _block_type_slug = "discord-webhook"
    _logo_url = f"{LOGOS}/discord.png"
    _documentation_url = DOCUMENTATION_URL

    webhook_id: SecretStr = Field(default=..., description="The first part of the webhook's URL after /webhooks/.")
    webhook_token: SecretStr = Field(default=..., description="The second part of it.")
    botname: Union[str, None] = Field(default=None, title="Bot name", description="Who the message comes from.")
    tts: bool = Field(default=False, description="Whether the message is read aloud.")
    include_image: bool = Field(default=False, description="Whether to show an image of what is notified.")
    avatar: bool = Field(default=False, description="Whether the sender has the image of Apprise.")
    avatar_url: Union[str, None] = Field(
        default=None, title="Avatar URL", description="The sender's image instead of the webhook's own."
    )

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "discord",
            "webhook_id": self.webhook_id.get_secret_value(),
            "webhook_token": self.webhook_token.get_secret_value(),
            "user": self.botname,
            "tts": self.tts,
            "include_image": self.include_image,
            "avatar": self.avatar,
            "avatar_url": self.avatar_url,
        }


class SendgridEmail(AbstractAppriseNotificationBlock):
    """
    Notifies people by mail, by Sendgrid.

    Examples:
        ```python
        from prefect.blocks.notifications import SendgridEmail

        SendgridEmail.load("my-team").notify("Hello from a flow!", subject="News")
        ```
    """

    _block_type_name = "Sendgrid Email"
    _block_type_slug = "sendgrid-email"
    _logo_url = f"{LOGOS}/email.png"
    _documentation_url = DOCUMENTATION_URL

    api_key: SecretStr = Field(default=..., title="API Key", description="A key for the API of Sendgrid.")
    sender_email: str = Field(
        default=...,
        title="Sender email id",
        description="The address that mails come from.",
        examples=["test-support@gmail.com"],
    )
    to_emails: list[str] = Field(
        default=...,
        title="Recipient emails",
        description="The addresses that mails go to.",
        examples=['["recipient1@gmail.com", "recipient2@gmail.com"]'],
    )

    def _service(self) -> dict[str, Any]:
        return {
            "schema": "sendgrid",
            "apikey": self.api_key.get_secret_value(),
            "from_email": self.sender_email,
            "targets": self.to_emails,
        }
