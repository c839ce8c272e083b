"""What users do: scripts and commands in processes of their own, with no server, in a home that was empty before."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time

import pytest

FIRST = """
    from prefect import flow, task

    @task
    def square(x: int) -> int:
        return x * x

    @flow(log_prints=True)
    def total(n: int = 4) -> int:
        print("adding up", n)
        return sum(square(x) for x in range(n))

    if __name__ == "__main__":
        print("total:", total())
"""


def runs(user, *options):
    return json.loads(user.prefect("flow-run", "ls", "-o", "json", *options).stdout)


def test_a_first_flow_runs_in_seconds_and_is_there_to_be_looked_at(user):
    done = user.python(user.write("first.py", FIRST))
    assert done.stdout == "total: 14\n"
    assert done.seconds < 3
    assert "adding up 4" in done.stderr
    [run] = runs(user)
    assert (run["state_name"], run["parameters"], run["run_count"]) == ("Completed", {"n": 4}, 1)
    shown = user.prefect("flow-run", "inspect", run["id"]).stdout
    assert run["name"] in shown
    assert "4 completed" in shown
    assert "adding up 4" in user.prefect("flow-run", "logs", run["id"]).stdout


def test_nothing_is_left_outside_of_the_home(user):
    user.python(user.write("first.py", FIRST), HOME=user.folder / "elsewhere")
    assert not (user.folder / "elsewhere").exists()
    assert {path.name for path in user.folder.iterdir()} <= {"first.py", "home", "__pycache__"}
    assert (user.home / "prefect.db").exists()


def test_a_flow_of_a_file_is_run_by_command_with_parameters(user):
    user.write("first.py", FIRST)
    user.prefect("run", "first.py:total", "-p", "n=10")
    assert [run["parameters"] for run in runs(user)] == [{"n": 10}]


def test_retries_are_in_the_logs(user):
    script = user.write(
        "retries.py",
        """
        from pathlib import Path
        from prefect import flow, task

        @task(retries=2, retry_delay_seconds=0.1)
        def unreliable():
            with Path("tries").open("a") as file:
                file.write("x")
            if Path("tries").stat().st_size < 3:
                raise ConnectionError("not yet")

        @flow
        def patient():
            unreliable()

        patient()
        """,
    )
    user.python(script)
    logs = user.prefect("flow-run", "logs", runs(user)[0]["id"]).stdout
    assert re.findall(r"Retry (\d)/2 will start", logs) == ["1", "2"]
    assert logs.count("ConnectionError('not yet')") == 2
    [task_run] = json.loads(user.prefect("task-run", "ls", "-o", "json").stdout)
    assert (task_run["state_name"], task_run["run_count"]) == ("Completed", 3)


FAILING = """
    from prefect import flow, task

    @task
    def divide(a, b):
        return a / b

    @flow
    def fragile(n: int = 0):
        return divide(1, n)

    if __name__ == "__main__":
        fragile()
