"""300 no-op tasks, called one after the other in a sync flow."""

import json
import resource
import time

from prefect import flow, task


def report(n, seconds):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "rss_mb": rss}))


@task
def nothing():
    pass


@flow
def called(n):
    began = time.perf_counter()
    for _ in range(n):
        nothing()
    return time.perf_counter() - began


called(5)
report(300, called(300))
