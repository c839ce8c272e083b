"""`prefect deploy`, `prefect init`, `prefect flow serve` and `prefect shell`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from prefect._contract.endpoints import automations, flow_runs, logs
from prefect.client.base import current_transport

FLOWS = """
from prefect import flow

@flow(version="3")
def hello(name: str = "x"):
    "Greets."

@flow
def other():
    pass
"""

PROJECT = """
# A comment that stays.
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /code
deployments:
- name: one
  entrypoint: flows.py:hello
  tags: [a]
  version: "{{ $VERSION_HERE }}"
  parameters: {name: "{{ prefect.variables.who }}"}
  work_pool: {name: p, job_variables: {env: {X: "1"}}}
  schedules:
  - {cron: "0 9 * * *", timezone: Europe/Berlin, slug: nine, day_or: false}
  - {interval: 3600, active: false}
  concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW}
- name: two
  entrypoint: flows.py:other
  work_pool: {name: p}
  schedule: {rrule: "FREQ=DAILY"}
  build:
  - prefect.deployments.steps.run_shell_script:
      id: version
      script: echo v42
  pull: []
  description: "built {{ version.stdout }}"
"""


@pytest.fixture
def project(cli, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERSION_HERE", "7")
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "prefect.yaml").write_text(PROJECT)
    cli("work-pool", "create", "p", "--type", "process")
    cli("variable", "set", "who", "you")
    return tmp_path


def shown(cli, name):
    return cli.json("deployment", "inspect", name)


class TestDeploy:
    def test_all_that_the_file_says(self, cli, project):
        said = cli("deploy", "--all").stdout
        one, two = shown(cli, "hello/one"), shown(cli, "other/two")
        assert f"Deployed 'hello/one' ({one['id']}) to work pool 'p'." in said
        assert "prefect worker start --pool 'p'" in said
        assert (one["version"], one["parameters"], one["tags"]) == ("7", {"name": "you"}, ["a"])
        assert (one["work_pool_name"], one["job_variables"]) == ("p", {"env": {"X": "1"}})
        assert one["description"] == "Greets."
        assert one["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/code"}}]
        assert one["global_concurrency_limit"]["limit"] == 2
        assert one["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        schedules = {each["slug"]: each for each in one["schedules"]}
        nine = {"cron": "0 9 * * *", "timezone": "Europe/Berlin", "day_or": False}
        assert schedules["nine"]["schedule"] == nine
        assert (schedules[None]["schedule"]["interval"], schedules[None]["active"]) == (3600, False)
        assert (two["description"], two["pull_steps"]) == ("built v42", [])
        assert two["schedules"][0]["schedule"]["rrule"] == "FREQ=DAILY"

    def test_again_keeps_ids_and_pauses(self, cli, project):
        cli("deploy", "--name", "one")
        before = shown(cli, "hello/one")
        nine = next(each["id"] for each in before["schedules"] if each["slug"] == "nine")
        cli("deployment", "schedule", "pause", "hello/one", nine)
        cli("deploy", "-n", "hello/*")
        after = shown(cli, "hello/one")
        assert after["id"] == before["id"]
        assert {each["id"] for each in after["schedules"]} == {each["id"] for each in before["schedules"]}
        assert not any(each["active"] for each in after["schedules"])

    def test_an_entrypoint_with_options(self, cli, project):
        cli(
            "deploy", "flows.py:hello", "-n", "new", "-p", "p", "-t", "x", "-t", "y", "--version", "9", "-d", "What?",
            "--cron", "0 1 * * *", "--cron", "0 2 * * *", "--timezone", "Asia/Tokyo", "--param", "name=z",
            "-jv", "working_dir=/tmp", "-cl", "3", "--collision-strategy", "enqueue", "--no-enforce-parameter-schema",
        )  # fmt: skip
        new = shown(cli, "hello/new")
        assert (new["tags"], new["version"], new["description"]) == (["x", "y"], "9", "What?")
        crons = {(each["schedule"]["cron"], each["schedule"]["timezone"]) for each in new["schedules"]}
        assert crons == {("0 1 * * *", "Asia/Tokyo"), ("0 2 * * *", "Asia/Tokyo")}
        assert (new["parameters"], new["job_variables"]) == ({"name": "z"}, {"working_dir": "/tmp"})
        assert (new["global_concurrency_limit"]["limit"], new["enforce_parameter_schema"]) == (3, False)
        assert new["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/code"}}]

    def test_without_a_file_the_code_is_where_it_is(self, cli, project):
        (project / "prefect.yaml").unlink()
        cli("deploy", "flows.py:other", "--pool", "p")
        step = {"prefect.deployments.steps.set_working_directory": {"directory": str(project)}}
        assert shown(cli, "other/default")["pull_steps"] == [step]

    def test_a_trigger_becomes_an_automation(self, cli, project):
        trigger = {"type": "event", "match": {"prefect.resource.id": "a.b"}, "expect": ["x.y"]}
        cli("deploy", "--name", "two", "--trigger", json.dumps(trigger))
        [automation] = current_transport().send(automations.read_automations())
        assert automation.actions[0].type == "run-deployment"
        assert automation.trigger.expect == {"x.y"}

    @pytest.mark.parametrize(
        ("arguments", "message", "code"),
        [
            (["--name", "zzz"], "There is no deployment 'zzz' in prefect.yaml. Deployments there: 'one', 'two'.", 1),
            ([], "Say which deployment of prefect.yaml is meant: --all, or --name with one of: one, two.", 1),
            (["--all", "-n", "one"], "Cannot deploy all deployments and some", 2),
            (["--all", "--tag", "x"], "Options that say what a deployment is like (tags) hold for one", 2),
            (["flows.py:nope", "-n", "n", "-p", "p"], "There is no flow at 'flows.py:nope'", 1),
            (["flows.py:hello", "-n", "n", "-p", "nope"], 'Work pool "nope" not found', 1),
            (["flows.py:hello", "-n", "n"], "A work pool is needed to deploy", 1),
            (["flows.py:hello", "-n", "n/", "-p", "p"], "A name is needed", 1),
            (["flows.py:hello", "-n", "n", "-p", "p", "--cron", "x"], "Cannot deploy the command line", 1),
            (["flows.py:hello", "-n", "n", "-p", "p", "--anchor-date", "2030-01-01"], "goes with --interval only", 2),
            (["flows.py:hello", "-n", "n", "-p", "p", "--trigger", "nope"], "is neither JSON nor a file", 2),
            (["--sla", "x"], "there is none", 1),
            (["--prefect-file", "nope.yaml", "--all"], "There is no file 'nope.yaml'", 1),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, cli, project, arguments, message, code):
        result = cli("deploy", *arguments, code=code)
        assert message in result.stderr
        assert cli.json("deployment", "ls") == []

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("deployments: {", "prefect.yaml is not YAML"),
            ("- a", "must be a mapping with the key 'deployments'"),
            ("deployments: {a: 1}", "'deployments' in prefect.yaml must be a list"),
            ("deployments: [a]", "Deployment 1 in prefect.yaml must be a mapping"),
            ("deployments: [{name: a, flow: b}]", "Unknown key 'flow' of deployment 'a' in prefect.yaml."),
            (
                "deployments: [{name: a, work_pool: b}]",
                "'work_pool' of deployment 'a' in prefect.yaml must be a mapping",
            ),
            ("deployments: [{name: a, pull: b}]", "'pull' of deployment 'a' in prefect.yaml must be a list of steps"),
            ("deployments: [{name: a, work_pool: {name: p}}]", "An entrypoint is needed to deploy deployment 'a'"),
            (
                "deployments: [{name: a, entrypoint: 'flows.py:hello', work_pool: {name: p}, schedule: {crn: x}}]",
                "Unknown key 'crn' of a schedule. Known: interval",
            ),
        ],
    )
    def test_what_is_wrong_in_the_file_is_named(self, cli, project, text, message):
        (project / "prefect.yaml").write_text(text)
        assert message in cli("deploy", "--all", code=1).stderr
        assert cli.json("deployment", "ls") == []

    def test_a_step_that_fails_deploys_nothing_and_the_others_are_deployed(self, cli, project):
        text = PROJECT.replace("echo v42", "exit 3")
        (project / "prefect.yaml").write_text(text)
        failed = cli("deploy", "--all", code=1)
        assert "Encountered error while running prefect.deployments.steps.run_shell_script" in failed.stdout
        assert "1 of 2 deployments could not be deployed: two." in failed.stderr
        assert [each["name"] for each in cli.json("deployment", "ls")] == ["one"]

    def test_questions_are_asked_on_a_terminal_and_the_answers_written_down(self, cli, project):
        # A new one; the second flow; its name; a schedule; yes, write it down.
        answers = "3\n2\nasked\n0 5 * * *\ny\n"
        said = cli("--prompt", "deploy", input=answers).stdout
        assert "1. hello/one" in said
        assert "2. flows.py:other" in said
        made = shown(cli, "other/asked")
        assert made["schedules"][0]["schedule"]["cron"] == "0 5 * * *"
        text = (project / "prefect.yaml").read_text()
        assert text.startswith(PROJECT.strip())
        assert yaml.safe_load(text)["deployments"][2] == {
            "name": "asked",
            "entrypoint": "flows.py:other",
            "schedules": [{"cron": "0 5 * * *"}],
            "work_pool": {"name": "p"},
        }


class TestInit:
    def test_a_folder(self, cli, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert cli("init", "--name", "mine").stdout.startswith("Wrote .prefectignore and prefect.yaml")
        made = yaml.safe_load((tmp_path / "prefect.yaml").read_text())
        assert (made["name"], made["build"]) == ("mine", None)
        assert made["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}]
        (tmp_path / "prefect.yaml").write_text("name: kept")
        assert "Nothing was written" in cli("deploy", "init").stdout
        assert (tmp_path / "prefect.yaml").read_text() == "name: kept"

    def test_a_git_repository_without_its_credentials(self, cli, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for command in ("init -q -b trunk", "remote add origin https://me:secret@example.com/x.git"):
            subprocess.run(["git", *command.split()], check=True)
        subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m"], check=True
        )
        cli("init")
        text = (tmp_path / "prefect.yaml").read_text()
        assert "secret" not in text
        step = yaml.safe_load(text)["pull"][0]["prefect.deployments.steps.git_clone"]
        assert (step["repository"], step["branch"]) == ("https://example.com/x.git", "trunk")

    def test_recipes(self, cli, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert "Unknown recipe 'x' provided. There are: local, git" in cli("init", "--recipe", "x", code=1).stderr
        cli("init", "--recipe", "docker-s3", "-f", "bucket=b", "-f", "folder=f", "-f", "image_name=i")
        made = yaml.safe_load((tmp_path / "prefect.yaml").read_text())
        assert made["pull"][0]["prefect_aws.deployments.steps.pull_from_s3"]["bucket"] == "{{ push_code.bucket }}"
        assert made["push"][1]["prefect_aws.deployments.steps.push_to_s3"]["bucket"] == "b"
        assert made["build"][0]["prefect_docker.deployments.steps.build_docker_image"]["tag"] == "{{ tag }}"
        assert made["deployments"][0]["work_pool"]["job_variables"] == {"image": "{{ build_image.image }}"}


class TestShell:
    def test_a_command_is_a_flow_that_completes_or_fails(self, cli):
        done = cli("shell", "watch", "echo one; echo two", "--flow-name", "echo", "--tag", "t")
        assert done.stdout.startswith("Completed | flow 'echo'")
        assert "Traceback" not in cli("shell", "watch", "echo bad >&2; exit 3", code=1).stderr
        failed, completed = current_transport().send(flow_runs.read_flow_runs())
        assert failed.state.message == "The command ended with exit code 3: bad"
        assert (completed.state_name, completed.tags) == ("Completed", ["t"])
        messages = [line.message for line in current_transport().send(logs.read_logs())]
        assert {"one", "two", "bad"} <= set(messages)
