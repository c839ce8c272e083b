"""`import pydantic, anyio`: what the import of the product is measured by."""

import time

began = time.process_time()
import anyio  # noqa: E402, F401
import pydantic  # noqa: E402

pydantic.BaseModel  # noqa: B018 - pydantic is lazy

seconds = time.process_time() - began

import json  # noqa: E402
import resource  # noqa: E402

rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"n": 1, "seconds": seconds, "rss_mb": rss}))
