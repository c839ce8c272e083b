"""300 no-op tasks, mapped and waited for."""

import json
import resource
import time

from prefect import flow, task


def report(n, seconds):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "rss_mb": rss}))


@task
def nothing(x):
    pass


@flow
def mapped(n):
    began = time.perf_counter()
    nothing.map(range(n)).wait()
    return time.perf_counter() - began


mapped(5)
report(300, mapped(300))
