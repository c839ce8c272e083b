"""Slots that runs take when they begin to be worked at, and free when they no longer are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from prefect._contract.actions.settings import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
)
from prefect._contract.concurrency import ConcurrencyLeaseHolder, ConcurrencyOptions
from prefect._contract.endpoints import (
    concurrency_limits as tags,
    flow_runs,
    global_concurrency_limits as limits,
    liveness,
    recording,
    task_runs,
)
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.settings import PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS, temporary_settings
from prefect.utilities.ids import uuid7

GONE = ProcessIdentity("elsewhere", 1, "then", "another-boot", "another-namespace")


def limit_tag(orchestrator: Any, tag: str, limit: int = 1) -> None:
    orchestrator.send(tags.create_concurrency_limit(ConcurrencyLimitCreate(tag=tag, concurrency_limit=limit)))


def holders(orchestrator: Any, tag: str = "db") -> list[UUID]:
    return orchestrator.send(tags.read_concurrency_limit_by_tag(tag)).active_slots


def in_use(orchestrator: Any, name: str = "d") -> int:
    return orchestrator.send(limits.read_global_concurrency_limit(name)).active_slots


def task_run(orchestrator: Any, key: str = "0", *names: str, **fields: Any) -> Any:
    return orchestrator.task_run(dynamic_key=key, tags=list(names), **fields)


def running_flow(orchestrator: Any, **fields: Any) -> Any:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", **fields)
    return run


def deployed(orchestrator: Any, limit: int = 1, strategy: str = "ENQUEUE", grace: int | None = None) -> UUID:
    """A deployment whose limit is named `d`, as it is in the database."""
    made = orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="d", limit=limit)))
    moment, identifier, flow_id = orchestrator.clock(), uuid7(), orchestrator.flow()
    row = dict.fromkeys(records.keys_of(tables.deployment))
    row |= {
        "id": identifier,
        "created": moment,
        "updated": moment,
        "name": "deployment",
        "flow_id": flow_id,
        "job_variables": {},
        "status": "READY",
        "paused": False,
        "tags": [],
        "parameters": {},
        "enforce_parameter_schema": False,
        "concurrency_limit_id": made.id,
        "concurrency_options": ConcurrencyOptions(collision_strategy=strategy, grace_period_seconds=grace),
    }
    orchestrator.transport.database.transaction(
        lambda connection: records.create(connection, tables.deployment, row), write=True
    )
    return identifier


def scheduled(orchestrator: Any, deployment_id: UUID) -> Any:
    """A run of a deployment that is due."""
    run = orchestrator.flow_run(deployment_id=deployment_id)
    orchestrator.propose(run, "SCHEDULED", state_details={"scheduled_time": orchestrator.clock()}, force=True)
    return run


def lease(owner: ProcessIdentity | None = None) -> LeaseRequest:
    return LeaseRequest(uuid4(), owner or ProcessIdentity.current(), 30)


def outcome(answer: Any) -> tuple[str, str | None]:
    return answer.status.value, None if answer.state is None else answer.state.name


# -- tags


def test_a_task_run_runs_when_it_gets_a_slot_of_each_of_its_tags(orchestrator) -> None:
    limit_tag(orchestrator, "a")
    limit_tag(orchestrator, "b", 2)
    first, second = task_run(orchestrator, "0", "a", "b", "free"), task_run(orchestrator, "1", "b", "a")
    assert outcome(orchestrator.propose(first, "RUNNING")) == ("ACCEPT", "Running")
    refused = orchestrator.propose(second, "RUNNING")
    assert outcome(refused) == ("WAIT", "Pending")
    assert refused.details.delay_seconds == 10
    assert refused.details.reason == "Concurrency limit for the a tag has been reached"
    assert (holders(orchestrator, "a"), holders(orchestrator, "b")) == ([first.id], [first.id])
    orchestrator.propose(first, "COMPLETED")
    assert outcome(orchestrator.propose(second, "RUNNING")) == ("ACCEPT", "Running")
    assert (holders(orchestrator, "a"), holders(orchestrator, "b")) == ([second.id], [second.id])


def test_how_long_to_wait_is_a_setting(orchestrator) -> None:
    limit_tag(orchestrator, "db")
    first, second = task_run(orchestrator, "0", "db"), task_run(orchestrator, "1", "db")
    orchestrator.propose(first, "RUNNING")
    with temporary_settings({PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS: 3}):
        assert orchestrator.propose(second, "RUNNING").details.delay_seconds == 3


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SCHEDULED", "PAUSED"])
def test_a_task_run_that_no_longer_runs_frees_its_slots(orchestrator, state: str) -> None:
    limit_tag(orchestrator, "db")
    run = task_run(orchestrator, "0", "db")
    orchestrator.propose(run, "RUNNING")
    details = {"scheduled_time": orchestrator.clock()} if state == "SCHEDULED" else {}
    orchestrator.propose(run, state, state_details=details, force=True)
    assert holders(orchestrator) == []


def test_a_task_run_that_is_to_be_tried_again_needs_another_slot(orchestrator) -> None:
    limit_tag(orchestrator, "db")
    policy = {"retries": 1, "retry_delay": 0}
    first, second = task_run(orchestrator, "0", "db", empirical_policy=policy), task_run(orchestrator, "1", "db")
    orchestrator.propose(first, "RUNNING")
    assert outcome(orchestrator.propose(first, "FAILED")) == ("REJECT", "AwaitingRetry")
    assert outcome(orchestrator.propose(second, "RUNNING")) == ("ACCEPT", "Running")
    assert outcome(orchestrator.propose(first, "RUNNING"))[0] == "WAIT"
    orchestrator.propose(second, "COMPLETED")
    assert outcome(orchestrator.propose(first, "RUNNING")) == ("ACCEPT", "Retrying")
    assert holders(orchestrator) == [first.id]


def test_the_same_proposal_takes_one_slot(orchestrator) -> None:
    limit_tag(orchestrator, "db", 2)
    run = task_run(orchestrator, "0", "db")
    details = {"transition_id": uuid4()}
    for _ in range(2):
        assert outcome(orchestrator.propose(run, "RUNNING", state_details=details)) == ("ACCEPT", "Running")
    orchestrator.propose(run, "RUNNING", name="Another")
    assert holders(orchestrator) == [run.id]


def test_a_limit_of_zero_stops_task_runs(orchestrator) -> None:
    limit_tag(orchestrator, "db", 0)
    answer = orchestrator.propose(task_run(orchestrator, "0", "db"), "RUNNING")
    assert outcome(answer)[0] == "ABORT"
    assert "will deadlock" in answer.details.reason


def test_who_insists_gets_no_slot_that_is_not_free(orchestrator) -> None:
    limit_tag(orchestrator, "db")
    first, second = task_run(orchestrator, "0", "db"), task_run(orchestrator, "1", "db")
    assert outcome(orchestrator.propose(first, "RUNNING", force=True))[0] == "ACCEPT"
    assert outcome(orchestrator.propose(second, "RUNNING", force=True))[0] == "ACCEPT"
    assert holders(orchestrator) == [first.id]
    orchestrator.propose(second, "COMPLETED")
    assert holders(orchestrator) == [first.id]


def test_an_inactive_limit_of_a_tag_stops_nobody(orchestrator) -> None:
    limit_tag(orchestrator, "db", 0)
    orchestrator.send(limits.update_global_concurrency_limit("tag:db", ConcurrencyLimitV2Update(active=False)))
    assert outcome(orchestrator.propose(task_run(orchestrator, "0", "db"), "RUNNING")) == ("ACCEPT", "Running")


def test_deleted_runs_free_their_slots(orchestrator) -> None:
    limit_tag(orchestrator, "db", 3)
    flow_run = running_flow(orchestrator)
    alone = task_run(orchestrator, "0", "db")
    of_flow = [task_run(orchestrator, key, "db", flow_run_id=flow_run.id) for key in "12"]
    for run in (alone, *of_flow):
        orchestrator.propose(run, "RUNNING")
    assert len(holders(orchestrator)) == 3
    orchestrator.send(task_runs.delete_task_run(alone.id))
    assert sorted(holders(orchestrator)) == sorted(run.id for run in of_flow)
    orchestrator.send(flow_runs.delete_flow_run(flow_run.id))
    assert holders(orchestrator) == []


def test_the_slots_of_those_whose_process_is_gone_are_freed(orchestrator, clock) -> None:
    limit_tag(orchestrator, "db", 2)
    orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="d", limit=2)))
    flow_run = running_flow(orchestrator, lease=lease(GONE))
    task = task_run(orchestrator, "0", "db", flow_run_id=flow_run.id)
    orchestrator.propose(task, "RUNNING")
    for holder in (("flow_run", flow_run.id), ("task_run", task.id)):
        taken = ConcurrencyLeaseHolder(type=holder[0], id=holder[1])
        orchestrator.send(limits.increment_concurrency_slots_with_lease(["d"], 1, "concurrency", 3600, taken))
    assert (in_use(orchestrator), holders(orchestrator)) == (2, [task.id])
    clock.pass_by(31)
    assert orchestrator.send(liveness.reap_leases(clock())) == [flow_run.id]
    assert (in_use(orchestrator), holders(orchestrator)) == (0, [])


def test_what_a_run_took_by_name_is_freed_when_it_ends(orchestrator) -> None:
    orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="d", limit=2)))
    run = running_flow(orchestrator)
    taken = ConcurrencyLeaseHolder(type="flow_run", id=run.id)
    orchestrator.send(limits.increment_concurrency_slots_with_lease(["d"], 2, "concurrency", 3600, taken))
    orchestrator.propose(run, "COMPLETED")
    assert in_use(orchestrator) == 0


# -- tags of task runs that are recorded


def record(orchestrator: Any, run: Any, *states: State[Any], token: UUID | None = None) -> None:
    current = orchestrator.read(run).model_copy(update={"state": states[-1], "state_id": states[-1].id})
    orchestrator.send(recording.record_task_runs([TaskRunRecord(current, list(states), token)]))


def state(orchestrator: Any, type_: str, **fields: Any) -> State[Any]:
    details = fields.pop("details", {})
    return State(type=type_, timestamp=orchestrator.clock(), state_details=StateDetails(**details), **fields)


@pytest.mark.parametrize("ended", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SCHEDULED"])
def test_a_recorded_end_frees_slots(orchestrator, clock, ended: str) -> None:
    limit_tag(orchestrator, "db")
    run = task_run(orchestrator, "0", "db")
    orchestrator.propose(run, "RUNNING")
    clock.pass_by(1)
    details = {"scheduled_time": clock()} if ended == "SCHEDULED" else {}
    record(orchestrator, run, state(orchestrator, ended, details=details))
    assert holders(orchestrator) == []


def test_records_of_states_before_do_not_free_slots(orchestrator, clock) -> None:
    limit_tag(orchestrator, "db")
    run = task_run(orchestrator, "0", "db")
    earlier = state(orchestrator, "SCHEDULED", details={"scheduled_time": clock()})
    holder = ConcurrencyLeaseHolder(type="task_run", id=run.id)
    orchestrator.send(limits.increment_concurrency_slots_with_lease(["tag:db"], 1, "concurrency", 60, holder))
    clock.pass_by(1)
    record(orchestrator, run, state(orchestrator, "PENDING"))
    assert holders(orchestrator) == [run.id]
    clock.pass_by(1)
    orchestrator.propose(run, "RUNNING")
    record(orchestrator, run, earlier)
    record(orchestrator, run, state(orchestrator, "RUNNING"))
    assert holders(orchestrator) == [run.id]


# -- deployments


def test_runs_of_a_deployment_wait_for_a_slot(orchestrator, clock) -> None:
    deployment = deployed(orchestrator)
    first, second = scheduled(orchestrator, deployment), scheduled(orchestrator, deployment)
    accepted = orchestrator.propose(first, "PENDING")
    assert outcome(accepted) == ("ACCEPT", "Pending")
    assert in_use(orchestrator) == 1
    rejected = orchestrator.propose(second, "PENDING")
    assert outcome(rejected) == ("REJECT", "AwaitingConcurrencySlot")
    assert rejected.details.reason == "Deployment concurrency limit reached."
    assert rejected.state.state_details.scheduled_time == clock() + timedelta(seconds=30)
    assert orchestrator.read(second).next_scheduled_start_time == clock() + timedelta(seconds=30)
    lease_id = accepted.state.state_details.deployment_concurrency_lease_id
    running = orchestrator.propose(first, "RUNNING")
    assert running.state.state_details.deployment_concurrency_lease_id == lease_id
    assert in_use(orchestrator) == 1
    orchestrator.propose(first, "COMPLETED")
    assert in_use(orchestrator) == 0
    clock.pass_by(30)
    assert outcome(orchestrator.propose(second, "PENDING")) == ("ACCEPT", "Pending")


def test_runs_of_a_deployment_may_be_cancelled_for_want_of_a_slot(orchestrator) -> None:
    deployment = deployed(orchestrator, strategy="CANCEL_NEW")
    first, second = scheduled(orchestrator, deployment), scheduled(orchestrator, deployment)
    orchestrator.propose(first, "PENDING")
    answer = orchestrator.propose(second, "PENDING")
    assert outcome(answer) == ("REJECT", "Cancelled")
    assert answer.state.message == "Deployment concurrency limit reached."
    assert orchestrator.read(second).end_time is not None
    assert in_use(orchestrator) == 1


def test_a_run_that_was_never_pending_takes_a_slot_too(orchestrator) -> None:
    deployment = deployed(orchestrator)
    first, second = scheduled(orchestrator, deployment), scheduled(orchestrator, deployment)
    assert outcome(orchestrator.propose(first, "RUNNING")) == ("ACCEPT", "Running")
    assert outcome(orchestrator.propose(second, "RUNNING")) == ("REJECT", "AwaitingConcurrencySlot")
    assert in_use(orchestrator) == 1


def test_only_one_worker_gets_a_run(orchestrator) -> None:
    run = scheduled(orchestrator, deployed(orchestrator, limit=2))
    assert outcome(orchestrator.propose(run, "PENDING"))[0] == "ACCEPT"
    answer = orchestrator.propose(run, "PENDING")
    assert outcome(answer) == ("ABORT", "Pending")
    assert "cannot transition to a PENDING state" in answer.details.reason
    assert outcome(orchestrator.propose(run, "PENDING", name="Submitting")) == ("ACCEPT", "Submitting")
    assert in_use(orchestrator) == 1


@pytest.mark.parametrize(
    ("leave", "free"),
    [
        (lambda o, run: o.propose(run, "SCHEDULED", state_details={"scheduled_time": o.clock()}), True),
        (lambda o, run: o.propose(run, "CRASHED"), True),
        (lambda o, run: o.propose(run, "PAUSED", state_details={"pause_reschedule": True}), True),
        (lambda o, run: o.propose(run, "PAUSED"), False),
        (lambda o, run: o.propose(run, "CANCELLING"), False),
        (lambda o, run: (o.propose(run, "CANCELLING"), o.propose(run, "CANCELLED")), True),
        (lambda o, run: o.propose(run, "COMPLETED", force=True), True),
        (lambda o, run: o.send(flow_runs.delete_flow_run(run.id)), True),
    ],
)
def test_a_slot_is_kept_as_long_as_a_process_works_at_the_run(
    orchestrator, leave: Callable[..., Any], free: bool
) -> None:
    run = scheduled(orchestrator, deployed(orchestrator))
    orchestrator.propose(run, "RUNNING", lease=lease())
    leave(orchestrator, run)
    assert in_use(orchestrator) == (0 if free else 1)


def test_a_run_that_is_tried_again_in_its_process_keeps_its_slot(orchestrator) -> None:
    deployment = deployed(orchestrator)
    run = orchestrator.flow_run(deployment_id=deployment, empirical_policy={"retries": 1, "retry_delay": 0})
    held = lease()
    orchestrator.propose(run, "RUNNING", lease=held)
    assert outcome(orchestrator.propose(run, "FAILED", lease=held)) == ("REJECT", "AwaitingRetry")
    assert in_use(orchestrator) == 1
    assert outcome(orchestrator.propose(scheduled(orchestrator, deployment), "PENDING"))[0] == "REJECT"
    assert outcome(orchestrator.propose(run, "RUNNING", lease=held)) == ("ACCEPT", "Running")
    orchestrator.propose(run, "FAILED", lease=held)
    assert in_use(orchestrator) == 0


def test_a_resumed_run_has_its_slot_for_as_long_as_it_runs(orchestrator, clock) -> None:
    run = scheduled(orchestrator, deployed(orchestrator))
    orchestrator.propose(run, "RUNNING", lease=lease())
    orchestrator.propose(run, "PAUSED")
    orchestrator.send(flow_runs.resume_flow_run(run.id))
    clock.pass_by(100_000)
    assert in_use(orchestrator) == 1


def test_a_run_that_never_begins_loses_its_slot(orchestrator, clock) -> None:
    deployment = deployed(orchestrator, grace=120)
    first, second = scheduled(orchestrator, deployment), scheduled(orchestrator, deployment)
    orchestrator.propose(first, "PENDING")
    clock.pass_by(119)
    assert in_use(orchestrator) == 1
    clock.pass_by(1)
    assert in_use(orchestrator) == 0
    assert outcome(orchestrator.propose(second, "PENDING"))[0] == "ACCEPT"
    assert outcome(orchestrator.propose(first, "RUNNING")) == ("REJECT", "AwaitingConcurrencySlot")
    assert in_use(orchestrator) == 1


def test_a_process_that_renews_its_slot_keeps_it(orchestrator, clock) -> None:
    run = scheduled(orchestrator, deployed(orchestrator))
    orchestrator.propose(run, "PENDING")
    entered = orchestrator.propose(run, "RUNNING")
    for _ in range(3):
        clock.pass_by(250)
        held = entered.state.state_details.deployment_concurrency_lease_id
        orchestrator.send(limits.renew_concurrency_lease(held, 300))
    assert in_use(orchestrator) == 1
    clock.pass_by(301)
    assert in_use(orchestrator) == 0


def test_a_process_with_a_lease_of_its_run_need_not_renew_its_slot(orchestrator, clock) -> None:
    run = scheduled(orchestrator, deployed(orchestrator))
    orchestrator.propose(run, "PENDING")
    entered = orchestrator.propose(run, "RUNNING", lease=lease(GONE))
    orchestrator.send(limits.renew_concurrency_lease(entered.state.state_details.deployment_concurrency_lease_id, 60))
    clock.pass_by(5_000)
    assert in_use(orchestrator) == 1
    orchestrator.send(liveness.reap_leases(clock()))
    assert in_use(orchestrator) == 0


def test_a_limit_that_is_set_while_a_run_goes_on_does_not_stop_it(orchestrator) -> None:
    deployment = deployed(orchestrator, limit=0)
    orchestrator.send(limits.update_global_concurrency_limit("d", ConcurrencyLimitV2Update(active=False)))
    run = scheduled(orchestrator, deployment)
    held = lease()
    orchestrator.propose(run, "RUNNING", lease=held)
    orchestrator.send(limits.update_global_concurrency_limit("d", ConcurrencyLimitV2Update(active=True)))
    orchestrator.propose(run, "PAUSED", lease=held)
    orchestrator.send(flow_runs.resume_flow_run(run.id))
    assert orchestrator.read(run).state_name == "Running"


# -- attempts that lost their flow run


def claimed(orchestrator: Any, run: Any) -> LeaseRequest:
    held = lease(GONE)
    orchestrator.propose(run, "RUNNING", lease=held, force=True)
    return held


def test_an_attempt_that_lost_its_run_does_not_undo_what_the_reaper_wrote(orchestrator, clock) -> None:
    run = orchestrator.flow_run()
    first = claimed(orchestrator, run)
    known, ended = task_run(orchestrator, "0", flow_run_id=run.id), task_run(orchestrator, "1", flow_run_id=run.id)
    record(orchestrator, ended, state(orchestrator, "RUNNING"), state(orchestrator, "COMPLETED"), token=first.token)
    clock.pass_by(31)
    orchestrator.send(liveness.reap_leases(clock()))
    assert orchestrator.read(known).state_name == "Crashed"
    clock.pass_by(1)
    unknown = known.model_copy(update={"id": uuid7(), "dynamic_key": "2"})
    done = state(orchestrator, "COMPLETED")
    late = [
        TaskRunRecord(each.model_copy(update={"state": done}), [done.model_copy(update={"id": uuid7()})], first.token)
        for each in (known, ended, unknown)
    ]
    orchestrator.send(recording.record_task_runs(late))
    assert orchestrator.read(known).state_name == "Crashed"
    assert orchestrator.read(ended).state_name == "Completed"
    assert [each.id for each in orchestrator.send(task_runs.read_task_runs())] == [ended.id, known.id]


def test_an_attempt_that_was_taken_over_ends_what_it_had_begun_and_begins_nothing(orchestrator, clock) -> None:
    run = orchestrator.flow_run()
    first = claimed(orchestrator, run)
    begun = task_run(orchestrator, "0", flow_run_id=run.id)
    orchestrator.propose(run, "SCHEDULED", state_details={"scheduled_time": clock()}, force=True)
    second = claimed(orchestrator, run)
    clock.pass_by(1)
    record(orchestrator, begun, state(orchestrator, "COMPLETED"), token=first.token)
    assert orchestrator.read(begun).state_name == "Completed"
    new = begun.model_copy(update={"id": uuid7(), "dynamic_key": "1"})
    pending = state(orchestrator, "PENDING")
    for token, number in ((first.token, 1), (second.token, 2)):
        record_of_new = TaskRunRecord(new.model_copy(update={"state": pending}), [pending], token)
        orchestrator.send(recording.record_task_runs([record_of_new]))
        assert len(orchestrator.send(task_runs.read_task_runs())) == number


def test_the_last_words_of_an_attempt_that_ended_by_itself_are_recorded(orchestrator, clock) -> None:
    run = orchestrator.flow_run()
    held = claimed(orchestrator, run)
    begun = task_run(orchestrator, "0", flow_run_id=run.id)
    orchestrator.propose(run, "COMPLETED", lease=held)
    clock.pass_by(1)
    record(orchestrator, begun, state(orchestrator, "COMPLETED"), token=held.token)
    assert orchestrator.read(begun).state_name == "Completed"
    new = begun.model_copy(update={"id": uuid7(), "dynamic_key": "1"})
    done = state(orchestrator, "COMPLETED")
    orchestrator.send(
        recording.record_task_runs([TaskRunRecord(new.model_copy(update={"state": done}), [done], held.token)])
    )
    assert len(orchestrator.send(task_runs.read_task_runs())) == 2


def test_a_proposal_for_a_task_run_by_an_attempt_that_lost_its_run_is_refused(orchestrator) -> None:
    run = orchestrator.flow_run()
    first = claimed(orchestrator, run)
    task = task_run(orchestrator, "0", flow_run_id=run.id)
    orchestrator.propose(run, "SCHEDULED", state_details={"scheduled_time": orchestrator.clock()}, force=True)
    second = claimed(orchestrator, run)
    answers = [
        orchestrator.send(task_runs.set_task_run_state(task.id, State(type="RUNNING"), lease_token=token))
        for token in (first.token, second.token)
    ]
    assert [answer.status.value for answer in answers] == ["ABORT", "ACCEPT"]
