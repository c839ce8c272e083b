"""Run the examples as a user would, then show what ran. All that they leave is in `examples/output`, runs included."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OUTPUT = Path(os.environ.get("EXAMPLES_OUTPUT", HERE / "output")).absolute()
ENVIRONMENT = {
    **os.environ,
    "EXAMPLES_OUTPUT": str(OUTPUT),
    "PREFECT_HOME": str(OUTPUT / "home"),
    "SURVIVOR_JOURNAL": str(OUTPUT / "survivor.log"),
}


def call(*command: str, expect: int = 0, quiet: bool = False, **environment: str) -> str:
    """Run a command of this Python's environment, showing it first, and what it writes unless `quiet`."""
    print(f"\n$ {' '.join(command)}", flush=True)
    beside = str(Path(sys.executable).parent)
    program = shutil.which(command[0], path=f"{beside}{os.pathsep}{os.environ['PATH']}") or command[0]
    done = subprocess.run(
        [program, *command[1:]],
        env=ENVIRONMENT | environment,
        check=False,
        stdout=subprocess.PIPE if quiet else None,
        text=True,
    )
    if done.returncode != expect:
        sys.exit(f"`{' '.join(command)}` ended with {done.returncode}, not {expect}.\n{done.stdout or ''}")
    return done.stdout or ""


def main() -> None:
    """The three pipelines, and what the command line says of them."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "survivor.log").unlink(missing_ok=True)
    call("prefect", "run", str(HERE / "flights.py"))
    call("python", str(HERE / "async_http.py"))
    call("python", str(HERE / "survivor.py"), expect=137, SURVIVOR_DIES="1")
    crashed = json.loads(call("prefect", "flow-run", "ls", "--state", "Crashed", "-o", "json", quiet=True))
    call("prefect", "flow-run", "retry", crashed[0]["id"])
    call("prefect", "flow-run", "ls")
    call("prefect", "artifact", "inspect", "flights-by-carrier", "--limit", "1")


if __name__ == "__main__":
    main()
