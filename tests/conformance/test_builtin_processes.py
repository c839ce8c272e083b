"""The suites of what runs tasks, flows and steps, on what the core itself provides."""

from __future__ import annotations

import subprocess
from typing import ClassVar

import pytest

from prefect.task_runners import ProcessPoolTaskRunner, SequentialTaskRunner, ThreadPoolTaskRunner
from prefect.testing.conformance import StepContract, TaskRunnerContract, WorkerContract, WorkerFailuresContract
from prefect.workers.process import ProcessWorker


class TestThreads(TaskRunnerContract):
    @pytest.fixture
    def runner(self):
        return ThreadPoolTaskRunner(max_workers=4)


class TestSequence(TaskRunnerContract):
    @pytest.fixture
    def runner(self):
        return SequentialTaskRunner()


class TestProcesses(TaskRunnerContract):
    many = 10

    @pytest.fixture
    def runner(self):
        return ProcessPoolTaskRunner(max_workers=1)


class TestProcessWorker(WorkerContract):
    @pytest.fixture
    def worker_class(self):
        return ProcessWorker


class FlakyWorker(ProcessWorker):
    """A worker whose infrastructure is away now and then."""

    type: ClassVar[str] = "flaky-for-tests"
    refusals: ClassVar[int] = 0

    async def run(self, *args, **kwargs):
        if FlakyWorker.refusals:
            FlakyWorker.refusals -= 1
            raise ConnectionRefusedError("nobody listens")
        return await super().run(*args, **kwargs)


class TestWorkerWithFailures(WorkerFailuresContract):
    @pytest.fixture
    def worker_class(self):
        return FlakyWorker

    @pytest.fixture
    def broken_variables(self):
        return {"command": "no-such-program-of-anybody"}

    @pytest.fixture
    def transient_failures(self, monkeypatch):
        return lambda times: monkeypatch.setattr(FlakyWorker, "refusals", times)


class TestSetWorkingDirectory(StepContract):
    name = "prefect.deployments.steps.set_working_directory"

    @pytest.fixture
    def inputs(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # and back again
        return {"directory": str(tmp_path)}


class TestRunShellScript(StepContract):
    name = "prefect.deployments.steps.run_shell_script"

    @pytest.fixture
    def inputs(self):
        return {"script": "echo tulips", "stream_output": False}


class TestGitClone(StepContract):
    name = "prefect.deployments.steps.git_clone"

    @pytest.fixture
    def inputs(self, tmp_path, monkeypatch):
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        origin = tmp_path / "origin"
        origin.mkdir()
        for arguments in (["init", "-q", "-b", "main"], [*who, "commit", "-q", "--allow-empty", "-m", "First"]):
            subprocess.run(["git", *arguments], cwd=origin, check=True)
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        return {"repository": f"file://{origin}"}
