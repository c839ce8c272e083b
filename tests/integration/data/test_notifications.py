"""Notifications and webhooks, by real requests to a server of the test."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import apprise
import httpx
import pytest

from prefect.blocks import notifications
from prefect.blocks.abstract import NotificationError
from prefect.blocks.core import Block
from prefect.blocks.notifications import (
    AppriseNotificationBlock,
    CustomWebhookNotificationBlock,
    DiscordWebhook,
    MattermostWebhook,
    MicrosoftTeamsWebhook,
    OpsgenieWebhook,
    PagerDutyWebHook,
    SendgridEmail,
    SlackWebhook,
    TwilioSMS,
)
from prefect.blocks.webhook import Webhook


class Receiver:
    """Receives requests, and answers as it is told to."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status = 200
        self.answer = b"fine"
        self.wait: Callable[[], Any] = lambda: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def receive(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                receiver.wait()
                receiver.requests.append(
                    {"verb": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body}
                )
                self.send_response(receiver.status)
                if receiver.status in {301, 302, 307, 308}:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()
                self.wfile.write(receiver.answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = receive

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def last(self) -> dict[str, Any]:
        return self.requests[-1]

    @property
    def content(self) -> Any:
        return json.loads(self.last["body"])

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def raising(block: Any, *args: Any) -> None:
    with block.raise_on_failure():
        block.notify(*args)


BY_URL = [SlackWebhook, MicrosoftTeamsWebhook]


class TestSlack:
    def test_a_message_is_posted(self, receiver):
        SlackWebhook(url=f"{receiver.url}/services/T/B/secret", allow_private_urls=True, notify_type="failure").notify(
            "It *broke*.", "News"
        )
        assert (receiver.last["verb"], receiver.last["path"]) == ("POST", "/services/T/B/secret")
        assert receiver.last["headers"]["User-Agent"] == "Prefect Notifications"
        (attachment,) = receiver.content["attachments"]
        assert (attachment["title"], attachment["text"], attachment["color"]) == ("News", "It *broke*.", "#A32037")

    def test_without_a_subject(self, receiver):
        SlackWebhook(url=receiver.url, allow_private_urls=True).notify("body")
        (attachment,) = receiver.content["attachments"]
        assert (attachment["text"], attachment["fallback"]) == ("body", "body")
        assert "title" not in attachment


class TestTeams:
    def test_a_card_is_posted(self, receiver):
        url = f"{receiver.url}/workflows/WF/triggers/manual/paths/invoke?api-version=2016-06-01&sig=secret"
        MicrosoftTeamsWebhook(url=url, allow_private_urls=True, notify_type="success").notify("body", "subject")
        assert receiver.last["path"].endswith("?api-version=2016-06-01&sig=secret")
        (attachment,) = receiver.content["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        image, subject, body = attachment["content"]["body"]
        assert image["url"].endswith("apprise-success-72x72.png")
        assert (subject["text"], subject["color"]) == ("subject", "good")
        assert (body["text"], body["wrap"]) == ("body", True)

    def test_what_is_shown_can_be_less(self, receiver):
        MicrosoftTeamsWebhook(url=receiver.url, allow_private_urls=True, include_image=False, wrap=False).notify("body")
        (part,) = receiver.content["attachments"][0]["content"]["body"]
        assert (part["text"], part["wrap"]) == ("body", False)


class TestDelivery:
    @pytest.mark.parametrize("kind", BY_URL)
    def test_what_is_not_delivered_is_logged_or_an_error(self, receiver, kind, caplog):
        receiver.status, receiver.answer = 404, b"no_team"
        block = kind(url=f"{receiver.url}/secret", allow_private_urls=True)
        with caplog.at_level(logging.ERROR, logger="prefect"):
            block.notify("body")
        assert "was not delivered by" in caplog.text
        assert "status 404: no_team" in caplog.text
        with pytest.raises(NotificationError, match="status 404: no_team") as raised:
            raising(block, "body")
        assert "secret" not in str(raised.value)
        assert "secret" not in caplog.text
        block.notify("body")  # outside of it, it is logged again
        assert len(receiver.requests) == 3

    @pytest.mark.parametrize("kind", BY_URL)
    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://127.0.0.1:9/secret", "127.0.0.1 was not reached"),
            ("ftp://127.0.0.1/secret", "begins neither with http:// nor with https://"),
            ("http://[/secret", "was not reached"),
        ],
    )
    def test_what_cannot_be_reached_is_an_error_that_tells_no_secrets(self, kind, url, reason):
        with pytest.raises(NotificationError, match=reason) as raised:
            raising(kind(url=url, allow_private_urls=True), "body")
        assert "/secret" not in str(raised.value)

    @pytest.mark.parametrize("kind", BY_URL)
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirects_are_not_followed(self, receiver, kind, status):
        receiver.status = status
        with pytest.raises(NotificationError, match=f"status {status}"):
            raising(kind(url=receiver.url, allow_private_urls=True), "body")
        assert len(receiver.requests) == 1

    @pytest.mark.parametrize("kind", BY_URL)
    def test_private_addresses_are_refused(self, receiver, kind):
        block = kind(url=f"{receiver.url}/secret")
        with pytest.raises(ValueError, match=r"private address 127\.0\.0\.1\. .* allow_private_urls=True") as raised:
            block.notify("body")
        assert "secret" not in str(raised.value)
        assert receiver.requests == []

    def test_what_is_no_url_is_refused(self):
        with pytest.raises(ValueError, match=r"^The URL is not valid: Invalid IPv6 URL\.$"):
            SlackWebhook(url="http://[/secret", allow_private_urls=False).notify("body")

    @pytest.mark.parametrize("how", ["anotify", "notify"])
    def test_from_async_code(self, receiver, how):
        async def act() -> None:
            await getattr(SlackWebhook(url=receiver.url, allow_private_urls=True), how)("body")

        asyncio.run(act())
        assert len(receiver.requests) == 1


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # some of its services use it
class TestApprise:
    def test_a_url_of_apprise(self, receiver):
        AppriseNotificationBlock(
            url=f"json://127.0.0.1:{receiver.port}/p", allow_private_urls=True, notify_type="warning"
        ).notify("body", "s")
        assert {name: receiver.content[name] for name in ("title", "message", "type")} == {
            "title": "s",
            "message": "body",
            "type": "warning",
        }
        assert receiver.last["headers"]["User-Agent"] == "Prefect Notifications"

    def test_its_url_is_in_no_log(self, receiver, caplog):
        caplog.set_level("DEBUG")
        url = f"json://127.0.0.1:{receiver.port}/canary"
        AppriseNotificationBlock(url=url, allow_private_urls=True).notify("body")
        assert receiver.last["path"] == "/canary"
        assert "canary" not in caplog.text

    def test_one_that_may_not_be_private_must_be_of_http(self, receiver):
        for url in (f"json://127.0.0.1:{receiver.port}/p", f"{receiver.url}/p"):
            with pytest.raises(ValueError, match=r"Only HTTP and HTTPS|private address"):
                AppriseNotificationBlock(url=url).notify("body")
        assert receiver.requests == []

    @pytest.mark.parametrize("status", [302, 500])
    def test_redirects_are_not_followed_and_failures_are_told(self, receiver, status):
        receiver.status = status
        with pytest.raises(NotificationError, match=str(status)):
            raising(
                AppriseNotificationBlock(url=f"json://127.0.0.1:{receiver.port}/p", allow_private_urls=True), "body"
            )
        assert len(receiver.requests) == 1

    def test_what_is_no_service_is_an_error(self):
        with pytest.raises(NotificationError, match="Apprise does not accept the service"):
            raising(AppriseNotificationBlock(url="nonsense", allow_private_urls=True), "body")

    def test_mattermost(self, receiver):
        where = {"hostname": "127.0.0.1", "port": receiver.port, "token": "a" * 26}
        MattermostWebhook(**where, allow_private_urls=True, botname="bot", channels=["c1", "c2"], path="/chat").notify(
            "body", "subject"
        )
        assert [json.loads(each["body"])["channel"] for each in receiver.requests] == ["c1", "c2"]
        assert {each["path"] for each in receiver.requests} == {f"/chat/hooks/{'a' * 26}"}
        assert receiver.content["username"] == "bot"
        assert "subject" in receiver.content["text"]
        assert "body" in receiver.content["text"]

    def test_mattermost_on_a_private_host_is_refused(self, receiver):
        with pytest.raises(ValueError, match="private address"):
            MattermostWebhook(hostname="127.0.0.1", port=receiver.port, token="a" * 26).notify("body")
        assert receiver.requests == []

    def test_mattermost_on_a_host_that_becomes_private_is_refused(self, receiver, monkeypatch):
        resolve, answers = socket.getaddrinfo, ["8.8.8.8", "127.0.0.1"]

        def rebinding(host, *arguments, **options):
            if host != "chat.example":
                return resolve(host, *arguments, **options)
            return resolve(answers.pop(0) if len(answers) > 1 else answers[0], *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        block = MattermostWebhook(hostname="chat.example", port=receiver.port, token="a" * 26)
        with pytest.raises(ValueError, match=r"private address 127\.0\.0\.1\. .* allow_private_urls=True"):
            block.notify("body")
        assert receiver.requests == []
        MattermostWebhook(hostname="chat.example", port=receiver.port, token="a" * 26, allow_private_urls=True).notify(
            "body"
        )
        assert len(receiver.requests) == 1

    @pytest.mark.parametrize(
        ("block", "expected"),
        [
            (
                PagerDutyWebHook(
                    integration_key="i" * 20,
                    api_key="k" * 20,
                    group="g",
                    class_id="c",
                    region_name="eu",
                    clickable_url="https://example.com/x",
                    custom_details={"disk": "full"},
                ),
                ["pagerduty://", "i" * 20, "k" * 20, "Prefect", "Notification", "region=eu", "%2Bdisk=full", "group=g"],
            ),
            (
                TwilioSMS(
                    account_sid=f"AC{'a' * 32}",
                    auth_token="b" * 32,
                    from_phone_number="18001234567",
                    to_phone_numbers=["18004242424", "18004242425"],
                ),
                ["twilio://", "b" * 32, "18001234567", "18004242424", "18004242425"],
            ),
            (
                OpsgenieWebhook(
                    apikey="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
                    target_user=["u"],
                    target_team=["t"],
                    target_schedule=["s"],
                    target_escalation=["e"],
                    region_name="eu",
                    priority=5,
                    alias="a",
                    entity="y",
                    tags=["x"],
                    details={"k": "v"},
                ),
                ["opsgenie://", "region=eu", "priority=emergency", "alias=a", "entity=y", "tags=x", "%2Bk=v"],
            ),
            (
                DiscordWebhook(webhook_id="1" * 18, webhook_token="t" * 68, botname="bot", tts=True),
                ["discord://", "bot@", "1" * 18, "t" * 68, "tts=yes"],
            ),
            (
                SendgridEmail(api_key="SG.key", sender_email="me@example.com", to_emails=["you@example.com"]),
                ["sendgrid://", "me@example.com", "you"],
            ),
        ],
    )
    def test_other_services_are_what_apprise_understands(self, block, expected):
        service: Any = apprise.Apprise.instantiate(block._service(), suppress_exceptions=False)
        url = service.url(privacy=False)
        assert [part for part in expected if part not in url] == []

    def test_opsgenie_has_targets_of_four_kinds(self):
        block = OpsgenieWebhook(apikey="k", target_user=["u"], target_team=["t", "t2"], target_schedule=["s"])
        assert block._service()["targets"] == ["@u", "#t", "#t2", "*s"]

    def test_without_apprise_it_is_said_what_to_install(self):
        script = (
            "import sys\nsys.modules['apprise'] = None\n"
            "from prefect.blocks.notifications import DiscordWebhook\n"
            "DiscordWebhook(webhook_id='a', webhook_token='b').notify('body')"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "ModuleNotFoundError" in done.stderr
        assert "pip install 'prefect-core[notifications]'" in done.stderr

    def test_apprise_and_httpx_are_loaded_with_the_first_notification(self):
        script = "import sys, prefect.blocks.notifications; print({'apprise', 'requests', 'httpx'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"


class TestCustomWebhooks:
    def make(self, receiver: Receiver, path: str = "/c", **fields: Any) -> CustomWebhookNotificationBlock:
        fields = {"allow_private_urls": True, **fields}
        return CustomWebhookNotificationBlock(name="mine", url=f"{receiver.url}{path}", **fields)

    def test_placeholders_are_filled_everywhere(self, receiver):
        self.make(
            receiver,
            "/{{token}}",
            json_data={"text": "{{subject}}: {{body}}", "of": ["{{name}}"], "deep": {"token": "{{ token }}"}},
            secrets={"token": "t0k"},
            headers={"X-Token": "{{token}}"},
            params={"q": "{{token}}"},
            cookies={"c": "{{body}}"},
        ).notify("body", "subject")
        assert (receiver.last["verb"], receiver.last["path"]) == ("POST", "/t0k?q=t0k")
        assert receiver.content == {"text": "subject: body", "of": ["mine"], "deep": {"token": "t0k"}}
        headers = receiver.last["headers"]
        assert (headers["X-Token"], headers["Cookie"]) == ("t0k", "c=body")
        assert headers["User-Agent"] == "Prefect Notifications"

    @pytest.mark.parametrize(
        ("data", "sent", "kind"),
        [
            ({"form_data": {"text": "{{body}} & more"}}, "text=body+%26+more", "application/x-www-form-urlencoded"),
            ({"form_data": "raw {{body}}|{{subject}}"}, "raw body|", None),
            ({"json_data": {"s": "{{subject}}"}}, '{"s":""}', "application/json"),
            ({}, "", None),
        ],
    )
    def test_what_is_sent(self, receiver, data, sent, kind):
        self.make(receiver, method="PUT", **data).notify("body")
        assert receiver.last["body"].replace(": ", ":") == sent
        assert (receiver.last["verb"], receiver.last["headers"].get("Content-Type")) == ("PUT", kind)

    def test_what_is_not_clear_is_refused(self, receiver):
        with pytest.raises(ValueError, match="both `Form Data` and `JSON Data`"):
            self.make(receiver, form_data={"a": "b"}, json_data={"a": "b"})
        for field in ("json_data", "form_data", "headers", "params", "cookies"):
            with pytest.raises(KeyError, match=rf"{field} has the placeholder {{{{nothing}}}}.*body, name, subject, x"):
                self.make(receiver, secrets={"x": "y"}, **{field: {"a": "{{nothing}}"}})
        with pytest.raises(KeyError, match="url has the placeholder"):
            self.make(receiver, "/{{nothing}}")

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_another_status_is_an_error_that_tells_no_secrets(self, receiver, status):
        receiver.status = status
        block = self.make(receiver, "/{{token}}", secrets={"token": "t0k"})
        with pytest.raises(httpx.HTTPStatusError, match=f"was answered with status {status}") as raised:
            block.notify("body")
        assert raised.value.response.status_code == status
        assert "t0k" not in str(raised.value)
        assert len(receiver.requests) == 1

    def test_private_addresses_are_refused(self, receiver):
        url = f"{receiver.url}/{{{{token}}}}"
        block = CustomWebhookNotificationBlock(name="mine", url=url, secrets={"token": "t0k"})
        with pytest.raises(ValueError, match="private address") as raised:
            block.notify("body")
        assert "t0k" not in str(raised.value)
        assert receiver.requests == []

    def test_it_does_not_wait_for_ever(self):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(httpx.ReadTimeout):
                CustomWebhookNotificationBlock(name="mine", url=url, timeout=0.2, allow_private_urls=True).notify(
                    "body"
                )


class TestWebhooks:
    def call(self, receiver: Receiver, *args: Any, **fields: Any) -> httpx.Response:
        fields = {"allow_private_urls": True, **fields}
        return asyncio.run(Webhook(url=f"{receiver.url}/w", **fields).call(*args))

    @pytest.mark.parametrize(
        ("payload", "sent", "kind"),
        [
            ({"a": 1}, '{"a":1}', "application/json"),
            ("text", "text", None),
            (None, "", None),
            ({}, "{}", "application/json"),
        ],
    )
    def test_payloads(self, receiver, payload, sent, kind):
        response = self.call(receiver, payload, method="PATCH", headers={"X-A": "b"})
        assert (response.status_code, response.text) == (200, "fine")
        assert (receiver.last["verb"], receiver.last["body"]) == ("PATCH", sent)
        assert (receiver.last["headers"].get("Content-Type"), receiver.last["headers"]["X-A"]) == (kind, "b")

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_the_answer_is_given_whatever_its_status(self, receiver, status):
        receiver.status = status
        assert self.call(receiver).status_code == status
        assert len(receiver.requests) == 1

    def test_private_addresses_may_be_refused(self, receiver):
        with pytest.raises(ValueError, match="private address"):
            self.call(receiver, allow_private_urls=False)
        assert receiver.requests == []


class TestStoring:
    @pytest.mark.parametrize(
        "block",
        [
            SlackWebhook(url="https://canary.example/"),
            Webhook(url="https://canary.example/", headers={"X-A": "canary"}),
            CustomWebhookNotificationBlock(name="n", url="https://x.example/", secrets={"a": "canary"}),
            DiscordWebhook(webhook_id="canary1", webhook_token="canary2"),
        ],
        ids=lambda block: block.get_block_type_slug(),
    )
    def test_they_are_loaded_as_they_were_saved(self, block):
        block.save("mine", overwrite=True)
        loaded = type(block).load("mine")
        assert type(loaded) is type(block)
        for name in type(block).model_fields:
            assert getattr(loaded, name) == getattr(block, name)
        assert "canary" not in repr(loaded)
        assert "canary" not in loaded.model_dump_json()

    def test_types_are_known_by_their_slugs(self):
        for name in notifications.__all__:
            kind = getattr(notifications, name)
            if (
                isinstance(kind, type)
                and "Abstract" not in name
                and name not in {"NotificationBlock", "AppriseNotificationBlock"}
            ):
                assert Block.get_block_class_from_key(kind.get_block_type_slug()) is kind
                assert "notify" in kind.get_block_capabilities()
        assert Block.get_block_class_from_key("webhook") is Webhook
