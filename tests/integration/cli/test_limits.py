"""`prefect concurrency-limit` and `prefect global-concurrency-limit`."""

from __future__ import annotations

import json

import pytest

from prefect._contract.actions.runs import TaskRunCreate
from prefect._contract.endpoints.concurrency_limits import increment_v1_concurrency_slots
from prefect._contract.endpoints.global_concurrency_limits import increment_concurrency_slots
from prefect._contract.endpoints.task_runs import create_task_run
from prefect.client.base import current_transport


class TestLimitsOfTags:
    @pytest.mark.parametrize("arguments", [["gpu", "2"], ["gpu", "-cl", "2"], ["--concurrency-limit", "2", "gpu"]])
    def test_they_are_created(self, cli, arguments):
        cli("concurrency-limit", "create", *arguments)
        (limit,) = cli.json("concurrency-limit", "ls")
        assert (limit["tag"], limit["concurrency_limit"], limit["active_slots"]) == ("gpu", 2, [])

    def test_that_of_a_tag_is_changed(self, cli):
        cli("concurrency-limit", "create", "gpu", "2")
        cli("concurrency-limit", "create", "gpu", "5")
        assert [each["concurrency_limit"] for each in cli.json("concurrency-limits", "ls")] == [5]

    def test_lists(self, cli):
        for tag in ("a", "b", "c"):
            cli("concurrency-limit", "create", tag, "1")
        tags = [each["tag"] for each in cli.json("concurrency-limit", "ls")]
        assert sorted(tags) == ["a", "b", "c"]
        assert [each["tag"] for each in cli.json("concurrency-limit", "ls", "--limit", "1", "--offset", "1")] == [
            tags[1]
        ]
        assert cli("concurrency-limit", "ls").stdout.splitlines()[0].split()[:2] == ["Tag", "ID"]

    def test_slots_are_shown_and_freed(self, cli):
        cli("concurrency-limit", "create", "gpu", "1")
        send = current_transport().send
        run = send(create_task_run(TaskRunCreate(task_key="task", dynamic_key="0")))
        send(increment_v1_concurrency_slots(["gpu"], run.id))
        assert cli.json("concurrency-limit", "inspect", "gpu")["active_slots"] == [str(run.id)]
        assert str(run.id) in cli("concurrency-limit", "inspect", "gpu").stdout
        cli("--prompt", "concurrency-limit", "reset", "gpu", input="n\n", code=1)
        assert cli.json("concurrency-limit", "inspect", "gpu")["active_slots"] == [str(run.id)]
        assert "1 slot(s) freed" in cli("concurrency-limit", "reset", "gpu").stdout
        assert cli.json("concurrency-limit", "inspect", "gpu")["active_slots"] == []

    def test_they_are_deleted(self, cli):
        cli("concurrency-limit", "create", "gpu", "1")
        cli("--prompt", "concurrency-limit", "delete", "gpu", input="n\n", code=1)
        assert len(cli.json("concurrency-limit", "ls")) == 1
        cli("concurrency-limit", "delete", "gpu")
        assert cli.json("concurrency-limit", "ls") == []
        assert cli("concurrency-limit", "ls").stdout == "No concurrency limits found.\n"

    def test_what_is_wrong_is_said(self, cli):
        for command in ("inspect", "reset", "delete"):
            assert "No concurrency limit found for the tag: cpu." in cli.error("concurrency-limit", command, "cpu")
        assert "Missing argument" in cli.error("concurrency-limit", "create", "cpu", code=2)
        assert "Invalid value for '--concurrency-limit'" in cli.error(
            "concurrency-limit", "create", "cpu", "-cl", "-1", code=2
        )


class TestLimitsByName:
    @pytest.fixture
    def limit(self, cli):
        cli("gcl", "create", "database", "--limit", "5")

    def test_they_are_created(self, cli):
        options = ["--disable", "--active-slots", "2", "--slot-decay-per-second", "0.5"]
        cli("global-concurrency-limit", "create", "database", "-l", "5", *options)
        (found,) = cli.json("gcl", "ls")
        assert {name: found[name] for name in ("name", "limit", "active", "slot_decay_per_second")} == {
            "name": "database",
            "limit": 5,
            "active": False,
            "slot_decay_per_second": 0.5,
        }
        assert cli("gcl", "ls").stdout.splitlines()[2].split()[1:4] == ["database", "no", "5"]

    def test_they_are_shown(self, cli, limit, tmp_path):
        current_transport().send(increment_concurrency_slots(["database"], 2))
        assert cli.json("gcl", "inspect", "database")["active_slots"] == 2
        lines = dict(line.split(maxsplit=1) for line in cli("gcl", "inspect", "database").stdout.splitlines())
        assert (lines["Taken"], lines["Active"]) == ("2", "yes")
        cli("gcl", "inspect", "database", "-o", "json", "--file", "limit.json")
        assert json.loads((tmp_path / "limit.json").read_text())["name"] == "database"

    @pytest.mark.parametrize(
        ("options", "changed"),
        [
            (["--limit", "10", "--active-slots", "3"], {"limit": 10, "active_slots": 3, "active": True}),
            (["--disable"], {"active": False, "limit": 5}),
            (["--no-enable"], {"active": False}),
            (["--enable"], {"active": True}),
            (["--slot-decay-per-second", "0.25"], {"slot_decay_per_second": 0.25}),
        ],
    )
    def test_they_are_changed(self, cli, limit, options, changed):
        cli("gcl", "update", "database", *options)
        found = cli.json("gcl", "inspect", "database")
        assert {name: found[name] for name in changed} == changed

    def test_they_are_switched(self, cli, limit):
        assert "already enabled" in cli.error("gcl", "enable", "database")
        cli("gcl", "disable", "database")
        assert cli.json("gcl", "inspect", "database")["active"] is False
        assert "already disabled" in cli.error("gcl", "disable", "database")
        cli("gcl", "enable", "database")
        assert cli.json("gcl", "inspect", "database")["active"] is True

    def test_they_are_deleted(self, cli, limit):
        cli("--prompt", "gcl", "delete", "database", input="n\n", code=1)
        assert len(cli.json("gcl", "ls")) == 1
        cli("gcl", "delete", "database")
        assert cli.json("gcl", "ls") == []

    @pytest.mark.parametrize("command", [["inspect"], ["update", "-l", "1"], ["enable"], ["disable"], ["delete"]])
    def test_those_that_are_not_there_are_said_to_be_missing(self, cli, command):
        name, *options = command
        assert "Global concurrency limit 'nothing' not found." in cli.error("gcl", name, "nothing", *options)

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            (["create", "database", "-l", "1"], "'database' already exists. Change it:"),
            (["create", "a/b", "-l", "1"], "Global concurrency limit 'a/b' cannot be created"),
            (["update", "database"], "Nothing to change"),
            (["update", "database", "--enable", "--disable"], "Cannot enable and disable"),
            (["inspect", "database", "--file", "limit.json"], "--file needs --output json"),
            (["inspect", "database", "-o", "json", "--file", "no/where.json"], "cannot be written"),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, limit, command, message):
        assert message in cli.error("gcl", *command)
