"""`prefect transfer`, between two orchestrators that are profiles of one home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect import flow, get_client
from prefect._contract.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.client.base import current_transport
from prefect.events import EventTrigger
from prefect.events.actions import PauseAutomation, RunDeployment
from prefect.settings.context import reload_settings, use_profile
from prefect.variables import Variable


class TransferredInner(Block):
    """A block that holds one."""

    secret: Secret


class TransferredOuter(Block):
    """A block that holds a block that holds one."""

    inner: TransferredInner


@flow
def shipping(number: int = 1) -> int:
    return number


@pytest.fixture
def within(home: Path) -> Iterator[Callable[[str], AbstractContextManager[Any]]]:
    """Enters a profile: `old`, `new`, or `served`, which nobody serves."""
    home.mkdir()
    place = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
    lines = [f'[profiles.{name}]\n{place} = "sqlite:///{home / name}.db"\n' for name in ("old", "new")]
    lines.append('[profiles.served]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n')
    (home / "profiles.toml").write_text('active = "old"\n' + "\n".join(lines))
    reload_settings()
    opened = []

    @contextmanager
    def enter(name: str) -> Iterator[Any]:
        with use_profile(name, override_environment_variables=True):
            opened.append(current_transport())
            yield get_client(sync_client=True)

    yield enter
    for transport in opened:
        transport.close()


def fill(client: Any) -> None:
    Secret(value="hidden").save("key")
    TransferredInner(secret=Secret.load("key")).save("inner")
    TransferredOuter(inner=TransferredInner.load("inner")).save("outer")
    TransferredOuter(inner=TransferredInner(secret=Secret(value="within"))).save("whole")
    Variable.set("v", {"a": 1}, tags=["t"])
    client.create_concurrency_limit("tag", 5)
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="lim", limit=3))
    client.create_work_pool(WorkPoolCreate(name="pool", type="process", concurrency_limit=4))
    client.create_work_queue(name="queue", work_pool_name="pool")
    made = shipping.to_deployment("d", interval=3600, concurrency_limit=2, parameters={"number": 7})
    made.work_pool_name, made.work_queue_name, made.entrypoint = "pool", "queue", "flows.py:shipping"
    deployment_id = made.apply()
    trigger = EventTrigger(expect={"x"}, match={"prefect.resource.id": f"prefect.deployment.{deployment_id}"})
    runs = Automation(name="runs", trigger=trigger, actions=[RunDeployment(deployment_id=deployment_id)]).create()
    pauses = [PauseAutomation(automation_id=runs.id)]
    Automation(name="a pauses", trigger=EventTrigger(expect={"y"}), actions=pauses).create()


def test_all_is_there_afterwards_and_says_the_same_of_each_other(cli: Any, within: Any) -> None:
    with within("old") as client:
        fill(client)
    output = cli("transfer", "--from", "old", "--to", "new").stdout
    assert "0 failed." in output
    with within("new") as client:
        assert TransferredOuter.load("outer").inner.secret.get() == "hidden"
        assert TransferredOuter.load("whole").inner.secret.get() == "within"
        assert (Variable.get("v"), client.read_concurrency_limit_by_tag("tag").concurrency_limit) == ({"a": 1}, 5)
        assert client.read_global_concurrency_limit_by_name("lim").limit == 3
        assert client.read_work_pool("pool").concurrency_limit == 4
        deployment = client.read_deployment_by_name("shipping/d")
        assert (deployment.work_pool_name, deployment.work_queue_name) == ("pool", "queue")
        assert (deployment.parameters, deployment.global_concurrency_limit.limit) == ({"number": 7}, 2)
        assert [each.schedule.interval for each in deployment.schedules] == [timedelta(hours=1)]
        runs, pauses = Automation.read(name="runs"), Automation.read(name="a pauses")
        assert runs.actions[0].deployment_id == deployment.id
        assert runs.trigger.match.root == {"prefect.resource.id": f"prefect.deployment.{deployment.id}"}
        assert pauses.actions[0].automation_id == runs.id
        Secret(value="new").save("key", overwrite=True)
        assert TransferredOuter.load("outer").inner.secret.get() == "new"


def test_it_is_told_in_the_target(cli: Any, within: Any) -> None:
    with within("old"):
        Variable.set("v", 1)
        Variable.set("w", 1)
    with within("new"):
        Variable.set("w", 2)
    output = cli("transfer", "--from", "old", "--to", "new").stdout
    assert "1 transferred, 1 skipped, 0 failed." in output
    with within("new") as client:
        assert (Variable.get("v"), Variable.get("w")) == (1, 2)
        told = {each.event: each for each in client.read_events().events if "transfer" in each.event}
    started, completed = (told[f"prefect.workspace.transfer.{name}"] for name in ("started", "completed"))
    assert started.resource == completed.resource
    assert started.resource["prefect.resource.name"] == "old -> new transfer"
    counts = {name: completed.payload[name] for name in ("total_resources", "succeeded", "skipped", "failed")}
    assert counts == {"total_resources": 2, "succeeded": 1, "skipped": 1, "failed": 0}


def test_what_depends_on_what_could_not_be_made_is_said_to_have_failed(cli: Any, within: Any) -> None:
    with within("old"):
        automation = Automation(name="self", trigger=EventTrigger(expect={"x"}), actions=[]).create()
        other = Automation(
            name="other", trigger=EventTrigger(expect={"x"}), actions=[PauseAutomation(automation_id=automation.id)]
        ).create()
        automation.actions = [PauseAutomation(automation_id=other.id)]
        automation.update()
    output = cli("transfer", "--from", "old", "--to", "new", code=1).stdout
    assert "It refers to what is not in the target: automation/other." in output
    assert "2 failed." in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "old", "--to", "old"), "mean the same orchestrator"),
        (("--from", "nobody", "--to", "new"), "Profile 'nobody' not found. Profiles: "),
        (("--from", "old", "--to", "served"), "127.0.0.1:9"),
    ],
)
def test_what_is_wrong_is_said(cli: Any, within: Any, options: tuple[str, ...], message: str) -> None:
    with within("old"):
        Variable.set("v", 1)
    assert message in cli.error("transfer", *options)


def test_nothing_is_nothing(cli: Any, within: Any) -> None:
    assert "There is nothing to transfer" in cli("transfer", "--from", "old", "--to", "new").stdout
