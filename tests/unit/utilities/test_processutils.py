from __future__ import annotations

import io
import os
import signal
import sys
import time

import anyio
import pytest

from prefect.utilities.processutils import (
    command_from_string,
    command_to_string,
    forward_signal_handler,
    get_sys_executable,
    open_process,
    run_process,
    sanitize_subprocess_env,
)

PRINT = "import sys; print('out'); print('err', file=sys.stderr)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_commands_as_texts():
    parts = ["a", "b c", "d'e"]
    assert command_from_string(command_to_string(parts)) == parts
    with pytest.raises(ValueError, match="list of its parts"):
        command_to_string("a b")
    with pytest.raises(ValueError, match="Expected a text"):
        command_from_string(["a"])
    assert command_from_string(get_sys_executable()) == [sys.executable]


def test_environments():
    target = {"B": "1", "C": "2"}
    assert sanitize_subprocess_env({"A": "1", "B": None}, remove_from=target) == {"A": "1"}
    assert target == {"C": "2"}
    assert sanitize_subprocess_env(None) == {}


def test_a_process_is_run_to_its_end():
    async def main():
        process = await run_process(python("raise SystemExit(3)"))
        assert process.returncode == 3

    anyio.run(main)


def test_output_goes_to_sinks(capfd, tmp_path):
    async def main():
        out, err = io.StringIO(), io.StringIO()
        await run_process(python(PRINT), stream_output=(out, err))
        assert out.getvalue() == "out\n"
        assert err.getvalue() == "err\n"
        async with await anyio.open_file(tmp_path / "log", "w") as file:
            await run_process(python(PRINT), stream_output=(file, None))
        await run_process(python(PRINT))

    anyio.run(main)
    assert (tmp_path / "log").read_text() == "out\n"
    assert capfd.readouterr().out == ""


def test_output_goes_to_this_processs_output(capsys):
    anyio.run(lambda: run_process(python(PRINT), stream_output=True))
    captured = capsys.readouterr()
    assert captured.out == "out\n"
    assert captured.err == "err\n"


def test_the_start_of_a_process_is_told():
    async def main():
        async with anyio.create_task_group() as group:
            pid = await group.start(lambda *, task_status: run_process(python("pass"), task_status=task_status))
            assert isinstance(pid, int)

            async def run(*, task_status):
                await run_process(python("pass"), task_status=task_status, task_status_handler=lambda p: ("got", p.pid))

            assert (await group.start(run))[0] == "got"

    anyio.run(main)


def test_a_process_ends_with_whoever_waits_for_it():
    async def main():
        with anyio.CancelScope() as scope:
            async with open_process(python("import time; time.sleep(60)")) as process:
                scope.cancel()
                await process.wait()
        assert process.returncode is not None
        async with open_process(python("import time; time.sleep(60)")) as process:
            pass
        assert process.returncode is not None
        with pytest.raises(TypeError, match="list of its parts"):
            async with open_process("python"):
                pass

    start = time.monotonic()
    anyio.run(main)
    assert time.monotonic() - start < 30


def test_signals_are_sent_on_and_get_stronger():
    import subprocess

    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('term', flush=True))\n"
        "print('ready', flush=True)\ntime.sleep(60)\ntime.sleep(60)"
    )
    child = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True)
    said = []
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert child.stdout.readline() == "ready\n"
        forward_signal_handler(
            child.pid, signal.SIGTERM, signal.SIGKILL, process_name="the child", print_fn=said.append
        )
        os.kill(os.getpid(), signal.SIGTERM)
        assert child.stdout.readline() == "term\n"
        assert child.poll() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert child.wait(30) == -signal.SIGKILL
        os.kill(os.getpid(), signal.SIGTERM)
        assert said[0] == f"Received SIGTERM. Sending SIGTERM to the child (PID {child.pid})..."
        assert "SIGKILL" in said[1]
        assert "has ended already" in said[-1]
    finally:
        signal.signal(signal.SIGTERM, before)
        child.kill()
        child.stdout.close()
        child.wait()
