"""Run by the original: `serve` offers a flow as a deployment, `work` runs background tasks, `delay` asks for some."""

import os
import sys
import time

from prefect import flow, task

MARK = os.environ["MARK"]


@task(task_run_name="background {number}")
def background(number: int) -> int:
    return number + 1


@flow(name=f"served-{MARK}")
def served(seconds: float = 0.0) -> str:
    time.sleep(seconds)
    return "served"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        served.serve(name="here", tags=["compat"], interval=3600)
    elif sys.argv[1] == "work":
        from prefect.task_worker import serve

        serve(background)
    else:
        for future in [background.delay(number) for number in range(int(sys.argv[2]))]:
            print(future.task_run_id)
