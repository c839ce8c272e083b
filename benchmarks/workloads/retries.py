"""100 tasks that fail once and succeed at the second attempt."""

import json
import resource
import time

from prefect import flow, task


def report(n, seconds):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "rss_mb": rss}))


@task(retries=1, retry_delay_seconds=0)
def fails_once(seen):
    seen.append(1)
    if len(seen) == 1:
        raise ValueError("first")


@flow(validate_parameters=False)
def retried(n):
    began = time.perf_counter()
    for _ in range(n):
        fails_once([])
    return time.perf_counter() - began


retried(2)
report(100, retried(100))
