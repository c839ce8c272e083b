"""A block that notifies people by a webhook of one's own."""

from functools import partial
from typing import TYPE_CHECKING, Any, Union

from pydantic import Field

from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.notifying import DOCUMENTATION_URL, LOGOS
from prefect.blocks.posting import USER_AGENT, require_public, sync_client, unlogged
from prefect.blocks.webhook import HTTP_METHODS
from prefect.types import SecretDict
from prefect.utilities.dual import Run, Steps, asynchronous, dual

__all__ = ["CustomWebhookNotificationBlock"]


class CustomWebhookNotificationBlock(NotificationBlock):
    """
    Notifies whoever is behind a webhook of one's own.

    The URL, parameters, headers, cookies and data may have placeholders: `{{subject}}`, `{{body}}`, `{{name}}`, and the
    names of secrets.

    Attributes:
        name: The name of the webhook.
        url: Where the request goes.
        method: The verb of the request.
        params: Parameters in the URL.
        json_data: What is sent, as JSON.
        form_data: What is sent instead of it: fields of a form, or text as it is.
        headers: Headers of the request.
        cookies: Cookies of the request.
        timeout: How many seconds to wait for an answer.
        allow_private_urls: Whether the request may go to an address that is not in the public network.
        secrets: Values for placeholders that are kept secret.

    Examples:
        ```python
        from prefect.blocks.notifications import CustomWebhookNotificationBlock

        CustomWebhookNotificationBlock.load("my-webhook").notify("Hello from a flow!")
        ```
    """

    _block_type_name = "Custom Webhook"
    _logo_url = f"{LOGOS}/webhook.png"
    _documentation_url = DOCUMENTATION_URL

    name: str = Field(title="Name", description="The name of the webhook.")
    url: str = Field(
        title="Webhook URL", description="Where the request goes.", examples=["https://hooks.slack.com/XXX"]
    )
    method: HTTP_METHODS = Field(default="POST", description="The verb of the request; POST by default.")
    params: Union[dict[str, str], None] = Field(
        default=None, title="Query Params", description="Parameters in the URL."
    )
    json_data: Union[dict[str, Any], None] = Field(
        default=None,
        title="JSON Data",
        description="What is sent, as JSON.",
        examples=['{"text": "{{subject}}\\n{{body}}", "title": "{{name}}", "token": "{{tokenFromSecrets}}"}'],
    )
    form_data: Union[dict[str, str], str, None] = Field(
        default=None,
        title="Form Data",
        description="What is sent, as the fields of a form, or text as it is. Not with JSON Data.",
        examples=['{"text": "{{subject}}\\n{{body}}", "title": "{{name}}", "token": "{{tokenFromSecrets}}"}'],
    )
    headers: Union[dict[str, str], None] = Field(default=None, description="Headers of the request.")
    cookies: Union[dict[str, str], None] = Field(default=None, description="Cookies of the request.")
    timeout: float = Field(default=10, description="How many seconds to wait for an answer.")
    allow_private_urls: bool = Field(
        default=False, description="Whether the request may go to an address that is not in the public network."
    )
    secrets: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        title="Custom Secret Values",
        description="Values for placeholders that are kept secret.",
        examples=['{"tokenFromSecrets":"SomeSecretToken"}'],
    )

    def block_initialization(self) -> None:
        """
        Check that what is to be sent is clear.

        Raises:
            ValueError: There is both JSON and form data.
            KeyError: A placeholder has no value.
        """
        from prefect.utilities.templating import find_placeholders

        if self.form_data is not None and self.json_data is not None:
            raise ValueError("A webhook has both `Form Data` and `JSON Data` provided: give one of them.")
        known = {"name", "subject", "body", *self.secrets.get_secret_value()}
        for field, template in self._templates().items():
            for placeholder in find_placeholders(template):
                if placeholder.name not in known:
                    raise KeyError(
                        f"{field} has the placeholder {placeholder.full_match}, which stands for nothing. Give it a "
                        f"value among the secrets, or use one of: {', '.join(sorted(known))}."
                    )

    def _templates(self) -> dict[str, Any]:
        return {
            field: getattr(self, field)
            for field in ("url", "params", "json_data", "form_data", "headers", "cookies")
            if getattr(self, field) is not None
        }

    def _filled(self, body: str, subject: Union[str, None]) -> dict[str, Any]:
        from prefect.utilities.templating import apply_values

        own = {"name": self.name, "subject": subject or "", "body": body}
        filled: Any = apply_values(self._templates(), {**self.secrets.get_secret_value(), **own})
        return dict(filled)

    def _notify(self, body: str, subject: Union[str, None]) -> None:
        from httpx import HTTPStatusError

        filled = self._filled(body, subject)
        url, form = filled["url"], filled.get("form_data")
        if not self.allow_private_urls:
            require_public(url)
        content = {"content": form} if isinstance(form, str) else {"data": form, "json": filled.get("json_data")}
        client = sync_client(
            allow_private_urls=self.allow_private_urls,
            timeout=self.timeout,
            headers={"User-Agent": USER_AGENT, **filled.get("headers", {})},
            cookies=filled.get("cookies"),
        )
        with client, unlogged():
            response = client.request(self.method, url, params=filled.get("params"), **content)
        if not response.is_success:
            # The URL as it was given: what was filled in may be secret.
            message = f"{self.method} {self.url} was answered with status {response.status_code}."
            raise HTTPStatusError(message, request=response.request, response=response)

    def _notify_steps(self, body: str, subject: Union[str, None] = None) -> Steps[None]:
        """
        Call the webhook. Redirects are not followed.

        Args:
            body: The text.
            subject: The subject.

        Raises:
            httpx.HTTPStatusError: The answer has another status than 2xx.
            httpx.TransportError: There is no answer.
            ValueError: The URL leads to a private address, and may not.
        """
        yield Run(partial(self._notify, body, subject))

    if TYPE_CHECKING:

        def notify(self, body: str, subject: Union[str, None] = None) -> None: ...  # type: ignore[override]
        async def anotify(self, body: str, subject: Union[str, None] = None) -> None: ...

    else:
        notify = dual(_notify_steps)
        anotify = asynchronous(notify)
