"""How many calls of `delay` are stored a second, and how many are executed by one task worker, with a server.

    python benchmarks/background_tasks.py [--against PYTHON] [--rounds 3]

Promised: at least 300 a second of each, on two cores that nobody else uses.
"""

from __future__ import annotations

from serving import compare

SCRIPT = """
import json, subprocess, sys, time
from prefect import get_client, task

@task
def nothing(number):
    return number

N = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 200

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
    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + 600
        while True:
            ended = [run for run in client.read_task_runs(limit=200) if run.end_time is not None]
            if len(ended) >= min(N, 200) or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    worker.terminate()
    worker.wait(30)
    first, last = min(run.start_time for run in ended), max(run.end_time for run in ended)
    print(json.dumps({"enqueued/s": enqueued, "completed/s": len(ended) / (last - first).total_seconds()}))
"""

if __name__ == "__main__":
    compare(SCRIPT, __doc__)
