"""Run the examples as a user would, then show what ran. Everything is kept in `examples/output/home`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OUTPUT = HERE / "output"


def call(*command: str, expect: int = 0, **environment: str) -> None:
    """Run a command of this Python's environment, showing it first."""
    print(f"\n$ {' '.join(command)}", flush=True)
    program = shutil.which(command[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    code = subprocess.run([program or command[0], *command[1:]], env=os.environ | environment, check=False).returncode
    if code != expect:
        sys.exit(f"`{' '.join(command)}` ended with {code}, not {expect}.")


def crashed_run() -> str:
    """The id of the flow run that the second example left behind."""
    listing = subprocess.run(
        [str(Path(sys.executable).parent / "prefect"), "flow-run", "ls", "--state", "Crashed", "-o", "json"],
        check=True,
        capture_output=True,
        text=True,
    )
    import json

    return str(json.loads(listing.stdout)[0]["id"])


def main() -> None:
    """The three pipelines, and what the command line says of them."""
    os.environ["PREFECT_HOME"] = str(OUTPUT / "home")
    os.environ["SURVIVOR_JOURNAL"] = str(OUTPUT / "survivor.log")
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "survivor.log").unlink(missing_ok=True)
    call("prefect", "run", str(HERE / "flights.py"))
    call("python", str(HERE / "async_http.py"))
    call("python", str(HERE / "survivor.py"), expect=137, SURVIVOR_DIES="1")
    call("prefect", "flow-run", "retry", crashed_run())
    call("prefect", "flow-run", "ls")
    call("prefect", "artifact", "inspect", "flights-by-carrier", "--limit", "1")


if __name__ == "__main__":
    main()
