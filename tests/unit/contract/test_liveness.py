"""Whether a process is there is known, or is said not to be known; a living one is never taken for dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from prefect._contract.liveness import ProcessIdentity

REPORT = """
import sys
from prefect._contract.liveness import ProcessIdentity
me = ProcessIdentity.current()
print(me.host, me.pid, me.started or "-", me.boot_id or "-", me.pid_namespace or "-", sep="\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def other():
    """Another process that lives until its input is closed, and its identity as it tells it."""
    process = subprocess.Popen([sys.executable, "-c", REPORT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline().strip() for _ in range(5)]
    host, pid, started, boot_id, namespace = ["" if line == "-" else line for line in lines]
    yield process, ProcessIdentity(host, int(pid), started, boot_id, namespace)
    process.stdin.close()
    process.stdout.close()
    process.wait(30)


def test_this_process_is_alive():
    identity = ProcessIdentity.current()
    assert identity.pid == os.getpid()
    assert identity.is_alive() is True
    assert ProcessIdentity.current() == identity


def test_another_process_is_alive_until_it_ends(other):
    process, identity = other
    assert identity.pid == process.pid
    assert identity.is_alive() is True
    process.stdin.close()
    process.wait(30)
    assert identity.is_alive() is False


def test_a_killed_process_is_dead_even_when_nobody_has_waited_for_it(other):
    process, identity = other
    os.kill(process.pid, 9)
    deadline = time.monotonic() + 30
    while identity.is_alive() is not False:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.returncode is None  # still a zombie


def test_a_number_that_was_given_to_another_process_is_not_the_old_one():
    identity = ProcessIdentity.current()
    assert replace(identity, started=identity.started + "0").is_alive() is False


def test_a_number_that_nobody_has_is_dead():
    with open("/proc/sys/kernel/pid_max") as file:
        beyond = int(file.read()) + 1
    assert replace(ProcessIdentity.current(), pid=beyond).is_alive() is False


@pytest.mark.parametrize(
    "change", [{"boot_id": "another"}, {"pid_namespace": "pid:[1]"}, {"boot_id": "", "host": "elsewhere"}, {"pid": 0}]
)
def test_what_cannot_be_seen_from_here_is_not_known(change):
    assert replace(ProcessIdentity.current(), **change).is_alive() is None


def test_a_process_whose_start_is_not_known_is_not_declared_dead():
    assert replace(ProcessIdentity.current(), started="").is_alive() is None


def test_processes_of_other_users_are_seen():
    assert ProcessIdentity.current().pid != 1
    init = replace(ProcessIdentity.current(), pid=1, started="0")
    assert init.is_alive() in {False, None}  # it exists, and started at another time


def test_a_fork_is_another_process():
    parent = ProcessIdentity.current()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        identity = ProcessIdentity.current()
        os.write(writer, str(identity.pid != parent.pid and identity.is_alive() and parent.is_alive()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"True"
    os.close(reader)
    os.close(writer)
