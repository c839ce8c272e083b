from typing import Literal, Optional, Union
from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from prefect._contract.artifacts import FlowRunInput
from prefect.input import RunInput, keyset_from_base_key, keyset_from_paused_state, receive_input, send_input
from prefect.input.actions import ensure_flow_run_id
from prefect.input.run_input import (
    AutomaticRunInput,
    GetAutomaticInputHandler,
    GetInputHandler,
    run_input_subclass_from_type,
)
from prefect.states import Paused, Running


class Approval(RunInput):
    approved: bool
    comment: str = ""


class Model(BaseModel):
    number: int


def received(values, key="approval-auto-1", sender=None):
    import json

    return FlowRunInput(flow_run_id=uuid4(), key=key, value=json.dumps(values), sender=sender)


def test_keys_belong_together():
    assert keyset_from_base_key("x") == {"description": "x-description", "response": "x-response", "schema": "x-schema"}
    assert keyset_from_paused_state(Paused(pause_key="1"))["schema"] == "paused-1-schema"
    assert Approval.keyset_from_type()["response"] == "approval-response"
    with pytest.raises(RuntimeError, match="Only a paused flow run"):
        keyset_from_paused_state(Running())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (str, "strAutomaticRunInput"),
        (dict[str, int], "dictAutomaticRunInput"),
        (Optional[int], "optionalAutomaticRunInput"),
        (Union[int, str], "unionAutomaticRunInput"),
        (int | None, "optionalAutomaticRunInput"),
        (Literal["a"], "literalAutomaticRunInput"),
        (list, "listAutomaticRunInput"),
    ],
)
def test_any_type_becomes_an_input(kind, name):
    made = run_input_subclass_from_type(kind)
    assert issubclass(made, AutomaticRunInput)
    assert made.__name__ == name


def test_models_and_inputs_become_inputs():
    made = run_input_subclass_from_type(Model)
    assert made.__name__ == "ModelRunInput"
    assert issubclass(made, RunInput)
    assert made(number="5").number == 5
    assert run_input_subclass_from_type(Approval) is Approval


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="nonsense"):
        Approval(approved=True, nonsense=1)


def test_forms_can_have_initial_values():
    form = Approval.with_initial_data(description="Please **decide**", approved=True)
    assert form().approved
    assert form._description == "Please **decide**"
    assert form.keyset_from_type() == Approval.keyset_from_type()
    with pytest.raises(ValidationError):
        Approval()


def test_what_is_received_knows_where_it_comes_from():
    message = received({"approved": True}, sender="prefect.flow-run.x")
    approval = Approval.load_from_flow_run_input(message)
    assert (approval.metadata.key, approval.metadata.sender) == ("approval-auto-1", "prefect.flow-run.x")
    assert approval.metadata.receiver == message.flow_run_id
    with pytest.raises(RuntimeError, match="was not received"):
        Approval(approved=True).metadata


def test_only_flow_runs_are_answered():
    approval = Approval.load_from_flow_run_input(received({"approved": True}, sender="me"))
    with pytest.raises(RuntimeError, match="Only a flow run can be answered; this input was sent by me"):
        approval.respond("thanks")


def test_outside_of_flow_runs_an_id_is_needed():
    with pytest.raises(RuntimeError, match="flow_run_id"):
        ensure_flow_run_id()
    with pytest.raises(RuntimeError, match="flow_run_id"):
        send_input("x", None)
    run_id = uuid4()
    assert ensure_flow_run_id(run_id) is run_id


def test_receiving_gives_a_handler_for_the_type():
    run_id = uuid4()
    handler = receive_input(Approval, flow_run_id=run_id)
    assert isinstance(handler, GetInputHandler)
    assert handler.key_prefix == "approval-auto"
    assert handler.to_instance(received({"approved": False})).approved is False
    handler = receive_input(int, flow_run_id=run_id, key_prefix="mine", exclude_keys={"a"})
    assert isinstance(handler, GetAutomaticInputHandler)
    assert (handler.key_prefix, handler.exclude_keys) == ("mine", {"a"})
    assert handler.to_instance(received({"value": 5})) == 5
    handler = receive_input(int, flow_run_id=run_id, with_metadata=True)
    assert handler.to_instance(received({"value": 5})).value == 5
