"""A block that calls a webhook."""

from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import Field, SecretStr
from typing_extensions import TypeAlias

from prefect.blocks.core import Block
from prefect.blocks.posting import require_public, unlogged
from prefect.types import SecretDict

if TYPE_CHECKING:
    from httpx import Response

__all__ = ["HTTP_METHODS", "Webhook"]

HTTP_METHODS: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_SECONDS = 5.0


class Webhook(Block):
    """
    Calls a webhook.

    Attributes:
        method: The verb of the request.
        url: Where the request goes.
        headers: Headers of the request.
        allow_private_urls: Whether the request may go to an address that is not in the public network.
        verify: Whether the certificate is checked.

    Examples:
        ```python
        from prefect.blocks.webhook import Webhook

        response = await Webhook.load("my-webhook").call(payload={"order": 1})
        ```
    """

    _block_type_name = "Webhook"
    _logo_url = "https://raw.githubusercontent.com/PrefectHQ/prefect/420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos/webhook.png"
    _documentation_url = "https://docs.prefect.io/latest/automate/events/webhook-triggers"

    method: HTTP_METHODS = Field(default="POST", description="The verb of the request; POST by default.")
    url: SecretStr = Field(
        default=...,
        title="Webhook URL",
        description="Where the request goes.",
        examples=["https://hooks.slack.com/XXX"],
    )
    headers: SecretDict = Field(
        default_factory=lambda: SecretDict({}), title="Webhook Headers", description="Headers of the request."
    )
    allow_private_urls: bool = Field(
        default=False, description="Whether the request may go to an address that is not in the public network."
    )
    verify: bool = Field(default=True, description="Whether the certificate is checked.")

    async def call(self, payload: Union[dict[str, Any], str, None] = None) -> "Response":
        """
        Call the webhook. Redirects are not followed.

        Args:
            payload: What to send: a mapping as JSON, or text as it is.

        Returns:
            The answer, whatever its status.

        Raises:
            ValueError: The URL leads to a private address, and may not.
        """
        from anyio.to_thread import run_sync
        from httpx import AsyncClient

        url = self.url.get_secret_value()
        options: dict[str, Any] = {"verify": self.verify}
        if not self.allow_private_urls:
            from prefect.utilities.urls import SSRFProtectedAsyncHTTPTransport

            await run_sync(require_public, url)
            options = {"transport": SSRFProtectedAsyncHTTPTransport(verify=self.verify)}
        content: dict[str, Any] = {"json": payload} if isinstance(payload, dict) else {"content": payload}
        async with AsyncClient(timeout=_SECONDS, **options) as client:
            with unlogged():
                return await client.request(self.method, url, headers=self.headers.get_secret_value(), **content)
