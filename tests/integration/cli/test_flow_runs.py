"""`prefect flow`, `flow-run` and `task-run`."""

from __future__ import annotations

from uuid import UUID

import pytest

from prefect import flow, get_run_logger, task
from prefect._contract.actions.runs import FlowRunCreate
from prefect._contract.endpoints import flow_runs
from prefect._contract.state import State, StateType
from prefect.client.base import current_transport
from prefect.client.orchestration import get_client


@task
def add(number: int) -> int:
    get_run_logger().warning("adding to %s", number)
    return number + 1


@flow
def sums(numbers: int = 2, fails: bool = False) -> None:
    for number in range(numbers):
        add(number)
    if fails:
        raise ValueError("no sum")


@flow(name="other-flow")
def other() -> None: ...


def run_of(state):
    """The record of the run that ended in a state."""
    return current_transport().send(flow_runs.read_flow_run(state.state_details.flow_run_id))


@pytest.fixture
def done():
    return run_of(sums(return_state=True))


@pytest.fixture
def failed():
    return run_of(sums(1, fails=True, return_state=True))


def new_run(name=None, state_type=StateType.SCHEDULED, **fields):
    """A run that nobody runs."""
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(other)
    request = FlowRunCreate(flow_id=flow_id, state=None, **({"name": name} if name else {}), **fields)
    run = current_transport().send(flow_runs.create_flow_run(request))
    current_transport().send(flow_runs.set_flow_run_state(run.id, State(type=state_type), force=True))
    return current_transport().send(flow_runs.read_flow_run(run.id))


class TestLists:
    def test_runs_of_flows(self, cli, done, failed):
        lines = cli("flow-run", "ls").stdout.splitlines()
        assert lines[0].split() == ["ID", "Flow", "Name", "State", "When"]
        assert lines[2].startswith(f"{failed.id}  sums  {failed.name}")
        assert lines[3].startswith(f"{done.id}  sums  {done.name}")
        assert " Failed " in lines[2]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--state", "failed"], ["Failed"]),
            (["--state-type", "COMPLETED"], ["Completed", "Completed"]),
            (["--state-type", "completed", "--state-type", "failed"], ["Completed", "Failed", "Completed"]),
            (["--flow-name", "sums"], ["Failed", "Completed"]),
            (["--flow-name", "sums", "--state", "Completed"], ["Completed"]),
            (["--limit", "1"], ["Completed"]),
            (["--flow-name", "nothing"], []),
        ],
    )
    def test_filters(self, cli, done, failed, options, expected):
        other()
        assert [run["state_name"] for run in cli.json("flow-run", "ls", *options)] == expected

    def test_an_unknown_state_type(self, cli):
        assert cli.error("flow-run", "ls", "--state-type", "bogus") == (
            "Invalid state type 'bogus'. Options are SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, "
            "CRASHED, PAUSED, CANCELLING."
        )

    def test_nothing_to_list(self, cli):
        assert cli("flow-run", "ls").stdout == "No flow runs found.\n"
        assert cli("flow", "ls").stdout == "No flows found.\n"
        assert cli("task-run", "ls").stdout == "No task runs found.\n"
        for noun in ("flow", "flow-run", "task-run"):
            assert cli.json(noun, "ls") == []

    def test_more_than_one_page(self, cli, done):
        sums(230)
        assert len(cli.json("task-run", "ls", "--limit", "500")) == 232
        assert len(cli.json("task-run", "ls", "--limit", "210")) == 210

    def test_flows(self, cli, done):
        other()
        assert [each["name"] for each in cli.json("flow", "ls")] == ["other-flow", "sums"]
        assert [line.split()[1] for line in cli("flows", "ls").stdout.splitlines()[2:]] == ["other-flow", "sums"]

    def test_task_runs(self, cli, done, failed):
        assert len(cli.json("task-run", "ls")) == 3
        assert [run["name"] for run in cli.json("task-run", "ls", "--task-run-name", "add-1")] == ["add-1"]
        assert len(cli.json("task-runs", "ls", "--flow-run", done.name)) == 2
        assert cli.json("task-run", "ls", "--state", "failed") == []
        assert "add-1" in cli("task-run", "ls").stdout

    @pytest.mark.parametrize("noun", ["flow", "flow-run", "task-run"])
    def test_only_json_besides_text(self, cli, noun):
        assert "Only 'json' output format is supported" in cli.error(noun, "ls", "-o", "yaml", code=2)


