"""How soon user code runs once a run is created: of a deployment that is served, and of a work pool, with a server.

    python benchmarks/starts.py [--against PYTHON] [--rounds 3]

Promised: at most 0.5 s, and one start of Python. `cpu` is what the supervisor and the process of a run take together.
"""

from __future__ import annotations

from serving import compare

SCRIPT = """
import json, os, resource, statistics, subprocess, sys, time
from pathlib import Path
from prefect import flow, get_client
from prefect.deployments import run_deployment

N = 10
HERE = Path(__file__).parent

@flow
def begun():
    from prefect.runtime import flow_run
    (HERE / f"begun-{flow_run.id}").write_text(str(time.time()))

def measure(name):
    waits = []
    for number in range(N + 1):
        created = time.time()
        run = run_deployment(f"begun/{name}", timeout=0, as_subflow=False)
        note = HERE / f"begun-{run.id}"
        while not note.exists() or not note.read_text():
            time.sleep(0.002)
            if time.time() - created > 120:
                raise SystemExit(f"{name}: run {run.id} has not begun")
        waits.append((float(note.read_text()) - created) * 1000)
        time.sleep(0.5)
    return waits[1:]

def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

def ended(process):
    process.terminate()
    process.wait(60)

def start():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import prefect"])
    return (time.perf_counter() - began) * 1000

if __name__ == "__main__":
    if "serve" in sys.argv:
        begun.serve("served")
        raise SystemExit
    figures = {"a Python start ms": statistics.median(start() for _ in range(5))}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = str(Path(sys.executable).parent / "prefect")
    subprocess.run([program, "work-pool", "create", "pool", "--type", "process"], check=True, **quiet)
    flow.from_source(str(HERE), "workload.py:begun").deploy("queued", work_pool_name="pool", print_next_steps=False)
    commands = {
        "served": [sys.executable, "workload.py", "serve"],
        "queued": [program, "worker", "start", "--pool", "pool"],
    }
    for name, command in commands.items():
        before = cpu()
        process = subprocess.Popen(command, **quiet)
        with get_client(sync_client=True) as client:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                try:
                    client.read_deployment_by_name(f"begun/{name}")
                    break
                except Exception:
                    time.sleep(0.2)
        time.sleep(5)
        waits = sorted(measure(name))
        ended(process)
        figures |= {f"{name} p50 ms": statistics.median(waits), f"{name} p95 ms": waits[-1]}
        figures[f"{name} cpu ms"] = (cpu() - before) * 1000 / (N + 1)
    print(json.dumps(figures))
"""

if __name__ == "__main__":
    compare(SCRIPT, __doc__)
