"""`prefect variable`, `artifact` and `block`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from prefect._contract.actions.runs import ArtifactCreate
from prefect._contract.endpoints.artifacts import create_artifact
from prefect.client.base import current_transport


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "value"), [("3", 3), ("three", "three"), ('{"a": [1]}', {"a": [1]}), ('"3"', "3"), ("null", None)]
    )
    def test_values_are_json_or_text(self, cli, text, value):
        cli("variable", "set", "answer", text)
        assert cli.json("variable", "inspect", "answer")["value"] == value

    def test_get_prints_the_value_and_nothing_else(self, cli):
        cli("variable", "set", "answer", '{"a": 1}')
        assert cli("variable", "get", "answer").stdout == '{"a": 1}\n'
        cli("variable", "set", "answer", "plain text", "--overwrite")
        assert cli("variable", "get", "answer").stdout == "plain text\n"

    def test_they_are_not_overwritten_by_accident(self, cli):
        cli("variable", "set", "answer", "1", "--tag", "a", "--tag", "b")
        assert "already exists. Use --overwrite" in cli.error("variable", "set", "answer", "2")
        cli("variable", "set", "answer", "2", "--overwrite")
        found = cli.json("variable", "inspect", "answer")
        assert (found["value"], found["tags"]) == (2, ["a", "b"])

    @pytest.mark.parametrize("command", ["unset", "delete"])
    def test_they_are_deleted(self, cli, command):
        cli("variable", "set", "answer", "1")
        cli("--prompt", "variable", command, "answer", input="n\n", code=1)
        assert len(cli.json("variable", "ls")) == 1
        assert cli("variable", command, "answer").stdout == "Unset variable 'answer'.\n"
        assert cli.json("variable", "ls") == []

    def test_lists(self, cli):
        for name in ("b", "a", "c"):
            cli("variable", "set", name, "1")
        assert [each["name"] for each in cli.json("variable", "ls")] == ["a", "b", "c"]
        assert len(cli.json("variable", "ls", "--limit", "2")) == 2
        assert cli("variable", "ls").stdout.splitlines()[2].split()[:2] == ["a", "1"]

    def test_what_is_wrong_is_said(self, cli):
        for command in ("get", "inspect", "unset", "delete"):
            assert cli.error("variable", command, "nothing").startswith("Variable 'nothing' not found.")
        assert "Variable 'Not A Name' cannot be set" in cli.error("variable", "set", "Not A Name", "1")


class TestArtifacts:
    @pytest.fixture
    def report(self):
        def create(key="report", data="text", type="markdown"):
            return current_transport().send(create_artifact(ArtifactCreate(key=key, type=type, data=data)))

        return create

    def test_the_latest_of_each_key_is_listed(self, cli, report):
        report()
        latest, other = report(), report("other")
        listed = cli.json("artifact", "ls")
        assert {each["latest_id"] for each in listed} == {str(latest.id), str(other.id)}
        assert len(cli.json("artifact", "ls", "--all")) == 3
        assert str(latest.id) in cli("artifact", "ls").stdout
        assert len(cli.json("artifact", "ls", "--limit", "1")) == 1

    def test_those_of_a_key_are_shown(self, cli, report):
        report(data="first")
        report(data='[{"name": "Acme Corp", "id": 1}, {"name": "TechStart", "id": 2}]', type="table")
        assert [each["type"] for each in cli.json("artifact", "inspect", "report")] == ["table", "markdown"]
        shown = cli("artifact", "inspect", "report").stdout
        assert '{"name": "Acme Corp", "id": 1}\n' in shown
        assert "first" in shown
        assert "first" not in cli("artifact", "inspect", "report", "--limit", "1").stdout

    def test_they_are_deleted_by_key_or_id(self, cli, report):
        first, _ = report(), report()
        cli("artifact", "delete", "--id", str(first.id))
        assert len(cli.json("artifact", "ls", "--all")) == 1
        assert "Deleted" in cli("artifact", "delete", "report", "--no-prompt").stdout
        assert cli.json("artifact", "ls", "--all") == []

    def test_what_is_wrong_is_said(self, cli):
        assert "Artifact 'nothing' not found." in cli.error("artifact", "inspect", "nothing")
        assert "Artifact with key 'nothing' not found." in cli.error("artifact", "delete", "nothing")
        unknown = str(uuid4())
        assert f"Artifact '{unknown}' not found." in cli.error("artifact", "delete", "--id", unknown)
        assert "Give either a key or --id." in cli.error("artifact", "delete", code=2)
        assert "Give either a key or --id." in cli.error("artifact", "delete", "x", "--id", unknown, code=2)


class TestBlocks:
    @pytest.fixture
    def secret(self):
        from prefect.blocks.system import Secret

        Secret(value="not-to-be-seen").save("api-key")

    def test_they_are_listed_and_shown_without_their_secrets(self, cli, secret):
        (listed,) = cli.json("block", "ls")
        assert listed["name"] == "api-key"
        for command in (["ls"], ["ls", "-o", "json"], ["inspect", "secret/api-key"], ["inspect", "--id", listed["id"]]):
            shown = cli("blocks", *command).stdout
            assert "api-key" in shown
            assert "not-to-be-seen" not in shown

    def test_they_are_deleted(self, cli, secret):
        cli("--prompt", "block", "delete", "secret/api-key", input="n\n", code=1)
        cli("block", "delete", "secret/api-key")
        assert cli.json("block", "ls") == []

    def test_types(self, cli, secret):
        lines = {line.split()[0]: line.split()[-1] for line in cli("block", "type", "ls").stdout.splitlines()[2:]}
        assert lines["secret"] == "registered"
        assert lines["local-file-system"] == "installed"
        assert [each["slug"] for each in cli.json("block", "types", "ls")] == ["secret"]
        assert "value" in cli("block", "type", "inspect", "secret").stdout
        assert cli.json("block", "type", "inspect", "secret")["block_schemas"]

    def test_of_a_type_that_is_not_registered_it_is_said_how_to_get_it(self, cli):
        for slug, remedy in (
            ("slack-webhook", "prefect block register -m prefect.blocks.notifications"),
            ("snowflake-connector", "It is part of prefect-snowflake: pip install prefect-snowflake"),
            ("nothing", "See: prefect block type ls"),
        ):
            assert remedy in cli.error("block", "type", "inspect", slug)

    def test_types_are_registered_and_deleted(self, cli, script):
        script("from prefect.blocks.core import Block\nclass Coffee(Block):\n    strength: int = 1\n", "coffee.py")
        assert "coffee  Coffee" in cli("block", "register", "--file", "coffee.py").stdout
        assert [each["slug"] for each in cli.json("block", "type", "ls")] == ["coffee"]
        cli("--prompt", "block", "type", "delete", "coffee", input="n\n", code=1)
        cli("block", "type", "delete", "coffee")
        assert cli.json("block", "type", "ls") == []

    def test_types_of_a_module_are_registered(self, cli):
        assert "Successfully registered" in cli("block", "register", "-m", "prefect.blocks.system").stdout
        assert [each["slug"] for each in cli.json("block", "type", "ls")] == ["secret"]

    def test_those_that_notify_are_registered(self, cli):
        said = cli("block", "register", "-m", "prefect.blocks.notifications").stdout.splitlines()
        assert said[0] == "Successfully registered 9 blocks:"
        slugs = [line.split()[0] for line in said[1:]]
        assert slugs == [
            "custom-webhook",
            "discord-webhook",
            "mattermost-webhook",
            "ms-teams-webhook",
            "opsgenie-webhook",
            "pager-duty-webhook",
            "sendgrid-email",
            "slack-webhook",
            "twilio-sms",
        ]
        assert sorted(each["slug"] for each in cli.json("block", "type", "ls")) == slugs

    def test_fields_are_those_of_the_type(self, cli):
        for module in ("notifications", "system", "webhook"):
            cli("block", "register", "-m", f"prefect.blocks.{module}")
        (schema,) = cli.json("block", "type", "inspect", "slack-webhook")["block_schemas"]
        assert "url" in schema["fields"]["properties"]

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            (["inspect", "secret/nothing"], "Block 'secret/nothing' not found!"),
            (["inspect", "nothing"], "'nothing' does not name a block"),
            (["delete", "secret/nothing"], "Block 'secret/nothing' not found!"),
            (["type", "inspect", "nothing"], "Block type 'nothing' not found!"),
            (["type", "delete", "nothing"], "Block type 'nothing' not found!"),
            (["register", "-m", "no.such.module"], "There is no module 'no.such.module' here."),
            (["register", "-m", "json"], "There are no types of blocks in json"),
            (["register", "-f", "nowhere.py"], "'nowhere.py' is not a Python file"),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, command, message):
        assert message in cli.error("block", *command)
        assert "Give either --module or --file." in cli.error("block", "register", code=2)


ESPRESSO = """
from prefect.blocks.core import Block
from pydantic import SecretStr
class Espresso(Block):
    strength: int
    pin: SecretStr
    name_of_bean: str = "arabica"
