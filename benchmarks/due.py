"""How late scheduled runs begin, and whether many that are due at once are all taken, with a server.

    python benchmarks/due.py [--against PYTHON] [--rounds 3]

Promised: a lateness of at most 2 s (p99), from the time of a schedule to user code. Of 1,000 runs that are due in the same
second all are claimed within 60 s, and none fails. What takes those is a worker that starts no processes: it is the
orchestrator, and the taking of runs, that is measured.

With DUE_ONLY only the latter is measured, with DUE_AT_ONCE of another number of runs, and with DUE_PROMISED it fails where
the promise is not kept, in proportion to the number.
"""

from __future__ import annotations

from serving import compare

SCRIPT = """
import asyncio, json, os, subprocess, sys, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from prefect import flow, get_client, serve
from prefect.client.schemas.filters import FlowRunFilter
from prefect.states import Completed, Running, Scheduled
from prefect.workers.base import BaseWorker, BaseWorkerResult

MANY = int(os.environ.get("DUE_AT_ONCE", 1000))
SECONDS = 40
HERE = Path(__file__).parent

@flow
def scheduled():
    from prefect.runtime import flow_run
    late = datetime.now(timezone.utc).timestamp() - flow_run.scheduled_start_time.timestamp()
    (HERE / f"late-{flow_run.id}").write_text(str(late))

def lateness():
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "workload.py", "serve"], **quiet)
    time.sleep(SECONDS)
    process.terminate()
    process.wait(60)
    found = sorted(float(note.read_text()) for note in HERE.glob("late-*"))
    return {"scheduled runs": len(found), "late p50 s": found[len(found) // 2], "late p99 s": found[int(len(found) * 0.99)]}

class Result(BaseWorkerResult):
    pass

class NoProcess(BaseWorker):
    type = "no-process"

    async def run(self, flow_run, configuration, task_status=None):
        taken[flow_run.id] = time.time()
        for state in (Running(), Completed()):
            answer = await self.client.set_flow_run_state(flow_run.id, state)
            if answer.status.value != "ACCEPT":
                errors.append(str(answer))
        return Result(identifier=str(flow_run.id), status_code=0)

taken, errors = {}, []

async def take_many():
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("many")
        pool = NoProcess("many", limit=None)
        async with pool:
            await pool.sync_with_backend()
        deployment = await client.create_deployment(flow_id, "many", work_pool_name="many", entrypoint="x.py:f", path="/")
        due = datetime.now(timezone.utc) + timedelta(seconds=max(10, MANY / 40))
        for number in range(MANY):
            at = due + timedelta(milliseconds=number * 1000 // MANY)
            await client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=at))
        workers = [NoProcess("many", name=f"worker-{number}", prefetch_seconds=0) for number in range(2)]
        working = [asyncio.ensure_future(worker.start(printer=lambda *_: None)) for worker in workers]
        deadline, claimed = due.timestamp() + 300, None
        waiting = FlowRunFilter(state={"type": {"any_": ["SCHEDULED"]}}, deployment_id={"any_": [deployment]})
        while len(taken) < MANY and time.time() < deadline:
            await asyncio.sleep(0.5)
            if claimed is None and time.time() > due.timestamp() + 1:
                left = await client.read_flow_runs(flow_run_filter=waiting, limit=1)
                claimed = None if left else time.time()
        ended = time.time()
        for worker in workers:
            worker._supervised.stop()
        failures = [each for each in await asyncio.gather(*working, return_exceptions=True) if each]
        await asyncio.sleep(0)
        return {
            "runs": len(taken),
            "all claimed s": (claimed or ended) - due.timestamp(),
            "all executed s": ended - due.timestamp(), "errors": len(errors) + len(failures),
        }

if __name__ == "__main__":
    if "serve" in sys.argv:
        serve(*[scheduled.to_deployment(f"d{number}", interval=2) for number in range(3)])
        raise SystemExit
    found = {} if "DUE_ONLY" in os.environ else lateness()
    found |= asyncio.run(take_many())
    print(json.dumps(found))
    most = MANY * 60 / 1000
    if "DUE_PROMISED" in os.environ and (found["errors"] or found["runs"] < MANY or found["all claimed s"] > most):
        raise SystemExit(f"Promised: {MANY} runs that are due at once are claimed within {most:g} s, without an error.")
"""

if __name__ == "__main__":
    compare(SCRIPT, __doc__)
