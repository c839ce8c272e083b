"""300 no-op tasks, submitted to the default task runner and waited for."""

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
def submitted(n):
    began = time.perf_counter()
    for future in [nothing.submit() for _ in range(n)]:
        future.wait()
    return time.perf_counter() - began


submitted(5)
report(300, submitted(300))
