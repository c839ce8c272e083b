"""What it costs to take a slot that is free, and how soon one that is given back is had by who waits, with a server.

    python benchmarks/concurrency.py [--against PYTHON] [--rounds 3]

Promised: at most 5 ms, and at most 200 ms.
"""

from __future__ import annotations

from serving import compare

SCRIPT = """
import json, statistics, threading, time
from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency

if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="one", limit=1))
    taking = []
    for _ in range(30):
        began = time.perf_counter()
        with concurrency("one"):
            pass
        taking.append(time.perf_counter() - began)
    waits = []

    def wait():
        with concurrency("one"):
            waits.append(time.perf_counter() - given)

    for _ in range(5):
        with concurrency("one"):
            waiter = threading.Thread(target=wait)
            waiter.start()
            time.sleep(0.5)
            given = time.perf_counter()
        waiter.join()
    ms = lambda seconds: statistics.median(seconds) * 1000
    print(json.dumps({"uncontended ms": ms(taking), "hand-over ms": ms(waits), "longest hand-over ms": max(waits) * 1000}))
"""

if __name__ == "__main__":
    compare(SCRIPT, __doc__)
