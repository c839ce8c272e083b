"""`prefect --help`: CPU seconds of the whole process, the least of three."""

import json
import resource
import subprocess
import sys
from pathlib import Path

command = [str(Path(sys.executable).parent / "prefect"), "--help"]
costs = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
print(json.dumps({"n": 1, "seconds": min(costs), "rss_mb": after.ru_maxrss / 1024}))