class TestWhichRunIsMeant:
    def test_an_id_or_a_name(self, cli, done):
        for text in (str(done.id), done.id.hex, done.name):
            assert cli.json("flow-run", "inspect", text)["id"] == str(done.id)
        assert cli.json("flow-run", "inspect", "--id", str(done.id))["id"] == str(done.id)

    def test_the_beginning_of_an_id_among_many(self, cli):
        ids = sorted(new_run().id for _ in range(12))
        for run_id in ids:
            assert cli.json("flow-run", "inspect", str(run_id)[:30])["id"] == str(run_id)
            assert cli.json("flow-run", "inspect", run_id.hex[:30].upper())["id"] == str(run_id)

    def test_the_beginning_of_several_ids(self, cli):
        ids = [str(new_run().id) for _ in range(3)]
        common = ids[0][:8]
        assert {run_id[:8] for run_id in ids} == {common}, "ids begin with the time"
        error = cli.error("flow-run", "inspect", common)
        assert error.startswith(f"Flow run '{common}' is ambiguous. It could be:")
        assert all(run_id in error for run_id in ids)

    def test_a_name_of_several_runs(self, cli):
        ids = {str(new_run("twins").id) for _ in range(2)}
        error = cli.error("flow-run", "inspect", "twins")
        assert all(run_id in error for run_id in ids)

    @pytest.mark.parametrize("text", ["nothing", "0192aaaa", "0192aaaa-75c9-42a1-a4d4-dcc7eaeb032a"])
    @pytest.mark.parametrize("command", ["inspect", "logs", "delete", "cancel", "retry", "watch"])
    def test_no_run(self, cli, command, text):
        assert cli.error("flow-run", command, text).startswith(f"Flow run {text!r} not found!")

    @pytest.mark.parametrize("command", ["inspect", "logs"])
    def test_no_task_run(self, cli, command):
        assert cli.error("task-run", command, "nothing").startswith("Task run 'nothing' not found!")


class TestInspect:
    def test_a_flow_run(self, cli, failed):
        shown = cli("flow-run", "inspect", str(failed.id)).stdout
        for text in (str(failed.id), failed.name, "sums", "Failed", "no sum", "1 completed", '"numbers": 1'):
            assert text in shown

    def test_a_task_run(self, cli, done):
        run = cli.json("task-run", "ls")[0]
        assert cli.json("task-run", "inspect", run["id"])["name"] == run["name"]
        shown = cli("task-run", "inspect", run["name"]).stdout
        for text in (run["id"], str(done.id), "Completed"):
            assert text in shown


class TestLogs:
    @pytest.fixture
    def messages(self, cli):
        def of(*options):
            return [log["message"] for log in cli.json("flow-run", "logs", *options)]

        return of

    @pytest.fixture
    def long(self):
        @flow
        def talkative() -> None:
            for number in range(250):
                get_run_logger().info("line %s", number)

        return run_of(talkative(return_state=True))

    def test_all_of_them_in_order(self, messages, long):
        found = messages(str(long.id))
        assert found[1:-1] == [f"line {number}" for number in range(250)]
        assert messages(str(long.id), "--reverse") == found[::-1]

    def test_some_of_them(self, messages, long):
        everything, run_id = messages(str(long.id)), str(long.id)
        assert messages(run_id, "--head") == everything[:20]
        assert messages(run_id, "-h", "-n", "3") == everything[:3]
        assert messages(run_id, "-n", "3") == everything[:3]
        assert messages(run_id, "--tail") == everything[-20:]
        assert messages(run_id, "-t", "-n", "3") == everything[-3:]
        assert messages(run_id, "-t", "-n", "3", "-r") == everything[-3:][::-1]
        assert messages(run_id, "-r", "-n", "3") == everything[-3:][::-1]
        assert messages(run_id, "-h", "-n", "3", "-r") == everything[:3][::-1]
        assert messages(run_id, "-t", "-n", "230") == everything[-230:]

    def test_contradictions(self, cli, long):
        assert "Cannot use both --head and --tail" in cli.error("flow-run", "logs", str(long.id), "-h", "-t", code=2)
        assert cli.error("flow-run", "logs", str(long.id), "-n", "0", code=2)

    def test_lines_say_when_how_grave_and_who(self, cli, done):
        lines = cli("flow-run", "logs", str(done.id)).stdout.splitlines()
        assert len(lines[0].split(" | ")[0]) == len("2026-01-31 12:00:00.000")
        assert f"Flow run '{done.name}' - Beginning" in lines[0]
        assert any("| WARNING | Task run 'add-0' - adding to 0" in line for line in lines)

    def test_those_of_a_task_run(self, cli, done):
        lines = cli("task-run", "logs", "add-1").stdout.splitlines()
        assert "adding to 1" in lines[0]
        assert all("Task run 'add-1'" in line for line in lines)
        assert len(cli.json("task-run", "logs", "add-1", "-n", "1")) == 1


class TestCancel:
    def state_of(self, run):
        return current_transport().send(flow_runs.read_flow_run(run.id)).state

    @pytest.mark.parametrize("state_type", [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING])
    def test_what_no_process_works_at_is_cancelled_at_once(self, cli, state_type):
        run = new_run(state_type=state_type)
        assert cli("flow-run", "cancel", str(run.id)).stdout.startswith(f"Cancelled flow run {run.name!r} ({run.id})")
        assert self.state_of(run).is_cancelled()

    def test_what_has_ended_is_not_cancelled(self, cli, done):
        error = cli.error("flow-run", "cancel", str(done.id))
        assert error == f"Flow run {done.name!r} ({done.id}) cannot be cancelled: it has ended already, as Completed."
        assert self.state_of(done).is_completed()


