"""Cost per mapped task at 100 and at 10,000 tasks, and the memory that 10,000 take beyond the futures kept.

    python benchmarks/growth.py

Promised: at most 1.1 times the cost per task, at most 8 seconds and 200 MB for 10,000.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time

os.environ.setdefault("PREFECT_HOME", tempfile.mkdtemp())
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")

from prefect import flow, task


@task
def nothing(x):
    pass


@flow(validate_parameters=False)
def mapped(n):
    nothing.map(range(n)).wait()


def cost(n: int) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    mapped(n)
    return time.perf_counter() - began, time.process_time() - cpu


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


mapped(10)
small = min(cost(100) for _ in range(10))
before = memory()
large = cost(10_000)
print(f"100 tasks:    {small[0] / 100 * 1000:.3f} ms wall, {small[1] / 100 * 1000:.3f} ms CPU per task")
print(
    f"10,000 tasks: {large[0] / 10_000 * 1000:.3f} ms wall, {large[1] / 10_000 * 1000:.3f} ms CPU per task; {large[0]:.1f} s"
)
print(f"ratio: {large[1] / 100 / small[1]:.2f} (CPU), memory: +{memory() - before:.0f} MB")
