"""The first flow of a fresh home, in a cold process: everything from the start of Python to the result."""

import json
import resource
import time

began = time.process_time()
from prefect import flow, task  # noqa: E402


@task
def one():
    return 1


@flow
def first():
    return one()


first()
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"n": 1, "seconds": time.process_time() - began, "rss_mb": rss}))