class TestDelete:
    def test_only_after_a_yes(self, cli, done):
        assert cli("--prompt", "flow-run", "delete", str(done.id), input="n\n", code=1).stdout.endswith("[y/N]: ")
        assert len(cli.json("flow-run", "ls")) == 1
        cli("--prompt", "flow-run", "delete", str(done.id), input="y\n")
        assert cli.json("flow-run", "ls") == []
        assert cli.json("task-run", "ls") == []

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_without_asking(self, cli, done, place, monkeypatch):
        monkeypatch.setenv("PREFECT_CLI_PROMPT", "true")
        command = ["flow-run", "delete", str(done.id)]
        cli(*(["--no-prompt", *command] if place == "before" else [*command, "--no-prompt"]))
        assert cli.json("flow-run", "ls") == []


RETRIED = """
from pathlib import Path
from prefect import flow, task

@flow
def once(word: str = "x", times: int = 2):
    with open("calls.txt", "a") as file:
        print(word * times, file=file)
    if not Path("ready").exists():
        raise ValueError("not ready")

@flow
async def later(word: str = "x", times: int = 2):
    with open("calls.txt", "a") as file:
        print("async", word * times, file=file)
"""


class TestRetry:
    @pytest.fixture
    def run(self, cli, script, tmp_path):
        path = script(RETRIED)
        cli("run", f"{path}:once", "-p", "word=ab", code=1)
        (tmp_path / "ready").touch()
        return cli.json("flow-run", "ls")[0]

    def states_of(self, run):
        with get_client(sync_client=True) as client:
            states = client.read_flow_run_states(UUID(run["id"]))
        return [state.name for state in sorted(states, key=lambda state: state.timestamp)]

    def test_with_its_parameters_under_its_id(self, cli, run, tmp_path):
        assert cli("flow-run", "retry", run["id"]).stdout.splitlines()[-1].startswith("Completed")
        assert (tmp_path / "calls.txt").read_text() == "abab\nabab\n"
        assert len(cli.json("flow-run", "ls")) == 1
        assert self.states_of(run) == ["Pending", "Running", "Failed", "AwaitingRetry", "Running", "Completed"]

    def test_even_if_it_completed(self, cli, run):
        cli("flow-run", "retry", run["id"])
        assert cli("flow-run", "retry", run["id"]).exit_code == 0
        assert cli.json("flow-run", "inspect", run["id"])["run_count"] == 3

    def test_with_another_entrypoint_even_an_async_one(self, cli, run, tmp_path):
        cli("flow-run", "retry", run["name"], "--entrypoint", "pipeline.py:later")
        assert (tmp_path / "calls.txt").read_text().splitlines()[-1] == "async abab"

    def test_a_failure_again(self, cli, run, tmp_path):
        (tmp_path / "ready").unlink()
        assert cli("flow-run", "retry", run["id"], code=1).stdout.startswith("Failed")

    def test_code_that_is_gone_changes_nothing(self, cli, run, tmp_path):
        (tmp_path / "pipeline.py").unlink()
        error = cli.error("flow-run", "retry", run["id"])
        assert "is not where it was" in error
        assert f"prefect flow-run retry {run['id']} --entrypoint" in error
        assert self.states_of(run)[-1] == "Failed"

    def test_a_flow_of_other_parameters_changes_nothing(self, cli, run, script):
        script("from prefect import flow\n@flow\ndef nothing(): ...\n", "nothing.py")
        error = cli.error("flow-run", "retry", run["id"], "-e", "nothing.py", code=2)
        assert "has no parameter 'word'" in error
        assert self.states_of(run)[-1] == "Failed"

    def test_a_run_that_does_not_say_where_its_flow_is(self, cli):
        run = new_run(state_type=StateType.FAILED)
        assert "does not say where its flow is" in cli.error("flow-run", "retry", str(run.id))

    def test_a_scheduled_run(self, cli, run, script, tmp_path):
        created = new_run(parameters={"word": "z"}, labels={"prefect.flow.entrypoint": f"{tmp_path}/pipeline.py:once"})
        cli("flow-run", "retry", str(created.id))
        assert (tmp_path / "calls.txt").read_text().splitlines()[-1] == "zz"

    def test_a_run_that_has_not_ended(self, cli):
        run = new_run(state_type=StateType.PAUSED)
        assert cli.error("flow-run", "retry", str(run.id)).endswith("is Paused and has not ended. Resume it instead.")


class TestWatch:
    def test_what_has_ended(self, cli, done, failed):
        assert cli("flow-run", "watch", str(done.id)).stdout.splitlines()[-1].endswith("- Completed")
        assert "no sum" in cli("flow-run", "watch", str(failed.id), code=1).stdout

    def test_not_for_ever(self, cli):
        run = new_run()
        result = cli("flow-run", "watch", str(run.id), "--timeout", "1", code=1)
        assert "has not ended within 1 seconds: it is Scheduled." in result.stderr