"""


class TestCreatingBlocks:
    def test_fields_are_given(self, cli):
        from prefect.blocks.notifications import SlackWebhook

        said = cli(
            "block",
            "create",
            "slack-webhook",
            "--name",
            "team",
            "-s",
            "url=https://x.example",
            "--set",
            "notify_type=failure",
        )
        assert "Saved block 'slack-webhook/team'" in said.stdout
        block = SlackWebhook.load("team")
        assert (block.url.get_secret_value(), block.notify_type) == ("https://x.example", "failure")

    def test_fields_that_are_needed_are_asked_for(self, cli):
        from prefect.blocks.system import Secret

        said = cli("--prompt", "block", "create", "secret", input="api-key\nnot-to-be-seen\n").stdout
        assert "not-to-be-seen" not in said
        assert Secret.load("api-key").get() == "not-to-be-seen"

    @pytest.fixture
    def espresso(self, shell, script):
        """A type that is registered, and whose class is not in this process."""
        script(ESPRESSO, "espresso.py")
        shell("block", "register", "-f", "espresso.py")

    def test_of_types_that_only_the_orchestrator_knows(self, cli, espresso):
        create = ["block", "create", "espresso", "-n", "mine", "-s", "strength=3", "-s", "pin=1234"]
        cli(*create)
        found = cli.json("block", "inspect", "espresso/mine")["data"]
        assert (found["strength"], found["pin"]) == (3, "********")
        assert "There is a block 'espresso/mine' already. Use --overwrite" in cli.error(*create)
        cli(*create, "-s", "strength=5", "--overwrite")
        assert cli.json("block", "inspect", "espresso/mine")["data"]["strength"] == 5

    def test_texts_stay_texts(self, cli, espresso):
        cli("block", "create", "espresso", "-n", "a", "-s", "strength=3", "-s", "pin=1", "-s", "name_of_bean=7")
        assert cli.json("block", "inspect", "espresso/a")["data"]["name_of_bean"] == "7"

    @pytest.mark.parametrize(
        ("options", "message", "code"),
        [
            (["nothing"], "Block type 'nothing' not found! It is neither installed nor registered.", 1),
            (["slack-webhook", "-n", "a"], "needs url: --set url=VALUE", 2),
            (["slack-webhook", "-s", "url=x"], "needs a name: --name NAME", 2),
            (["slack-webhook", "-n", "a", "-s", "link=x"], "have no field 'link'. They have: 'notify_type'", 1),
            (["slack-webhook", "-n", "a", "-s", "url"], "is not of the form", 2),
            (["slack-webhook", "-n", "a", "-s", "url=x", "-s", "notify_type=bad"], "notify_type: Input should be", 1),
            (["slack-webhook", "-n", "A name", "-s", "url=x"], "cannot be created", 1),
            (["custom-webhook", "-n", "a", "-s", "name=x", "-s", "url={{a}}"], "{{a}}, which stands for nothing", 1),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, options, message, code):
        assert message in cli.error("block", "create", *options, code=code)

    def test_they_are_not_replaced_by_accident(self, cli):
        create = ["block", "create", "secret", "-n", "a", "-s", "value=1"]
        cli(*create)
        assert "already" in cli.error(*create)
        cli(*create, "--overwrite")


def test_there_is_no_dashboard_without_a_server(cli):
    assert "There is no server to look at" in cli.error("dashboard", "open")


def test_the_dashboard_is_opened_in_the_web_browser(shell, script, tmp_path):
    browser = script('#!/bin/sh\necho "$1" > opened\n', "browser")
    (tmp_path / "browser").chmod(0o755)
    shell("dashboard", "open", PREFECT_API_URL="http://127.0.0.1:1/api", BROWSER=f"{browser} %s")
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:1\n"
