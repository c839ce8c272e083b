"""Secrets are nowhere but where they belong: a canary is looked for in the whole database and in all that is written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from prefect import flow, get_client, get_run_logger, task
from prefect._contract.actions.settings import WorkPoolCreate
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from prefect.client.base import current_transport
from prefect.events import emit_event
from prefect.settings import get_current_settings
from prefect.testing.cli import CycloptsCliRunner
from prefect.types import SecretDict
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult

CANARY = "canary-7f3a91"


class Login(Block):
    """Who somebody is."""

    user: str
    password: SecretStr


class Store(Block):
    """Where something is."""

    login: Login
    options: SecretDict
    others: list[Login] = []
    by_name: dict[str, Login] = {}


def save_all() -> None:
    Secret(value=CANARY).save("text")
    Secret(value={"deep": [{"key": CANARY}]}).save("mapping")
    login = Login(user="me", password=CANARY)
    login.save("login")
    Store(login=login, options={"key": CANARY}).save("by-reference")
    unsaved = Login(user="me", password=CANARY)
    within = Store(login=unsaved, options={"key": {"deep": CANARY}}, others=[unsaved], by_name={"a": unsaved})
    within.save("within")
    within.save("within", overwrite=True)
    with pytest.raises(Exception) as refused:
        within.save("not/allowed")
    assert CANARY not in str(refused.value)
    url = f"https://127.0.0.1:9/{CANARY}"
    Webhook(url=url, headers={"Authorization": CANARY}).save("hook")
    SlackWebhook(url=url).save("slack")
    custom = {"url": "https://127.0.0.1:9/{{token}}", "secrets": {"token": CANARY}}
    CustomWebhookNotificationBlock(name="n", **custom).save("custom")


@task(tags=["limited"])
def show(block: Any) -> None:
    get_run_logger().info("block %s %r", block, block)
    print(block)
    create_markdown_artifact(f"{block} {block!r}", key="shown")
    create_table_artifact([{"block": str(block)}], key="table")
    emit_event("shown", {"prefect.resource.id": "r"}, payload={"block": str(block)})
    raise ValueError(f"The block {block!r} fails.")


@flow(log_prints=True)
def showing(block: Any) -> None:
    show(block, return_state=True)
    for name in ("slack-webhook/slack", "custom-webhook/custom"):
        notifier: Any = Block.load(name)
        try:
            notifier.notify("body")
        except Exception as error:
            get_run_logger().error("It fails: %s %r", error, error)


class Started(BaseWorkerResult):
    """What has been started."""


class KeepingWorker(BaseWorker[BaseJobConfiguration, None, Started]):
    """Keeps what it is to start something with."""

    type = "keeping-for-canaries"

    async def run(self, flow_run: Any, configuration: Any, task_status: Any = None) -> Started:
        self.kept = configuration.env
        task_status.started("here")
        raise RuntimeError("It cannot start.")


def holders() -> list[str]:
    """The files of the home that hold the canary, of which there is a database."""
    folder = Path(get_current_settings().home)
    files = [path for path in folder.rglob("*") if path.is_file() and "storage" not in path.relative_to(folder).parts]
    assert any(path.name == "prefect.db" for path in files)
    return [path.name for path in files if CANARY.encode() in content_of(path)]


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # SQLite puts its log away when the last connection is closed
        return b""


@pytest.mark.usefixtures("orchestrator")
def test_infrastructure_gets_secrets_and_says_nothing_of_them(home: Any, capfd: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, "prefect")
    caplog.set_level(logging.DEBUG, "prefect.workers")
    Secret(value=CANARY).save("text")
    client = get_client(sync_client=True)
    client.create_work_pool(WorkPoolCreate(name="pool", type=KeepingWorker.type))
    variables = {"env": {"TOKEN": "{{ prefect.blocks.secret.text }}"}}
    deployment = client.create_deployment(
        client.create_flow_from_name("f"), "d", work_pool_name="pool", job_variables=variables
    )
    run = client.create_flow_run_from_deployment(deployment, job_variables={"env": variables["env"]})
    worker = KeepingWorker("pool")
    anyio.run(worker.start, True, False, lambda *_: None)
    assert worker.kept["TOKEN"] == CANARY
    assert client.read_flow_run(run.id).state_name == "Crashed"
    client.read_events()
    current_transport().barrier(None)
    written = capfd.readouterr()
    assert "It cannot start" in caplog.text
    assert CANARY not in written.err + written.out + caplog.text
    assert holders() == []


@pytest.mark.usefixtures("orchestrator")
def test_the_canary_is_nowhere(home: Any, capfd: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, "prefect")
    save_all()
    get_client(sync_client=True).create_concurrency_limit("limited", 1)
    for name in ("secret/text", "secret/mapping", "login/login", "store/by-reference", "store/within", "webhook/hook"):
        block = Block.load(name)
        showing(block)
        with pytest.raises(Exception) as refused:  # what does not fit is told without what it was
            type(block).model_validate({**dict.fromkeys(type(block).model_fields, object()), "password": [CANARY]})
        assert CANARY not in str(refused.value)
    assert Secret.load("mapping").get() == {"deep": [{"key": CANARY}]}  # it is kept, though
    for command in (["block", "ls"], ["block", "inspect", "store/within"], ["block", "inspect", "secret/text"]):
        result = CycloptsCliRunner().invoke(command)
        assert result.exit_code == 0
        assert CANARY not in result.output
    told = get_client(sync_client=True).read_events()  # so that those are made, too, that were set aside
    assert {"prefect.task-run.Failed", "prefect.concurrency-limit.released"} <= {event.event for event in told.events}
    current_transport().barrier(None)
    written = capfd.readouterr()
    assert "The block" in caplog.text
    assert CANARY not in written.err + written.out + caplog.text
    assert any(b"The block" in path.read_bytes() for path in Path(get_current_settings().home).glob("prefect.db*"))
    assert holders() == []
