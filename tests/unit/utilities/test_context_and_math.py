from __future__ import annotations

import contextvars
import statistics
import subprocess
import sys
from types import SimpleNamespace
from uuid import uuid4

import pytest

from prefect.utilities import math as intervals
from prefect.utilities.context import get_flow_run_id, get_task_and_flow_run_ids, get_task_run_id, temporary_context

variable = contextvars.ContextVar("variable")


def test_another_context_for_a_while():
    def make():
        variable.set("other")
        return contextvars.copy_context()

    variable.set("mine")
    other = contextvars.copy_context().run(make)
    with temporary_context(other):
        assert variable.get() == "other"
    assert variable.get() == "mine"


def test_the_run_that_the_caller_is_in():
    from prefect.context import FlowRunContext, TaskRunContext

    assert get_task_and_flow_run_ids() == (None, None)
    flow_run = SimpleNamespace(id=uuid4(), name="f")
    task_run = SimpleNamespace(id=uuid4(), name="t", flow_run_id=uuid4())
    task = {"task": None, "task_run": task_run, "parameters": {}, "result_store": None}
    with TaskRunContext(**task):
        assert get_task_and_flow_run_ids() == (task_run.id, task_run.flow_run_id)
        with FlowRunContext(flow_run=flow_run):
            assert get_flow_run_id() == flow_run.id
            assert get_task_run_id() == task_run.id


def test_a_process_without_contexts_is_in_no_run():
    code = (
        "import sys; from prefect.utilities.context import get_flow_run_id;"
        "assert get_flow_run_id() is None and 'prefect.context' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def sample(function, *args):
    return [function(*args) for _ in range(4000)]


def test_intervals():
    assert statistics.mean(sample(intervals.poisson_interval, 10)) == pytest.approx(10, rel=0.15)
    times = sample(intervals.clamped_poisson_interval, 10, 0.3)
    assert statistics.mean(times) == pytest.approx(10, rel=0.05)
    assert min(times) > 7.5
    assert max(times) <= 13.0001
    times = sample(intervals.bounded_poisson_interval, 3, 8)
    assert min(times) >= 2.9999
    assert max(times) <= 8.0001
    assert statistics.mean(times) < 5.5
    assert intervals.exponential_cdf(1, 2) == pytest.approx(0.3934693)
    assert intervals.lower_clamp_multiple(1) == 1
    assert intervals.lower_clamp_multiple(2) == pytest.approx(0.4150375)
    assert intervals.lower_clamp_multiple(60) == 0
    with pytest.raises(ValueError, match="must be > 0"):
        intervals.clamped_poisson_interval(10, 0)