"""


def test_a_failing_flow_ends_its_script_with_its_own_exception(user):
    done = user.python(user.write("fragile.py", FAILING), expect=1)
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    frames = re.findall(r'File "(.+?)", line \d+, in (.+)', done.stderr.rpartition("Finished in state")[2])
    own = [name for file, name in frames if file.endswith("fragile.py")]
    assert own == ["<module>", "fragile", "divide"]
    assert frames[0][1] == "<module>"
    assert frames[-1][1] == "divide"
    [run] = runs(user)
    assert (run["state_type"], run["run_count"]) == ("FAILED", 1)
    assert "ZeroDivisionError: division by zero" in run["state"]["message"]


def test_tracebacks_in_the_log_show_the_users_code_alone(user):
    script = user.write("fragile.py", FAILING)
    done = user.python(script, expect=1)
    logged = re.findall(r"(Task|Flow) run '[^\n]*\n(Traceback.*?)\n\d\d:\d\d", done.stderr, re.DOTALL)
    frames = {kind: re.findall(r'File "(.+?)", line \d+, in (.+)', text) for kind, text in logged}
    assert frames == {
        "Task": [(str(script), "divide")],
        "Flow": [(str(script), "fragile"), (str(script), "divide")],
    }


def test_a_failing_flow_that_is_run_by_command_ends_with_1_and_no_traceback_of_the_command(user):
    user.write("fragile.py", FAILING)
    done = user.prefect("run", "fragile.py", expect=1)
    assert "cli" not in "".join(re.findall(r'File "(.+?)"', done.stdout + done.stderr))
    assert "ZeroDivisionError: division by zero" in done.stderr


def test_parameters_that_do_not_fit_fail_before_the_code_runs(user):
    user.write("first.py", FIRST)
    done = user.prefect("run", "first.py", "-p", "n=many", expect=1)
    assert "adding up" not in done.stdout + done.stderr
    assert "integer" in done.stdout + done.stderr


def test_a_stored_result_is_read_by_another_process(user):
    script = user.write(
        "make.py",
        """
        from dataclasses import dataclass
        from prefect import flow

        @flow(persist_result=True)
        def make() -> dict[str, list[int]]:
            return {"numbers": [1, 2, 3]}

        print(make(return_state=True).state_details.flow_run_id)
        """,
    )
    reader = user.write(
        "read.py",
        """
        import sys
        from uuid import UUID
        from prefect import get_client

        with get_client(sync_client=True) as client:
            print(client.read_flow_run(UUID(sys.argv[1])).state.result())
        """,
    )
    run_id = user.python(script).stdout.strip()
    assert user.python(reader, run_id).stdout.strip() == "{'numbers': [1, 2, 3]}"


def test_a_result_that_was_not_stored_is_said_to_be_missing(user):
    user.python(user.write("first.py", FIRST))
    reader = user.write(
        "read.py",
        """
        from uuid import UUID
        import sys
        from prefect import get_client
        with get_client(sync_client=True) as client:
            client.read_flow_run(UUID(sys.argv[1])).state.result()
        """,
    )
    done = user.python(reader, runs(user)[0]["id"], expect=1)
    assert "MissingResult" in done.stderr.splitlines()[-1]


def test_two_scripts_at_once_share_a_home(user):
    script = user.write(
        "many.py",
        """
        from prefect import flow, task

        @task
        def work(x):
            return x + 1

        @flow
        def many():
            return sum(future.result() for future in work.map(range(100)))

        assert many() == 5050
        """,
    )
    started = [user.start(sys.executable, script) for _ in range(2)]  # both find an empty home
    ended = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0], ended
    assert not [err for _, err in ended if "locked" in err or "Traceback" in err]
    assert [run["state_name"] for run in runs(user)] == ["Completed", "Completed"]
    with sqlite3.connect(user.home / "prefect.db") as database:
        rows = database.execute("SELECT flow_run_id, count(*), count(DISTINCT id) FROM task_run GROUP BY 1").fetchall()
    assert [row[1:] for row in rows] == [(100, 100), (100, 100)]


def test_variables_and_artifacts_of_a_flow_are_read_by_command(user):
    script = user.write(
        "leave.py",
        """
        from prefect import flow
        from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
        from prefect.variables import Variable

        @flow
        def leave():
            Variable.set("threshold", {"low": 3, "high": 7}, overwrite=True)
            create_markdown_artifact(key="summary", markdown="# All is well")
            create_table_artifact(key="cities", table=[{"city": "Delft", "visits": 3}])
            create_link_artifact(key="dashboard", link="https://example.com/dashboard")
            assert Variable.get("threshold")["high"] == 7

        leave()
        """,
    )
    user.python(script)
    assert json.loads(user.prefect("variable", "get", "threshold").stdout) == {"low": 3, "high": 7}
    listed = user.prefect("artifact", "ls").stdout
    assert all(key in listed for key in ("summary", "cities", "dashboard"))
    assert "All is well" in user.prefect("artifact", "inspect", "summary").stdout
    assert "Delft" in user.prefect("artifact", "inspect", "cities").stdout
    user.prefect("variable", "set", "threshold", "5", "--overwrite")
    reader = user.write("ask.py", 'from prefect.variables import Variable; print(Variable.get("threshold") * 2)')
    assert user.python(reader).stdout.strip() == "10"


def test_a_secret_is_saved_by_one_script_and_used_by_another_but_never_shown(user):
    saver = user.write(
        "save.py", 'from prefect.blocks.system import Secret\nSecret(value="hunter2-of-the-test").save("password")'
    )
    reader = user.write(
        "use.py",
        """
        from prefect import flow
        from prefect.blocks.system import Secret

        @flow(log_prints=True)
        def use():
            secret = Secret.load("password")
            print("loaded", secret)
            return len(secret.get())

        print(use())
        """,
    )
    user.python(saver)
    done = user.python(reader)
    assert done.stdout.strip() == "19"
    assert "hunter2" not in done.stderr
    assert not [path for path in user.home.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_settings_of_a_profile_reach_scripts(user):
    user.prefect("config", "set", "PREFECT_LOGGING_LEVEL=ERROR")
    done = user.python(user.write("first.py", FIRST))
    assert (done.stdout, done.stderr) == ("total: 14\n", "")
    assert "ERROR" in user.prefect("config", "view").stdout


def test_a_run_is_cancelled_from_another_terminal(user):
    script = user.write(
        "endless.py",
        """
        import time
        from prefect import flow, task

        @task
        def wait():
            while True:
                time.sleep(0.1)

        @flow
        def endless():
            wait()

        endless()
        """,
    )
    process = user.start(sys.executable, script)
    try:
        deadline = time.monotonic() + 20
        while not (found := runs(user, "--state", "Running")):
            assert time.monotonic() < deadline
        user.prefect("flow-run", "cancel", found[0]["id"])
        began = time.monotonic()
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode != 0, err
    assert time.monotonic() - began < 15
    assert [run["state_name"] for run in runs(user)] == ["Cancelled"]


@pytest.mark.parametrize("runner", ["ThreadPoolTaskRunner", "ProcessPoolTaskRunner"])
def test_tasks_run_where_the_runner_says(user, runner):
    script = user.write(
        "where.py",
        f"""
        import os
        from prefect import flow, task
        from prefect.task_runners import {runner}

        @task
        def where(x):
            return os.getpid()

        @flow(task_runner={runner}(max_workers=2))
        def spread():
            return set(where.map(range(4)).result())

        if __name__ == "__main__":
            print("in this process" if spread() == {{os.getpid()}} else "elsewhere")
        """,
    )
    expected = "in this process" if runner.startswith("Thread") else "elsewhere"
    assert user.python(script).stdout.strip() == expected
    assert len(json.loads(user.prefect("task-run", "ls", "-o", "json").stdout)) == 4


def test_async_flows_with_flows_inside(user):
    script = user.write(
        "nested.py",
        """
        import asyncio
        from prefect import flow, task

        @task
        async def double(x):
            await asyncio.sleep(0.01)
            return 2 * x

        @flow
        async def inner(x):
            return await double(x)

        @flow
        async def outer():
            return await asyncio.gather(*(inner(x) for x in range(3)))

        print(asyncio.run(outer()))
        """,
    )
    assert user.python(script).stdout.strip() == "[0, 2, 4]"
    assert sorted(run["state_name"] for run in runs(user)) == ["Completed"] * 4
    assert [run["parent_task_run_id"] is None for run in runs(user)].count(False) == 3
