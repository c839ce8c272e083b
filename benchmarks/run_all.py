"""Measure what is promised, and compare with another Prefect if its Python is given.

    python benchmarks/run_all.py [--against /path/to/python] [--rounds 3] [--json FILE] [NAME ...]

Each workload is a script of its own, run in a fresh home. It prints one line of JSON: `n` units in `seconds` of wall clock,
measured inside. The harness adds the CPU seconds of the whole process tree. With `--against`, both are run alternately,
A B A B …, and the ratio of medians is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKLOADS = Path(__file__).parent / "workloads"


def measure(python: str, workload: Path, timeout: float) -> dict[str, float]:
    """Run a workload once; its own figures and the CPU seconds and memory of its processes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PYTHONDONTWRITEBYTECODE": "",
            "PREFECT_HOME": home,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "DO_NOT_TRACK": "1",
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        done = subprocess.run(
            [python, str(workload)], env=env, capture_output=True, text=True, timeout=timeout, check=False
        )
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{workload.name} failed under {python}:\n{done.stdout}{done.stderr}")
    figures = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, **figures}


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure, and milliseconds per unit."""
    medians = {key: statistics.median(row[key] for row in rows if key in row) for key in rows[0]}
    medians["ms_per_unit"] = medians["seconds"] / medians["n"] * 1000
    medians["rate"] = medians["n"] / medians["seconds"] if medians["seconds"] else 0.0
    return medians


def main() -> None:
    """Run the workloads and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="workloads; all without")
    parser.add_argument("--against", help="the Python of an environment with another Prefect")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    results = {}
    header = f"{'workload':<18}{'n':>7}{'ms/unit':>10}{'units/s':>10}{'cpu s':>8}{'rss MB':>8}"
    print(header + (f"{'theirs ms/unit':>16}{'cpu s':>8}{'ratio':>8}{'cpu ratio':>10}" if options.against else ""))
    for workload in sorted(WORKLOADS.glob("*.py")):
        if options.names and workload.stem not in options.names:
            continue
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(measure(sys.executable, workload, options.timeout))
            if options.against:
                theirs.append(measure(options.against, workload, options.timeout))
        a = summary(ours)
        results[workload.stem] = {"ours": a}
        line = f"{workload.stem:<18}{a['n']:>7.0f}{a['ms_per_unit']:>10.3f}{a['rate']:>10.0f}{a['cpu']:>8.2f}{a['rss_mb']:>8.0f}"
        if theirs:
            b = summary(theirs)
            results[workload.stem]["theirs"] = b
            ratio = a["ms_per_unit"] / b["ms_per_unit"]
            line += f"{b['ms_per_unit']:>16.3f}{b['cpu']:>8.2f}{ratio:>8.3f}{a['cpu'] / b['cpu']:>10.3f}"
        print(line, flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
