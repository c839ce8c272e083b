"""`prefect deployment`, with its schedules."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import FlowCreate
from prefect._contract.endpoints import deployments, flow_runs, flows
from prefect._contract.state import State, StateType
from prefect.client.base import current_transport
from prefect.utilities.time import now

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "day": {"type": "string"}},
    "required": ["n"],
}


@pytest.fixture
def deploy():
    """Creates a deployment."""

    def create(name="nightly", flow="greet", **fields):
        send = current_transport().send
        flow_id = send(flows.create_flow(FlowCreate(name=flow))).id
        fields = {"parameter_openapi_schema": SCHEMA, "parameters": {"n": 1}, **fields}
        return send(deployments.create_deployment(DeploymentCreate(name=name, flow_id=flow_id, **fields)))

    return create


@pytest.fixture
def deployment(deploy):
    return deploy()


class TestDeployments:
    def test_they_are_listed_by_name(self, cli, deploy):
        made = {name: deploy(*name) for name in (("b", "two"), ("a", "two"), ("z", "one"))}
        assert [each["name"] for each in cli.json("deployment", "ls")] == ["z", "a", "b"]
        assert [each["name"] for each in cli.json("deployments", "ls", "--by-created")] == ["z", "a", "b"]
        assert [each["name"] for each in cli.json("deployment", "ls", "two")] == ["a", "b"]
        assert [each["name"] for each in cli.json("deployment", "ls", "one", "two", "--by-created")][0] == "z"
        assert len(cli.json("deployment", "ls", "--flow_name", "one")) == 1
        lines = cli("deployment", "ls", "one").stdout.splitlines()
        assert lines[2].split()[:2] == ["one/z", str(made[("z", "one")].id)]

    def test_none(self, cli):
        assert cli("deployment", "ls").stdout == "No deployments found.\n"

    def test_one_is_shown(self, cli, deploy):
        made = deploy(tags=["a", "b"], entrypoint="flows.py:greet", description="Greets.", concurrency_limit=3)
        assert cli.json("deployment", "inspect", "greet/nightly")["id"] == str(made.id)
        shown = cli("deployment", "inspect", "greet/nightly").stdout
        for text in ("greet/nightly", "flows.py:greet", "a, b", "Greets.", "3, 0 taken"):
            assert text in shown

    def test_one_is_paused_and_resumed(self, cli, deployment):
        cli("deployment", "pause", "greet/nightly")
        assert cli.json("deployment", "inspect", "greet/nightly")["paused"] is True
        assert "paused" in cli("deployment", "ls").stdout
        cli("deployment", "resume", "--id", str(deployment.id))
        assert cli.json("deployment", "inspect", "greet/nightly")["paused"] is False

    def test_one_is_deleted(self, cli, deploy):
        one, _ = deploy("one"), deploy("two")
        cli("--prompt", "deployment", "delete", "greet/one", input="n\n", code=1)
        cli("deployment", "delete", "greet/two")
        assert [each["name"] for each in cli.json("deployment", "ls")] == ["one"]
        cli("deployment", "delete", "--id", str(one.id))
        assert cli.json("deployment", "ls") == []

    def test_all_are_deleted(self, cli, deploy):
        for name in "abc":
            deploy(name)
        assert "leave out --all" in cli.error("deployment", "delete", "greet/a", "--all", code=2)
        cli("--prompt", "deployment", "delete", "--all", input="n\n", code=1)
        assert len(cli.json("deployment", "ls")) == 3
        assert cli("deployment", "delete", "--all").stdout == "Deleted 3 deployment(s).\n"
        assert cli.json("deployment", "ls") == []

    @pytest.mark.parametrize("command", ["inspect", "pause", "resume", "delete", "run"])
    def test_one_that_is_not_there_is_said_to_be_missing(self, cli, command):
        assert "Deployment 'greet/none' not found!" in cli.error("deployment", command, "greet/none")
        assert "Expected <flow name>/<deployment name>" in cli.error("deployment", command, "none")

    @pytest.mark.parametrize("command", ["pause", "resume", "delete", "run"])
    def test_exactly_one_must_be_given(self, cli, command):
        unknown = str(uuid4())
        assert f"Deployment '{unknown}' not found!" in cli.error("deployment", command, "--id", unknown)
        assert "Give either" in cli.error("deployment", command, code=2)
        assert "Give either" in cli.error("deployment", command, "a/b", "--id", unknown, code=2)


class TestRuns:
    @pytest.fixture
    def created(self, cli):
        """Creates a run by the command, and reads it."""

        def run(*options):
            cli("deployment", "run", "greet/nightly", *options)
            (found,) = cli.json("flow-run", "ls")
            return found

        return run

    def test_one_starts_at_once(self, created, deployment):
        run = created()
        assert (run["deployment_id"], run["parameters"]) == (str(deployment.id), {"n": 1})
        assert run["state"]["type"] == "SCHEDULED"
        assert abs(datetime.fromisoformat(run["next_scheduled_start_time"].replace("Z", "+00:00")) - now()) < timedelta(
            minutes=1
        )

    def test_it_is_as_asked(self, created, deployment):
        options = ["-p", "n=5", "--param", "day=2024", "--tag", "a", "--tag", "b", "--flow-run-name", "mine"]
        run = created(*options, "-jv", "cpu=2", "--job-variable", "image=x")
        assert run["parameters"] == {"n": 5, "day": "2024"}
        assert (run["name"], sorted(run["tags"])) == ("mine", ["a", "b"])
        assert run["job_variables"] == {"cpu": 2, "image": "x"}

    def test_texts_may_be_json_too(self, created, deployment):
        assert created("-p", 'day="2024"')["parameters"] == {"n": 1, "day": "2024"}

    def test_parameters_may_be_one_object(self, created, deployment):
        assert created("--params", '{"n": 2, "day": "x"}', "-p", "n=3")["parameters"] == {"n": 3, "day": "x"}

    def test_parameters_may_come_from_stdin(self, cli, deployment):
        cli("deployment", "run", "greet/nightly", "--params", "-", input='{"n": 7}')
        assert cli.json("flow-run", "ls")[0]["parameters"] == {"n": 7}

    @pytest.mark.parametrize("option", [["--start-in", "20 minutes"], ["--start-at", "2033-01-01T10:00:00Z"]])
    def test_one_starts_later(self, created, deployment, option):
        start = datetime.fromisoformat(created(*option)["next_scheduled_start_time"].replace("Z", "+00:00"))
        assert start - now() > timedelta(minutes=19)

    @pytest.mark.parametrize(
        ("options", "message", "code"),
        [
            (["-p", "m=1"], "no parameter 'm'. It has: 'n', 'day'.", 1),
            (["-p", "n=x"], "n", 1),
            (["-p", "n"], "is not of the form name=value", 2),
            (["--params", "[1]"], "--params must be a JSON object", 2),
            (["--params", "{"], "--params is not JSON", 2),
            (["-jv", "cpu"], "--job-variable 'cpu' is not of the form", 2),
            (["--start-in", "1 h", "--start-at", "17:00"], "only one of", 2),
            (["--start-in", "soon"], "Unable to parse 'soon'", 1),
            (["--start-at", "soon"], "Unable to parse 'soon'", 1),
            (["--watch-timeout", "1"], "of no use without --watch", 2),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, deployment, options, message, code):
        assert message in cli.error("deployment", "run", "greet/nightly", *options, code=code)
        assert cli.json("flow-run", "ls") == []

    @pytest.mark.parametrize(("end", "code"), [(StateType.COMPLETED, 0), (StateType.FAILED, 1)])
    def test_one_is_watched_to_its_end(self, cli, deployment, end, code):
        send = current_transport().send

        def finish():
            runs = []
            while not runs:
                runs = send(flow_runs.read_flow_runs())
            send(flow_runs.set_flow_run_state(runs[0].id, State(type=end, message="The end."), force=True))

        worker = threading.Thread(target=finish)
        worker.start()
        result = cli("deployment", "run", "greet/nightly", "--watch", "--watch-interval", "1", code=code)
        worker.join()
        assert "The end." in result.stdout

    def test_one_that_nobody_starts_is_not_watched_for_ever(self, cli, deployment):
        options = ["--watch", "--watch-timeout", "1"]
        result = cli("deployment", "run", "greet/nightly", *options, code=1)
        assert "has not ended within 1 seconds: it is Scheduled" in result.stderr


class TestSchedules:
    @pytest.mark.parametrize(
        ("options", "schedule"),
        [
            (["--cron", "0 9 * * *"], {"cron": "0 9 * * *", "day_or": True}),
            (["--cron", "0 9 1 * MON", "--no-day_or"], {"cron": "0 9 1 * MON", "day_or": False}),
            (["--cron", "@daily", "--timezone", "Europe/Berlin"], {"timezone": "Europe/Berlin"}),
            (["--interval", "90"], {"interval": 90.0}),
            (["--interval", "3600", "--anchor-date", "2024-01-01"], {"anchor_date": "2024-01-01T00:00:00Z"}),
            (["--rrule", "FREQ=DAILY;COUNT=3"], {"rrule": "FREQ=DAILY;COUNT=3", "timezone": "UTC"}),
            (["--rrule", '{"rrule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}'], {"timezone": "Asia/Tokyo"}),
        ],
    )
    def test_they_are_created(self, cli, deployment, options, schedule):
        cli("deployment", "schedule", "create", "greet/nightly", *options)
        (made,) = cli.json("deployment", "schedule", "ls", "greet/nightly")
        assert {name: made["schedule"][name] for name in schedule} == schedule
        assert made["active"] is True

    def test_they_are_added_or_replace_the_others(self, cli, deployment):
        create = ["deployment", "schedule", "create", "greet/nightly", "--cron"]
        cli(*create, "0 1 * * *")
        cli(*create, "0 2 * * *", "--no-active")
        listed = cli.json("deployment", "schedule", "ls", "greet/nightly")
        assert {(each["schedule"]["cron"], each["active"]) for each in listed} == {
            ("0 1 * * *", True),
            ("0 2 * * *", False),
        }
        cli("--prompt", *create, "0 3 * * *", "--replace", input="n\n", code=1)
        assert len(cli.json("deployment", "schedule", "ls", "greet/nightly")) == 2
        cli("--prompt", *create, "0 3 * * *", "--replace", "-y")
        (left,) = cli.json("deployment", "schedule", "ls", "greet/nightly")
        assert left["schedule"]["cron"] == "0 3 * * *"
        assert "cron: 0 3 * * *" in cli("deployment", "ls").stdout

    @pytest.fixture
    def schedule(self, cli, deployment):
        cli("deployment", "schedule", "create", "greet/nightly", "--cron", "0 1 * * *")
        return UUID(cli.json("deployment", "schedule", "ls", "greet/nightly")[0]["id"])

    def test_they_are_paused_and_resumed(self, cli, schedule):
        for command, active in (("pause", False), ("resume", True)):
            cli("deployment", "schedule", command, "greet/nightly", str(schedule))
            assert cli.json("deployment", "schedule", "ls", "greet/nightly")[0]["active"] is active
            again = cli.error("deployment", "schedule", command, "greet/nightly", str(schedule))
            assert again.endswith(f"is already {'active' if active else 'paused'}.")

    def test_all_are_paused_and_resumed(self, cli, schedule, deploy):
        deploy("weekly")
        cli("deployment", "schedule", "create", "greet/weekly", "--interval", "3600")
        for command, active in (("pause", False), ("resume", True)):
            cli("--prompt", "deployment", "schedule", command, "--all", input="n\n", code=1)
            assert "2 schedule(s)" in cli("deployment", "schedule", command, "--all").stdout
            for name in ("nightly", "weekly"):
                assert cli.json("deployment", "schedule", "ls", f"greet/{name}")[0]["active"] is active
        assert cli("deployment", "schedule", "resume", "--all").stdout == "There are no paused schedules.\n"

    def test_they_are_deleted(self, cli, schedule):
        delete = ["deployment", "schedule", "delete", "greet/nightly", str(schedule)]
        cli("--prompt", *delete, input="n\n", code=1)
        assert len(cli.json("deployment", "schedule", "ls", "greet/nightly")) == 1
        cli("--prompt", *delete, "--accept-yes")
        assert cli("deployment", "schedule", "ls", "greet/nightly").stdout == "No schedules found.\n"

    def test_all_of_a_deployment_are_deleted(self, cli, schedule):
        cli("--prompt", "deployment", "schedule", "clear", "greet/nightly", input="n\n", code=1)
        assert len(cli.json("deployment", "schedule", "ls", "greet/nightly")) == 1
        cli("--prompt", "deployment", "schedule", "clear", "greet/nightly", "-y")
        assert cli.json("deployment", "schedule", "ls", "greet/nightly") == []

    @pytest.mark.parametrize(
        ("command", "message", "code"),
        [
            (["create", "greet/nightly"], "Exactly one of --interval, --rrule and --cron", 2),
            (["create", "greet/nightly", "--interval", "1", "--cron", "@daily"], "Exactly one of", 2),
            (["create", "greet/nightly", "--cron", "bad"], "Invalid cron string: 'bad'", 1),
            (["create", "greet/nightly", "--rrule", "bad"], "Invalid RRule string", 1),
            (["create", "greet/nightly", "--interval", "0"], "greater than 0", 1),
            (["create", "greet/nightly", "--cron", "@daily", "--timezone", "Mars"], "Invalid timezone: 'Mars'", 1),
            (["create", "greet/nightly", "--cron", "@daily", "--anchor-date", "2024-01-01"], "goes with --interval", 2),
            (["create", "greet/nightly", "--interval", "60", "--anchor-date", "bad"], "'bad' is not a date", 1),
            (["create", "greet/nightly", "--interval", "60", "--no-day_or"], "goes with --cron", 2),
            (["pause", "greet/nightly"], "Give a deployment and the id of one of its schedules, or --all.", 2),
            (["pause", "greet/nightly", str(UUID(int=0))], "not found! See: prefect deployment schedule ls", 1),
            (["resume", "greet/nightly", str(UUID(int=0)), "--all"], "leave out --all", 2),
            (["delete", "greet/nightly", str(UUID(int=0))], "not found! See: prefect deployment schedule ls", 1),
            (["clear", "greet/none"], "Deployment 'greet/none' not found!", 1),
            (["ls", "greet/none"], "Deployment 'greet/none' not found!", 1),
        ],
    )
    def test_what_is_wrong_is_said(self, cli, deployment, command, message, code):
        assert message in cli.error("deployment", "schedule", *command, code=code)
        assert json.loads(cli("deployment", "schedule", "ls", "greet/nightly", "-o", "json").stdout) == []


class TestDueTimes:
    @pytest.fixture
    def hourly(self, deploy):
        return deploy(schedules=[{"schedule": {"cron": "0 * * * *"}, "slug": "hourly"}])

    def test_the_next_ones_are_shown(self, cli, hourly):
        found = [
            datetime.fromisoformat(each["due"]) for each in cli.json("deployment", "next", "greet/nightly", "-n", "3")
        ]
        assert [later - sooner for sooner, later in pairwise(found)] == [timedelta(hours=1)] * 2
        assert timedelta(0) <= found[0] - now() <= timedelta(hours=1)
        assert len(cli("deployment", "next", "greet/nightly").stdout.splitlines()) == 7
        cli("deployment", "pause", "greet/nightly")
        assert "is paused, so it gets no runs" in cli("deployment", "next", "greet/nightly").stdout

    def test_those_of_the_past_are_filled_in_once(self, cli, hourly):
        span = ("greet/nightly", "2024-05-06T00:00:00+00:00", "2024-05-10T04:00:00+00:00")
        assert cli("deployment", "backfill", *span, "--dry-run").stdout.startswith(
            "100 run(s) are due.\n  2024-05-06 00:00"
        )
        assert "Created 100 run(s) of 'greet/nightly'; 0 due" in cli("deployment", "backfill", *span).stdout
        longer = (*span[:2], "2024-05-11T00:00:00+00:00", "--schedule", "hourly")
        shown = cli("deployment", "backfill", *longer).stdout
        assert "100 of 120 due times looked at, up to 2024-05-10 04:00:00 UTC." in shown
        assert "Created 20 run(s) of 'greet/nightly'; 100 due time(s) had one already." in shown
        found = current_transport().send(flow_runs.count_flow_runs())
        assert found == 120

    def test_what_cannot_be_meant_is_refused(self, cli, hourly, deploy):
        deploy("never")
        span = ("2024-01-01T00:00:00+00:00", "2025-01-01T00:00:00+00:00")
        assert "More than 1000 runs are due" in cli("deployment", "backfill", "greet/nightly", *span, code=1).stderr
        assert "is empty" in cli("deployment", "backfill", "greet/nightly", *reversed(span), code=2).stderr
        assert (
            "no schedule 'x'" in cli("deployment", "backfill", "greet/nightly", *span, "--schedule", "x", code=1).stderr
        )
        assert "no active schedule" in cli("deployment", "next", "greet/never", code=1).stderr
        assert current_transport().send(flow_runs.count_flow_runs()) == 0

    def test_a_schedule_says_what_is_caught_up_with(self, cli, deployment):
        cli("deployment", "schedule", "create", "greet/nightly", "--cron", "0 9 * * *", "--catchup", "latest")
        assert cli.json("deployment", "schedule", "ls", "greet/nightly")[0]["catchup"] == "latest"
        wrong = ("deployment", "schedule", "create", "greet/nightly", "--cron", "0 9 * * *", "--catchup", "some")
        assert "must be one of none, latest, all, and not 'some'" in cli(*wrong, code=2).stderr
