"""How many calls of `delay` are stored a second, and how many are executed by one task worker, with a server.

    python benchmarks/background_tasks.py [--against PYTHON] [--rounds 3]

Promised: at least 300 a second of each, on two cores that nobody else uses.
"""

from __future__ import annotations

from serving import compare

SCRIPT = """
import json, os, subprocess, sys, time
import httpx
from prefect import get_client, task

@task
def nothing(number):
    return number

N = 1000
SECONDS = 600
COMPLETED = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}

def completed():
    return httpx.post(os.environ["PREFECT_API_URL"] + "/task_runs/count", json=COMPLETED, timeout=60).json()

if __name__ == "__main__":
    if "serve" in sys.argv:
        from prefect.task_worker import serve
        serve(nothing)
        raise SystemExit
    nothing.delay(-1)
    began = time.perf_counter()
    for number in range(N):
        nothing.delay(number)
    enqueued = N / (time.perf_counter() - began)
    worker = subprocess.Popen([sys.executable, "workload.py", "serve"])
    deadline = time.monotonic() + SECONDS
    while completed() < N and time.monotonic() < deadline:
        time.sleep(0.25)
    with get_client(sync_client=True) as client:
        runs = [run for offset in range(0, N, 200) for run in client.read_task_runs(limit=200, offset=offset)]
    worker.terminate()
    worker.wait(30)
    ended = [run for run in runs if run.end_time is not None]
    first, last = min(run.start_time for run in ended), max(run.end_time for run in ended)
    print(json.dumps({"enqueued/s": enqueued, "completed/s": len(ended) / (last - first).total_seconds()}))
"""

if __name__ == "__main__":
    compare(SCRIPT, __doc__)
