"""The console script, from end to end, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from tests.integration.cli.conftest import PREFECT

pytestmark = pytest.mark.timeout(300)  # many commands in turn, each a process that a busy machine starts slowly

PIPELINE = """
import sys
from pathlib import Path
from prefect import flow, get_run_logger, task

@task(persist_result=True)
def download(day: str) -> str:
    with open("downloads.txt", "a") as file:
        print(day, file=file)
    return f"data of {day}"

@task
def load(data: str) -> None:
    if not Path("target").exists():
        raise OSError("there is no target")

@flow
def daily(day: str) -> None:
    get_run_logger().info("This is %s", day)
    load(download(day))

if __name__ == "__main__":
    daily("never")
"""


def test_a_run_that_fails_is_found_read_repaired_retried_and_deleted(shell, script, tmp_path):
    script(PIPELINE)
    failed = shell("run", "pipeline.py", "-p", "day=2024", code=1)
    assert "OSError: there is no target" in failed.stderr
    (last,) = failed.stdout.splitlines()
    assert last.startswith("Failed | flow 'daily' | run '")
    assert "tasks: 1 completed, 1 failed" in last

    (run,) = json.loads(shell("flow-run", "ls", "--state", "failed", "-o", "json").stdout)
    assert run["parameters"] == {"day": "2024"}
    assert run["id"] in last
    shown = shell("flow-run", "inspect", run["id"]).stdout
    assert "there is no target" in shown
    assert "1 completed, 1 failed" in shown
    logs = shell("flow-run", "logs", run["id"]).stdout
    assert f"INFO    | Flow run '{run['name']}' - This is 2024" in logs
    assert "Task run 'load-0' - " in logs

    (tmp_path / "target").mkdir()
    again = shell("flow-run", "retry", run["name"])
    assert again.stdout.splitlines()[-1].startswith("Completed | flow 'daily'")
    assert run["id"] in again.stdout
    assert (tmp_path / "downloads.txt").read_text() == "2024\n", "a stored result is not computed again"
    after = json.loads(shell("flow-run", "inspect", run["id"], "-o", "json").stdout)
    assert (after["state_type"], after["run_count"], after["parameters"]) == ("COMPLETED", 2, {"day": "2024"})

    assert "Deleted" in shell("flow-run", "delete", run["id"]).stdout
    assert json.loads(shell("flow-run", "ls", "-o", "json").stdout) == []
    assert "not found" in shell("flow-run", "inspect", run["id"], code=1).stderr


SLEEPER = """
import time
from prefect import flow

@flow
def sleeper():
    print("asleep", flush=True)
    time.sleep(60)
"""


def start(path, **environment):
    process = subprocess.Popen(
        [PREFECT, "run", path],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "asleep\n"
    return process


def test_a_run_in_another_process_is_watched_and_cancelled(cli, script):
    process = start(script(SLEEPER))
    try:
        (run,) = cli.json("flow-run", "ls", "--state-type", "running")
        assert "is Running and has not ended. Cancel it first" in cli.error("flow-run", "retry", run["id"])
        assert cli("flow-run", "cancel", run["id"]).stdout.startswith(
            "Cancelled flow run "
        )  # it has waited for the end
        began = time.monotonic()
        watched = cli("flow-run", "watch", run["id"], code=1).stdout
        assert time.monotonic() - began < 15
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert out.startswith("Cancelled | flow 'sleeper'")
    assert "STATE   | " in watched
    assert "- Cancelled: " in watched.splitlines()[-1]
    assert "it has ended already, as Cancelled" in cli.error("flow-run", "cancel", run["id"])


def test_ctrl_c_ends_a_run_with_130(cli, script):
    process = start(script(SLEEPER))
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith("Crashed | flow 'sleeper'")
    assert "Traceback" not in error
    assert cli.json("flow-run", "ls")[0]["state_type"] == "CRASHED"


def test_a_killed_run_can_be_retried(cli, script):
    process = start(script(SLEEPER))
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    (run,) = cli.json("flow-run", "ls")
    assert run["state_name"] == "Crashed"
    script(SLEEPER.replace("60", "0"))
    assert cli("flow-run", "retry", run["id"]).stdout.splitlines()[-1].startswith("Completed")


def test_readers_may_stop_reading(cli, script, tmp_path):
    for number in range(50):
        cli("variable", "set", f"variable_{number}", "x" * 2000)
    command = f"{PREFECT} variable ls -o json | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert len(done.stdout) == 10


def test_settings_profiles_and_versions(shell):
    assert shell("--version").stdout == shell("-v").stdout == "4.0.0\n"
    assert "Version:              4.0.0" in shell("version").stdout
    shell("config", "set", "PREFECT_RESULTS_PERSIST_BY_DEFAULT=true")
    shown = shell("config", "view", PREFECT_LOGGING_LEVEL="ERROR").stdout
    assert "PREFECT_RESULTS_PERSIST_BY_DEFAULT='True' (from profile)" in shown
    assert "PREFECT_LOGGING_LEVEL='ERROR' (from env)" in shown
    assert "(from defaults)" not in shown
    shell("profile", "create", "other")
    assert "PERSIST" not in shell("--profile", "other", "config", "view").stdout
    assert "PERSIST" not in shell("config", "view", "-o", "json", "--profile", "other").stdout
    assert "PERSIST" in shell("config", "view").stdout


def test_a_server_that_cannot_be_reached_is_said(shell):
    error = shell("flow-run", "ls", code=1, PREFECT_API_URL="http://127.0.0.1:1/api").stderr
    assert "http://127.0.0.1:1/api" in error
    assert "Traceback" not in error


def test_settings_that_are_wrong_are_said(shell):
    error = shell("flow-run", "ls", code=1, PREFECT_LOGGING_LEVEL="loud").stderr
    assert "PREFECT_LOGGING_LEVEL is 'loud' (PREFECT_LOGGING_LEVEL in the environment)" in error
    assert "Traceback" not in error
    assert "Commands:" in shell("--help", PREFECT_LOGGING_LEVEL="loud").stdout
