"""`from prefect import flow, task` in a fresh process."""

import time

began = time.process_time()
from prefect import flow, task  # noqa: E402, F401

seconds = time.process_time() - began

import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402

rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"n": 1, "seconds": seconds, "modules": len(sys.modules), "rss_mb": rss}))
