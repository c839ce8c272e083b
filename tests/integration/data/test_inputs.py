import asyncio
from uuid import UUID

import pytest
from pydantic import BaseModel

from prefect import flow, task
from prefect.input import (
    RunInput,
    create_flow_run_input,
    delete_flow_run_input,
    filter_flow_run_input,
    read_flow_run_input,
    receive_input,
    send_input,
)
from prefect.runtime import flow_run

pytestmark = pytest.mark.usefixtures("orchestrator")


class Approval(RunInput):
    """Whether to go on."""

    approved: bool
    comment: str = ""


class Model(BaseModel):
    number: int


def in_a_flow(code):
    @flow
    def main():
        return code(UUID(flow_run.id))

    return main()


def test_inputs_of_all_kinds_arrive_in_order():
    def code(run_id):
        send_input("one", run_id)
        send_input("two", run_id)
        send_input({"a": 1}, run_id)
        send_input(Approval(approved=True), run_id)
        send_input(Model(number=5), run_id)
        assert list(receive_input(str, timeout=0)) == ["one", "two"]
        assert list(receive_input(dict, timeout=0)) == [{"a": 1}]
        assert [each.approved for each in Approval.receive(timeout=0)] == [True]
        assert [each.number for each in receive_input(Model, timeout=0)] == [5]

    in_a_flow(code)


def test_an_input_is_taken_once_by_each_receiver():
    def code(run_id):
        send_input(1, run_id)
        receiver = receive_input(int, timeout=0, with_metadata=True)
        received = receiver.next()
        assert (received.value, received.metadata.receiver) == (1, run_id)
        assert received.metadata.sender == f"prefect.flow-run.{run_id}"
        with pytest.raises(TimeoutError, match="No input 'intautomaticruninput-auto' came within 0 seconds"):
            receiver.next()
        assert list(receive_input(int, timeout=0, exclude_keys={received.metadata.key})) == []
        with pytest.raises(TimeoutError):
            next(receive_input(int, timeout=0, exclude_keys={received.metadata.key}, raise_timeout_error=True))
        assert list(receive_input(int, timeout=0)) == [1]

    in_a_flow(code)


def test_senders_can_be_answered():
    def code(run_id):
        Approval(approved=False).send_to(run_id, key_prefix="ask")
        question = receive_input(Approval, timeout=0, key_prefix="ask").next()
        question.respond("because", key_prefix="answer")
        assert list(receive_input(str, timeout=0, key_prefix="answer")) == ["because"]

    in_a_flow(code)


def test_forms_are_saved_and_answers_loaded():
    def code(run_id):
        keys = Approval.keyset_from_type()
        Approval.with_initial_data(description="**Go on?**", approved=True).save(keys)
        assert read_flow_run_input(keys["schema"])["properties"]["approved"]["default"] is True
        assert read_flow_run_input(keys["description"]) == "**Go on?**"
        with pytest.raises(ValueError, match="approved"):
            Approval.load(keys)
        create_flow_run_input(keys["response"], {"approved": False, "comment": "no"})
        answer = Approval.load(keys)
        assert (answer.approved, answer.comment) == (False, "no")
        assert len(filter_flow_run_input("approval", limit=10)) == 3
        delete_flow_run_input(keys["response"])
        assert read_flow_run_input(keys["response"]) is None

    in_a_flow(code)


def test_tasks_use_the_inputs_of_their_flow_run():
    @task
    def receive():
        return next(receive_input(str, timeout=0))

    def code(run_id):
        send_input("for the task", run_id)
        assert receive() == "for the task"

    in_a_flow(code)


def test_async_code_waits_without_blocking():
    @flow
    async def main():
        run_id = UUID(flow_run.id)

        async def send_later():
            await asyncio.sleep(0.05)
            await send_input("late", run_id)
            await Approval(approved=True).asend_to(run_id)

        sending = asyncio.ensure_future(send_later())
        words = [await receive_input(str, timeout=30, poll_interval=0.02).next()]
        approval = await Approval.receive(timeout=30, poll_interval=0.02).next()
        approval_again = await Approval.receive(timeout=30).anext()
        await sending
        return words, approval == approval_again

    assert asyncio.run(main()) == (["late"], True)
