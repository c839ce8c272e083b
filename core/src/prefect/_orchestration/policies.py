"""
Policies: which rules are asked about which transitions, and in which order.

A rule that has an opinion ends the matter. So the first in a list is the strongest.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect._orchestration import flow_rules, shared_rules, slot_rules, task_rules
from prefect._orchestration.transition import Rule

__all__ = ["FLOW_POLICY", "TASK_POLICY", "Clause", "Policy"]

Source = StateType | None
"""The type of the state that a run is in; None for a run that has no state yet."""

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
PAUSED, CANCELLING, CANCELLED = StateType.PAUSED, StateType.CANCELLING, StateType.CANCELLED
COMPLETED, FAILED, CRASHED = StateType.COMPLETED, StateType.FAILED, StateType.CRASHED

ENDED = frozenset(TERMINAL_STATES)
ANY_TYPE = frozenset(StateType)
ANY: frozenset[Source] = ANY_TYPE | {None}
UNFINISHED = ANY_TYPE - ENDED


class Clause(NamedTuple):
    """
    A rule, and the types between which it is asked.

    Args:
        rule: The rule.
        sources: The types of states that are left; None for a run that has no state yet.
        targets: The types of states that are proposed.
    """

    rule: Rule
    sources: Collection[Source] = ANY
    targets: Collection[StateType] = ANY_TYPE


class Policy:
    """
    The rules for one kind of run.

    Args:
        always: Rules that are asked first, also when a transition is forced.
        rules: Rules that are asked next, unless it is forced.
        settling: Rules about what else changes with a transition that nobody objected to. They only accept.
    """

    def __init__(
        self, always: tuple[Clause, ...], rules: tuple[Clause, ...], settling: tuple[Clause, ...] = ()
    ) -> None:
        self.always = always
        self.rules = rules
        self.settling = settling
        self._found: dict[tuple[Source, StateType, bool], tuple[Rule, ...]] = {}

    def rules_for(self, source: Source, target: StateType, force: bool = False) -> tuple[Rule, ...]:
        """The rules that are asked about a transition between two types, the strongest first."""
        key = (source, target, force)
        found = self._found.get(key)
        if found is None:
            clauses = (*self.always, *(() if force else self.rules), *self.settling)
            found = tuple(c.rule for c in clauses if source in c.sources and target in c.targets)
            self._found[key] = found
        return found

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """All rules, the strongest first."""
        return (*self.always, *self.rules, *self.settling)


FLOW_POLICY = Policy(
    always=(
        Clause(shared_rules.answer_repeated_proposals),
        Clause(shared_rules.refuse_those_who_lost_the_lease),
    ),
    rules=(
        Clause(flow_rules.mark_only_scheduled_flows_late, ANY - {SCHEDULED, None}, {SCHEDULED}),
        Clause(flow_rules.let_ended_flows_rest, ENDED),
        Clause(flow_rules.end_as_cancelled_what_is_being_cancelled, {CANCELLING}, {COMPLETED, FAILED, CRASHED}),
        Clause(shared_rules.let_nothing_restart_while_cancelling, {CANCELLING}, UNFINISHED),
        Clause(flow_rules.fail_pauses_that_lasted_too_long, {PAUSED}, {SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED}),
        Clause(flow_rules.cancel_at_once_what_no_process_works_at, {SCHEDULED, PENDING, PAUSED}, {CANCELLING}),
        Clause(flow_rules.pause_only_running_flows, ANY, {PAUSED}),
        Clause(flow_rules.resume_paused_flows_before_they_are_pending, {PAUSED}, {PENDING}),
        Clause(shared_rules.let_nobody_claim_what_is_claimed, {PENDING, RUNNING}, {PENDING}),
        Clause(shared_rules.wait_for_the_scheduled_time, {SCHEDULED, PENDING}, {RUNNING}),
        Clause(slot_rules.share_the_slots_of_the_deployment, ANY - {RUNNING, PAUSED}, {PENDING, RUNNING}),
        Clause(flow_rules.retry_failed_flows, {RUNNING}, {FAILED}),
        Clause(flow_rules.retry_crashed_flows, {RUNNING}, {CRASHED}),
        Clause(flow_rules.retry_flows_that_crashed_before_they_began, {PENDING}, {CRASHED}),
        Clause(flow_rules.give_retries_to_others_when_their_process_is_gone, {SCHEDULED}, {CRASHED}),
    ),
    settling=(
        Clause(shared_rules.keep_the_scheduled_time_while_pending, {SCHEDULED, PENDING}, {PENDING}),
        Clause(flow_rules.remember_the_pause, ANY, {PAUSED}),
        Clause(flow_rules.remember_that_a_pause_ends, {PAUSED}, {RUNNING, SCHEDULED}),
        Clause(flow_rules.begin_anew_when_rescheduled, ENDED, {SCHEDULED}),
        Clause(flow_rules.forget_how_the_run_came_here, ANY, {RUNNING}),
        Clause(flow_rules.forget_how_the_run_came_here, {RUNNING}, ANY_TYPE - {PENDING}),
    ),
)
"""The rules for flow runs."""

TASK_POLICY = Policy(
    always=(
        Clause(shared_rules.answer_repeated_proposals),
        Clause(shared_rules.refuse_those_who_lost_the_lease),
    ),
    rules=(
        Clause(task_rules.let_ended_tasks_rest, ENDED),
        Clause(shared_rules.let_nothing_restart_while_cancelling, {CANCELLING}, UNFINISHED - {CANCELLING}),
        Clause(shared_rules.let_nobody_claim_what_is_claimed, {PENDING, RUNNING}, {PENDING}),
        Clause(task_rules.use_the_cached_result, ANY, {RUNNING}),
        Clause(task_rules.run_tasks_only_while_their_flow_runs, ANY, {RUNNING}),
        Clause(shared_rules.wait_for_the_scheduled_time, {SCHEDULED, PENDING}, {RUNNING}),
        Clause(slot_rules.wait_for_a_slot_of_each_tag, ANY - {RUNNING}, {RUNNING}),
        Clause(task_rules.retry_failed_tasks, {RUNNING}, {FAILED}),
    ),
    settling=(
        Clause(shared_rules.keep_the_scheduled_time_while_pending, {SCHEDULED, PENDING}, {PENDING}),
        Clause(task_rules.name_retries, {SCHEDULED}, {RUNNING}),
    ),
)
"""The rules for task runs."""
