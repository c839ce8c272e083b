"""`prefect automation`."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
import yaml

TRIGGER = {"posture": "Reactive", "expect": ["orders.received"], "threshold": 2, "within": 60}
ONE = {"name": "one", "trigger": TRIGGER, "actions": [{"type": "do-nothing"}]}
TWO = {**ONE, "name": "two", "description": "The second.", "tags": ["b"]}


@pytest.fixture
def created(cli):
    """Creates automations, and answers with their ids by name."""

    def create(*automations):
        cli("automation", "create", "--from-json", json.dumps(automations))
        names = {each["name"] for each in automations}
        return {name: cli.json("automation", "inspect", name)[0]["id"] for name in names}

    return create


class TestCreating:
    @pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json"])
    @pytest.mark.parametrize("content", [ONE, [ONE, TWO], {"automations": [ONE, TWO]}])
    def test_they_are_read_from_files(self, cli, tmp_path, name, content):
        (tmp_path / name).write_text(yaml.safe_dump(content) if name[2] == "y" else json.dumps(content))
        said = cli("automation", "create", "--from-file", name).stdout
        assert "Created automation 'one'" in said
        (found,) = cli.json("automation", "inspect", "one")
        assert (found["enabled"], found["trigger"]["threshold"], found["actions"]) == (True, 2, ONE["actions"])
        assert ("Created automation 'two'" in said) is (content != ONE)

    def test_they_are_read_from_json(self, cli):
        cli("automations", "create", "-j", json.dumps(TWO))
        (found,) = cli.json("automation", "inspect", "two")
        assert (found["description"], found["tags"]) == ("The second.", ["b"])

    @pytest.mark.parametrize("form", ["yaml", "json"])
    def test_what_is_shown_can_be_created_again(self, cli, created, tmp_path, form):
        created(TWO)
        (tmp_path / f"copy.{form}").write_text(cli("automation", "inspect", "two", "-o", form).stdout)
        cli("automation", "create", "-f", f"copy.{form}")
        first, second = cli.json("automation", "inspect", "two")
        assert first["id"] != second["id"]
        assert first["actions"] == second["actions"]

    def test_all_are_valid_or_none_is_created(self, cli):
        wrong = {**TWO, "trigger": {"posture": "Proactive", "within": 1}}
        message = cli.error("automation", "create", "-j", json.dumps([ONE, wrong, {"name": "three"}]))
        assert "Automation 'two' is not valid: trigger" in message
        assert "Automation 'three' is not valid: trigger: Field required; actions: Field required." in message
        assert cli("automation", "ls").stdout == "No automations found.\n"

    @pytest.mark.parametrize(
        ("options", "message", "code"),
        [
            ([], "Give either --from-file or --from-json.", 2),
            (["-j", "{}", "-f", "a.yaml"], "Give either --from-file or --from-json.", 2),
            (["-j", "{bad"], "--from-json is not valid JSON", 1),
            (["-j", "[]"], "There are no automations", 1),
            (["-j", '["text"]'], "Automation 1 is not valid", 1),
            (["-f", "none.yaml"], "'none.yaml' cannot be read", 1),
            (["-f", "bad.yaml"], "bad.yaml is not valid YAML", 1),
            (["-f", "bad.txt"], "must end with .yaml, .yml or .json", 1),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, tmp_path, options, message, code):
        for name in ("bad.yaml", "bad.txt"):
            (tmp_path / name).write_text("a: [")
        assert message in cli.error("automation", "create", *options, code=code)


class TestShowing:
    def test_they_are_listed(self, cli, created):
        composite = {"type": "sequence", "triggers": [TRIGGER, {"expect": ["b"]}], "within": 10}
        ids = created({**ONE, "trigger": composite, "actions_on_trigger": [{"type": "cancel-flow-run"}]}, TWO)
        said = cli("automation", "ls").stdout
        for text in (*ids, *ids.values(), "orders.received", "Do nothing", "when it triggers: Cancel flow run"):
            assert text in said

    def test_one_is_shown(self, cli, created):
        id = created(TWO)["two"]
        for given in (["two"], ["--id", id]):
            shown = cli("automation", "inspect", *given).stdout
            assert "The second." in shown
            assert "expecting 2 of {'orders.received'}" in shown
        for options in (["--yaml"], ["-o", "yaml"]):
            (found,) = yaml.safe_load(cli("automation", "inspect", "two", *options).stdout)
            assert found["id"] == id
        assert json.loads(cli("automation", "inspect", "two", "--json").stdout)[0]["id"] == id

    def test_only_one_form_is_written(self, cli, created):
        created(ONE)
        assert "only one of" in cli.error("automation", "inspect", "one", "--yaml", "--json", code=2)
        assert "json or yaml" in cli.error("automation", "inspect", "one", "-o", "xml", code=2)


class TestChanging:
    @pytest.mark.parametrize(("off", "on"), [("pause", "resume"), ("disable", "enable")])
    def test_all_of_a_name_are_paused_and_resumed(self, cli, created, off, on):
        created(ONE, ONE, TWO)
        for command, expected in ((off, False), (on, True)):
            cli("automation", command, "one")
            assert [each["enabled"] for each in cli.json("automation", "inspect", "one")] == [expected] * 2
            assert cli.json("automation", "inspect", "two")[0]["enabled"] is True

    def test_one_is_replaced(self, cli, created):
        id = created(ONE)["one"]
        changed = {**ONE, "name": "other", "actions": [{"type": "cancel-flow-run"}]}
        cli("automation", "update", "--id", id, "-j", json.dumps(changed))
        (found,) = cli.json("automation", "inspect", "--id", id)
        assert (found["name"], found["actions"][0]["type"]) == ("other", "cancel-flow-run")

    def test_one_is_needed_to_replace_one(self, cli, created):
        id = created(ONE)["one"]
        assert "2 are given" in cli.error("automation", "update", "--id", id, "-j", json.dumps([ONE, TWO]))
        unknown = str(uuid4())
        message = cli.error("automation", "update", "--id", unknown, "-j", json.dumps(ONE))
        assert f"Automation with id '{unknown}' not found." in message

    def test_one_is_deleted(self, cli, created):
        ids = created(ONE, TWO)
        cli("--prompt", "automation", "delete", "one", input="n\n", code=1)
        assert cli.json("automation", "inspect", "one")
        cli("automation", "delete", "one")
        cli("automation", "delete", "--id", ids["two"])
        assert cli("automation", "ls").stdout == "No automations found.\n"

    def test_of_several_it_must_be_said_which(self, cli, created):
        created(ONE, ONE)
        message = cli.error("automation", "delete", "one")
        assert message.count("--id") == 2
        cli("automation", "delete", "--id", message.split()[-1])
        assert len(cli.json("automation", "inspect", "one")) == 1

    def test_all_are_deleted(self, cli, created):
        created(ONE, TWO)
        assert "leave out --all" in cli.error("automation", "delete", "one", "--all", code=2)
        cli("--prompt", "automation", "delete", "--all", input="n\n", code=1)
        assert cli("automation", "delete", "--all").stdout.count("Deleted") == 2
        assert cli("automation", "delete", "--all").stdout == "No automations found.\n"

    @pytest.mark.parametrize("command", ["inspect", "pause", "resume", "delete"])
    def test_what_is_not_there_is_said_to_be_missing(self, cli, command):
        assert "Automation 'nothing' not found." in cli.error("automation", command, "nothing")
        unknown = str(uuid4())
        assert f"Automation with id '{unknown}' not found." in cli.error("automation", command, "--id", unknown)
        assert "Give either" in cli.error("automation", command, code=2)
        assert "--id" in cli.error("automation", command, "--id", "nonsense", code=2)
