"""E-mails and messages arrive at a server of this test."""

from __future__ import annotations

import json
import socket
from email import message_from_bytes

import anyio
import pytest
from aiosmtpd.controller import Controller
from prefect_email import EmailServerCredentials, email_send_message
from prefect_slack import SlackWebhook
from prefect_slack.messages import send_incoming_webhook_message

from prefect import flow
from prefect.blocks.core import Block


class Inbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def test_a_flow_sends_an_email(inbox):
    EmailServerCredentials(smtp_server="127.0.0.1", smtp_type="INSECURE", smtp_port=inbox.port).save("post")

    @flow
    async def report():
        server = await EmailServerCredentials.load("post")
        return await email_send_message(
            email_server_credentials=server,
            subject="Tulips",
            msg="All sold.",
            email_from="ada@example.org",
            email_to="grace@example.org",
        )

    anyio.run(report)
    [mail] = inbox.handler.mails
    assert mail.rcpt_tos == ["grace@example.org"]
    assert message_from_bytes(mail.content)["Subject"] == "Tulips"


def test_a_saved_webhook_notifies(http_service):
    SlackWebhook(url=f"http://127.0.0.1:{http_service.port}/hook").save("team")
    Block.load("slack-incoming-webhook/team").notify("Sold out", "Tulips")
    method, path, body = http_service.requests[-1]
    assert (method, path) == ("POST", "/hook")
    assert "Sold out" in json.loads(body)["text"]


async def sent(hook):
    @flow
    async def tell():
        return await send_incoming_webhook_message(slack_webhook=hook, text="Sold out")

    await tell()


def test_an_async_flow_sends_a_message(http_service):
    anyio.run(sent, SlackWebhook(url=f"http://127.0.0.1:{http_service.port}/hook"))
    assert json.loads(http_service.requests[-1][2])["text"] == "Sold out"
