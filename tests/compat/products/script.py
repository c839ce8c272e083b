"""A script as users write them, run by both products without a change. Prints what to look for as its last line."""

import asyncio
import json
import os
import sys

from prefect import allow_failure, flow, get_client, tags, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.blocks.system import Secret
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.futures import wait
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as current_run
from prefect.states import Completed
from prefect.variables import Variable

MARK = os.environ.get("MARK", "compat")
attempts = {"flaky": 0, "flow": 0}


@task
def double(number):
    get_run_logger().info("doubling %s", number)
    return number * 2


@task(retries=2, tags=["flaky"])
def flaky():
    attempts["flaky"] += 1
    get_run_logger().warning("attempt %s", attempts["flaky"])
    if attempts["flaky"] < 3:
        raise ValueError("not yet")
    return attempts["flaky"]


@task
def broken():
    raise RuntimeError("broken for good")


@task(log_prints=True)
def after(value):
    print("after", type(value).__name__)
    return "after"


@task
async def asynchronous(number):
    await asyncio.sleep(0.01)
    return number + 1


@flow(name=f"{MARK}-child")
def child(number: int, label: str = "none"):
    get_run_logger().info("child of %s", number)
    return double(number) + 1


@flow(name=f"{MARK}-async")
async def async_flow(number: int):
    return await asynchronous(number)


@flow(name=f"{MARK}-retried", retries=1)
def retried():
    attempts["flow"] += 1
    if attempts["flow"] == 1:
        raise ValueError("once")
    return "well"


@flow(name=f"{MARK}-failing")
def failing():
    raise ValueError("as meant")


@flow(name=f"{MARK}-named", flow_run_name="named-{number}")
def named(number: int):
    return Completed(message="as said", name="Splendid")


@flow(name=f"{MARK}-main", description="Does a bit of all.", version="7")
def main(numbers: list[int]):
    logger = get_run_logger()
    logger.info("begin with %s", numbers)
    first = double(numbers[0])
    futures = double.map(numbers)
    wait(futures)
    total = sum(future.result() for future in futures)
    flaky()
    state = broken(return_state=True)
    after(allow_failure(state))
    submitted = double.submit(first, wait_for=futures)
    nested = child(first, label="x")
    with tags("tagged"):
        child(1)
    create_markdown_artifact("# Report", key=f"{MARK}-report", description="A report")
    create_table_artifact([{"a": 1}, {"a": 2}], key=f"{MARK}-table")
    create_link_artifact("https://example.org", key=f"{MARK}-link", link_text="there")
    Variable.set(f"{MARK}_variable", {"total": total}, overwrite=True, tags=["t"])
    assert Variable.get(f"{MARK}_variable") == {"total": total}
    Secret(value="canary").save(f"{MARK}-secret", overwrite=True)
    assert Secret.load(f"{MARK}-secret").get() == "canary"
    logger.error("end with %s", total)
    return {"total": total, "nested": nested, "submitted": submitted.result(), "id": str(current_run.get_id())}


if __name__ == "__main__":
    result = main([1, 2, 3])
    answers = {
        "main": result,
        "async": asyncio.run(async_flow(1)),
        "retried": retried(),
        "failing": str(failing(return_state=True).type.value),
        "named": named(3, return_state=True).name,
    }
    with get_client(sync_client=True) as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[result["id"]]))
        [run] = client.read_flow_runs(flow_run_filter=wanted)
        answers["read back"] = [run.name == client.read_flow_run(run.id).name, run.state_name, run.parameters]
    sys.stdout.write("\n" + json.dumps(answers) + "\n")
