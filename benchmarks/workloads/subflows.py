"""20 empty subflows of one flow."""

import json
import resource
import time

from prefect import flow, task  # noqa: F401


def report(n, seconds):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "rss_mb": rss}))


@flow
def child():
    pass


@flow
def parent(n):
    began = time.perf_counter()
    for _ in range(n):
        child()
    return time.perf_counter() - began


parent(1)
report(20, parent(20))
