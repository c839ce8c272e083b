"""200 calls of a task whose result is cached."""

import json
import resource
import time

from prefect import flow, task


def report(n, seconds):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "rss_mb": rss}))


from prefect.cache_policies import INPUTS  # noqa: E402


@task(cache_policy=INPUTS)
def cached(x):
    return x


@flow
def hits(n):
    cached(1)
    began = time.perf_counter()
    for _ in range(n):
        cached(1)
    return time.perf_counter() - began


hits(1)
report(200, hits(200))
