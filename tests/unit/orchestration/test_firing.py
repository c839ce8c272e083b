"""When automations act, driven by hand: events at moments, and nothing else."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from prefect._contract.events import Event
from prefect._contract.triggers import CompoundTrigger, EventTrigger, MetricTrigger, SequenceTrigger, Trigger
from prefect._orchestration.firing import Bucket, BucketKey, Firing, begin, expects, hear, let_pass, parts_of
from prefect.utilities.time import UTC

START = datetime(2031, 5, 6, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(
    name: str, seconds: float, resource: str = "r.1", related: list[dict[str, str]] | None = None, **labels: str
) -> Event:
    return Event(
        event=name,
        occurred=at(seconds),
        resource={"prefect.resource.id": resource, **labels},
        related=related or [],
    )


class Automation:
    """A trigger, and what is known of it."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self.known: dict[BucketKey, Bucket] = dict(begin(trigger, START))

    def _learn(self, changes: dict[BucketKey, Bucket | None]) -> None:
        for key, bucket in changes.items():
            if bucket is None:
                self.known.pop(key, None)
            else:
                self.known[key] = bucket

    def hear(self, event: Event) -> list[Firing]:
        outcome = hear(self.trigger, event, self.known)
        self._learn(outcome.changes)
        return outcome.firings

    def pass_to(self, seconds: float) -> list[Firing]:
        parts = {part.id: part for part in parts_of(self.trigger)}
        due = [
            key for key, bucket in self.known.items() if (moment := bucket.due(parts[key[0]])) and moment < at(seconds)
        ]
        outcome = let_pass(self.trigger, at(seconds), due, self.known)
        self._learn(outcome.changes)
        return outcome.firings

    def count(self, *events: tuple[str, float]) -> list[int]:
        """How often it acts at each of some events."""
        return [len(self.hear(event(name, seconds))) for name, seconds in events]


def trigger(**fields: Any) -> EventTrigger:
    within = timedelta(seconds=fields.pop("within", 0))
    return EventTrigger(within=within, **fields)


class TestWhichEventsMatter:
    @pytest.mark.parametrize(
        ("fields", "matters"),
        [
            ({}, True),
            ({"expect": {"orders.received"}}, True),
            ({"expect": {"orders.*"}}, True),
            ({"expect": {"orders"}}, False),
            ({"after": {"orders.received"}, "expect": {"x"}}, True),
            ({"match": {"prefect.resource.id": "orders.*"}}, True),
            ({"match": {"prefect.resource.id": "!orders.*"}}, False),
            ({"match": {"prefect.resource.id": ["customers.*", "orders.*"]}}, True),
            ({"match": {"prefect.resource.id": "orders.*", "colour": "red"}}, True),
            ({"match": {"colour": "blue"}}, False),
            ({"match": {"missing": "!blue"}}, False),
            ({"match_related": {"prefect.resource.role": "customer"}}, True),
            ({"match_related": {"prefect.resource.role": "customer", "prefect.resource.id": "c.2"}}, False),
            ({"match_related": [{"prefect.resource.role": "customer"}, {"prefect.resource.id": "t.*"}]}, True),
            ({"match_related": [{"prefect.resource.role": "customer"}, {"prefect.resource.id": "x.*"}]}, False),
        ],
    )
    def test_by_name_resource_and_related_resources(self, fields: dict[str, Any], matters: bool) -> None:
        related = [
            {"prefect.resource.id": "c.1", "prefect.resource.role": "customer"},
            {"prefect.resource.id": "t.1", "prefect.resource.role": "tag"},
        ]
        assert expects(trigger(**fields), event("orders.received", 0, "orders.1", related, colour="red")) is matters


class TestReactive:
    def test_each_event_by_default(self) -> None:
        assert Automation(trigger(expect={"a"})).count(("a", 0), ("b", 1), ("a", 2)) == [1, 0, 1]

    def test_each_nth_without_a_time(self) -> None:
        counted = Automation(trigger(expect={"a"}, threshold=2)).count(*(("a", 100 * n) for n in range(5)))
        assert counted == [0, 1, 0, 1, 0]

    def test_once_in_a_time(self) -> None:
        automation = Automation(trigger(expect={"a"}, threshold=2, within=60))
        assert automation.count(("a", 0), ("a", 1), ("a", 2), ("a", 60), ("a", 61), ("a", 62)) == [0, 1, 0, 0, 0, 1]

    def test_too_few_in_a_time(self) -> None:
        assert Automation(trigger(expect={"a"}, threshold=3, within=10)).count(("a", 0), ("a", 9), ("a", 11)) == [
            0,
            0,
            0,
        ]

    def test_only_after_another_event_and_once_for_each(self) -> None:
        automation = Automation(trigger(after={"begin"}, expect={"a"}, within=60))
        events = [("a", 0), ("begin", 1), ("a", 2), ("a", 3), ("begin", 4), ("begin", 5), ("a", 70)]
        assert automation.count(*events) == [0, 0, 1, 0, 0, 0, 0]

    def test_after_another_event_without_a_time(self) -> None:
        assert Automation(trigger(after={"begin"}, expect={"a"})).count(("begin", 0), ("a", 1e6), ("a", 1e6)) == [
            0,
            1,
            0,
        ]

    def test_what_differs_is_counted_apart(self) -> None:
        automation = Automation(trigger(expect={"a"}, for_each={"prefect.resource.id"}, threshold=2, within=60))
        fired = [automation.hear(event("a", n, f"r.{n % 2}")) for n in range(4)]
        assert [[each.labels["prefect.resource.id"] for each in firings] for firings in fired] == [
            [],
            [],
            ["r.0"],
            ["r.1"],
        ]

    def test_labels_of_related_resources_are_counted_apart(self) -> None:
        automation = Automation(trigger(for_each={"related:customer:prefect.resource.id"}, threshold=2))
        customers = [[{"prefect.resource.id": f"c.{n % 2}", "prefect.resource.role": "customer"}] for n in range(3)]
        fired = [automation.hear(event("a", n, related=related)) for n, related in enumerate(customers)]
        assert [firing.labels for firings in fired for firing in firings] == [
            {"related:customer:prefect.resource.id": "c.0"}
        ]

    def test_what_is_over_is_forgotten_a_while_later(self) -> None:
        automation = Automation(trigger(expect={"a"}, threshold=2, within=10))
        automation.hear(event("a", 0))
        assert automation.pass_to(69) == []
        assert automation.known
        automation.pass_to(71)
        assert automation.known == {}

    def test_a_firing_says_what_led_to_it(self) -> None:
        heard = event("a", 3)
        (firing,) = Automation(rule := trigger(expect={"a"})).hear(heard)
        assert firing == Firing(rule.id, at(3), {}, heard.id)


class TestProactive:
    def make(self, **fields: Any) -> Automation:
        return Automation(trigger(posture="Proactive", **{"expect": {"done"}, "within": 10, **fields}))

    def test_what_does_not_follow_in_time(self) -> None:
        automation = self.make(after={"begin"}, for_each={"prefect.resource.id"})
        began = event("begin", 0, "r.1")
        automation.hear(began)
        automation.hear(event("begin", 1, "r.2"))
        automation.hear(event("done", 5, "r.2"))
        assert automation.pass_to(10) == []
        (firing,) = automation.pass_to(12)
        assert (firing.labels, firing.moment, firing.event_id) == ({"prefect.resource.id": "r.1"}, at(10), began.id)
        assert automation.pass_to(100) == []

    def test_an_event_that_is_too_late_does_not_help(self) -> None:
        automation = self.make(after={"begin"})
        automation.hear(event("begin", 0))
        firings = automation.hear(event("done", 11))
        assert [(firing.resolved, firing.moment) for firing in firings] == [(False, at(10)), (True, at(11))]

    def test_silence_is_told_of_again_and_again(self) -> None:
        automation = self.make()
        assert [len(automation.pass_to(seconds)) for seconds in (9, 11, 15, 21, 22)] == [0, 1, 0, 1, 0]

    def test_a_long_absence_is_told_of_once(self) -> None:
        automation = self.make()
        assert len(automation.pass_to(3600)) == 1
        assert len(automation.pass_to(3605)) == 0
        assert len(automation.pass_to(3611)) == 1

    def test_being_heard_of_begins_the_time_anew(self) -> None:
        automation = self.make()
        automation.hear(event("done", 8))
        assert [len(automation.pass_to(seconds)) for seconds in (11, 17, 19)] == [0, 0, 1]

    def test_each_that_was_heard_of_is_missed_once(self) -> None:
        automation = self.make(for_each={"prefect.resource.id"})
        assert automation.pass_to(100) == []
        automation.hear(event("done", 100, "r.1"))
        assert [len(automation.pass_to(seconds)) for seconds in (109, 111, 130)] == [0, 1, 0]
        automation.hear(event("done", 131, "r.1"))
        assert len(automation.pass_to(142)) == 1

    def test_some_may_not_be_enough(self) -> None:
        automation = self.make(threshold=2)
        automation.hear(event("done", 1))
        assert len(automation.pass_to(11)) == 1
        automation.hear(event("done", 12))
        automation.hear(event("done", 13))
        assert automation.pass_to(21) == []


class TestMadeOfOthers:
    def parts(self, *names: str) -> list[EventTrigger]:
        return [trigger(expect={name}) for name in names]

    def compound(self, require: Any, *names: str, within: float | None = None) -> Automation:
        limit = None if within is None else timedelta(seconds=within)
        return Automation(CompoundTrigger(triggers=self.parts(*names), require=require, within=limit))

    def test_any(self) -> None:
        assert self.compound("any", "a", "b").count(("a", 0), ("b", 1), ("c", 2), ("a", 3)) == [1, 1, 0, 1]

    def test_all_in_any_order(self) -> None:
        events = [("b", 0), ("b", 1), ("a", 2), ("a", 3), ("b", 4)]
        assert self.compound("all", "a", "b").count(*events) == [0, 0, 1, 0, 1]

    def test_a_number(self) -> None:
        assert self.compound(2, "a", "b", "c").count(("a", 0), ("a", 1), ("c", 2), ("b", 3)) == [0, 0, 1, 0]

    def test_within_a_time(self) -> None:
        automation = self.compound("all", "a", "b", within=10)
        assert automation.count(("a", 0), ("b", 11), ("a", 20), ("b", 40), ("a", 50)) == [0, 0, 1, 0, 1]

    def test_what_is_gathered_too_long_ago_is_forgotten(self) -> None:
        automation = self.compound("all", "a", "b", within=10)
        automation.hear(event("a", 0))
        automation.pass_to(71)
        assert automation.known == {}

    @pytest.mark.parametrize(
        ("names", "order", "fired"),
        [
            ("ab", "baab", [0, 0, 0, 1]),
            ("abc", "abac", [0, 0, 0, 1]),
            ("abc", "acb", [0, 0, 0]),
            ("aab", "aab", [0, 0, 1]),
            ("aa", "aaa", [0, 1, 0]),
        ],
    )
    def test_one_after_the_other(self, names: str, order: str, fired: list[int]) -> None:
        automation = Automation(SequenceTrigger(triggers=self.parts(*names)))
        assert automation.count(*zip(order, itertools.count(), strict=False)) == fired

    def test_one_after_the_other_within_a_time(self) -> None:
        automation = Automation(SequenceTrigger(triggers=self.parts("a", "b"), within=timedelta(seconds=10)))
        assert automation.count(("a", 0), ("b", 11), ("a", 12), ("a", 20), ("b", 29)) == [0, 0, 0, 0, 1]

    def test_parts_of_parts_and_silence(self) -> None:
        silence = trigger(posture="Proactive", after={"begin"}, expect={"done"}, within=10)
        inner = CompoundTrigger(triggers=[silence, *self.parts("x")], require="any")
        automation = Automation(SequenceTrigger(triggers=[inner, *self.parts("a")]))
        automation.hear(event("begin", 0))
        assert automation.pass_to(11) == []
        (firing,) = automation.hear(event("a", 12))
        assert firing.trigger_id == automation.trigger.id


NAMES = st.sampled_from(["a", "b", "c", "begin"])
HEARD = st.lists(st.tuples(NAMES, st.integers(0, 30), st.integers(0, 2)), max_size=25)


def triggers() -> st.SearchStrategy[Trigger]:
    names = st.sets(NAMES, max_size=2)
    simple = st.builds(
        lambda expect, after, threshold, within, apart: trigger(
            expect=expect, after=after, threshold=threshold, within=within, for_each={"prefect.resource.id"} if apart else set()
        ),
        names, names, st.integers(1, 3), st.sampled_from([0, 5, 20]), st.booleans(),
    )  # fmt: skip
    within = st.sampled_from([None, timedelta(seconds=15)])

    def compose(parts: st.SearchStrategy[Trigger]) -> st.SearchStrategy[Trigger]:
        several = st.lists(parts, min_size=1, max_size=3)
        return st.one_of(
            st.builds(lambda each, limit: CompoundTrigger(triggers=each, require="all", within=limit), several, within),
            st.builds(lambda each, limit: SequenceTrigger(triggers=each, within=limit), several, within),
        )

    return st.recursive(simple, compose, max_leaves=4)


def occur(heard: list[tuple[str, int, int]]) -> list[Event]:
    moments = itertools.accumulate(pause for _, pause, _ in heard)
    return [event(name, moment, f"r.{which}") for (name, _, which), moment in zip(heard, moments, strict=True)]


class TestReplaying:
    @settings(max_examples=150, deadline=None)
    @given(triggers(), HEARD)
    def test_the_same_events_give_the_same_firings(self, rule: Trigger, heard: list[tuple[str, int, int]]) -> None:
        events = occur(heard)
        first, again = Automation(rule), Automation(rule)
        assert [first.hear(each) for each in events] == [again.hear(each) for each in events]
        assert first.known == again.known

    @settings(max_examples=150, deadline=None)
    @given(triggers(), HEARD)
    def test_when_a_reactive_automation_is_looked_at_does_not_matter(
        self, rule: Trigger, heard: list[tuple[str, int, int]]
    ) -> None:
        events = occur(heard)
        undisturbed, watched = Automation(rule), Automation(rule)
        for each in events:
            assert watched.pass_to((each.occurred - START).total_seconds()) == []
            assert undisturbed.hear(each) == watched.hear(each)

    @settings(max_examples=150, deadline=None)
    @given(HEARD, st.lists(st.integers(0, 40), max_size=10), st.integers(1, 2))
    def test_when_the_absence_of_what_should_follow_is_looked_at_does_not_matter(
        self, heard: list[tuple[str, int, int]], looks: list[int], threshold: int
    ) -> None:
        rule = trigger(
            posture="Proactive",
            after={"begin"},
            expect={"a"},
            for_each={"prefect.resource.id"},
            within=10,
            threshold=threshold,
        )
        events, end = occur(heard), 10_000
        undisturbed, watched = Automation(rule), Automation(rule)
        expected = [firing for each in events for firing in undisturbed.hear(each)] + undisturbed.pass_to(end)
        moments = sorted(itertools.accumulate(looks))
        fired: list[Firing] = []
        for each in events:
            moment = (each.occurred - START).total_seconds()
            while moments and moments[0] < moment:
                fired += watched.pass_to(moments.pop(0))
            fired += watched.hear(each)
        fired += watched.pass_to(end)
        key = lambda firing: (firing.moment, firing.labels["prefect.resource.id"], str(firing.event_id))  # noqa: E731
        assert sorted(fired, key=key) == sorted(expected, key=key)


class TestResolving:
    def test_silence_is_resolved_when_what_was_missed_occurs(self) -> None:
        automation = Automation(trigger(expect={"beat"}, posture="Proactive", within=60))
        assert [firing.resolved for firing in automation.pass_to(61)] == [False]
        assert [firing.resolved for firing in automation.pass_to(121)] == [False]
        (firing,) = automation.hear(event("beat", 130))
        assert (firing.resolved, firing.moment) == (True, at(130))
        assert automation.hear(event("beat", 140)) == []
        assert [firing.resolved for firing in automation.pass_to(250)] == [False]

    def test_as_much_as_was_expected_is_needed(self) -> None:
        automation = Automation(trigger(expect={"beat"}, posture="Proactive", within=60, threshold=2))
        automation.pass_to(61)
        assert automation.count(("beat", 70), ("beat", 80)) == [0, 1]

    def test_what_is_counted_apart_is_resolved_apart(self) -> None:
        rule = trigger(expect={"beat"}, posture="Proactive", within=60, for_each={"prefect.resource.id"})
        automation = Automation(rule)
        automation.hear(event("beat", 0, "a"))
        automation.hear(event("beat", 0, "b"))
        assert len(automation.pass_to(61)) == 2
        (firing,) = automation.hear(event("beat", 70, "b"))
        assert (firing.resolved, firing.labels) == (True, {"prefect.resource.id": "b"})
        assert [each.labels for each in automation.pass_to(131)] == [{"prefect.resource.id": "b"}]

    def test_what_is_never_heard_of_again_is_forgotten(self) -> None:
        rule = trigger(expect={"beat"}, posture="Proactive", within=60, for_each={"prefect.resource.id"})
        automation = Automation(rule)
        automation.hear(event("beat", 0))
        automation.pass_to(61)
        assert automation.known
        assert automation.pass_to(2 * 86_400) == []
        assert not automation.known

    @pytest.mark.parametrize("apart", [set(), {"prefect.resource.id"}])
    def test_an_absence_after_an_event_is_resolved_once(self, apart: set[str]) -> None:
        rule = trigger(after={"begun"}, expect={"ended"}, posture="Proactive", within=60, for_each=apart, threshold=2)
        automation = Automation(rule)
        automation.hear(event("begun", 0))
        assert [firing.resolved for firing in automation.pass_to(61)] == [False]
        assert automation.pass_to(200) == []
        (firing,) = automation.hear(event("ended", 300))
        assert (firing.resolved, firing.moment) == (True, at(300))
        assert automation.count(("ended", 310)) == [0]
        assert automation.known == {}

    def test_what_begins_again_is_waited_for_again(self) -> None:
        automation = Automation(trigger(after={"begun"}, expect={"ended"}, posture="Proactive", within=60))
        automation.hear(event("begun", 0))
        assert len(automation.pass_to(61)) == 1
        assert automation.count(("begun", 70), ("ended", 80), ("ended", 90)) == [0, 0, 0]
        automation.hear(event("begun", 100))
        assert [firing.resolved for firing in automation.pass_to(161)] == [False]

    def test_an_absence_is_resolved_within_a_day(self) -> None:
        automation = Automation(trigger(after={"begun"}, expect={"ended"}, posture="Proactive", within=60))
        automation.hear(event("begun", 0))
        assert len(automation.pass_to(61)) == 1
        day = timedelta(days=1).total_seconds()
        assert automation.pass_to(60 + day + 1) == []
        assert automation.known == {}
        assert automation.count(("ended", 61 + day)) == [0]

    def test_parts_that_are_resolved_do_not_count(self) -> None:
        silence, call = trigger(expect={"beat"}, posture="Proactive", within=60), trigger(expect={"call"})
        automation = Automation(SequenceTrigger(triggers=[call, silence], within=None))
        automation.pass_to(61)
        automation.hear(event("call", 62))
        assert automation.count(("beat", 70)) == [0]
        assert len(automation.pass_to(131)) == 1


def metric(operator: str = "<", threshold: float = 0.5, firing_for: float = 300) -> MetricTrigger:
    query = {"name": "successes", "operator": operator, "threshold": threshold, "firing_for": firing_for}
    return MetricTrigger(metric=query)


class TestMetrics:
    @staticmethod
    def look(automation: Automation, seconds: float, value: float | None) -> str | None:
        """What comes of looking at a metric."""
        parts = {part.id: part for part in parts_of(automation.trigger)}
        due = [
            key
            for key, bucket in automation.known.items()
            if (moment := bucket.due(parts[key[0]])) and moment <= at(seconds)
        ]
        measured = {part.id: value for part in parts.values() if isinstance(part, MetricTrigger)}
        outcome = let_pass(automation.trigger, at(seconds), due, automation.known, measured)
        automation._learn(outcome.changes)
        kinds = ["resolved" if firing.resolved else "acts" for firing in outcome.firings]
        return kinds[0] if kinds else None

    def looks(self, automation: Automation, *values: float | None, start: int = 0) -> list[str | None]:
        return [self.look(automation, start + 60 * number, value) for number, value in enumerate(values)]

    def test_it_acts_once_when_it_is_out_of_bounds_for_long_enough(self) -> None:
        automation = Automation(metric())
        assert self.looks(automation, *[0.4] * 5) == [None] * 5
        assert self.looks(automation, *[0.4] * 3, start=300) == ["acts", None, None]

    def test_it_is_resolved_when_it_is_within_them_again_and_may_act_again(self) -> None:
        automation = Automation(metric())
        self.looks(automation, *[0.4] * 6)
        assert self.looks(automation, 0.5, 0.9, start=360) == ["resolved", None]
        assert self.looks(automation, *[0.1] * 6, start=480) == [None] * 5 + ["acts"]

    def test_being_within_bounds_begins_the_time_anew(self) -> None:
        automation = Automation(metric())
        assert self.looks(automation, 0.4, 0.4, 0.6, 0.4, 0.4, 0.4, 0.4) == [None] * 7

    def test_what_cannot_be_measured_changes_nothing(self) -> None:
        automation = Automation(metric())
        assert self.looks(automation, 0.4, None, None, None, None, None, 0.4, None) == [None] * 6 + ["acts", None]

    def test_a_time_in_which_nobody_looked_does_not_count(self) -> None:
        automation = Automation(metric())
        assert [self.look(automation, seconds, 0.4) for seconds in (0, 3600, 3660)] == [None] * 3

    @pytest.mark.parametrize(
        ("operator", "out"), [("<", (False, False)), ("<=", (False, True)), (">", (True, False)), (">=", (True, True))]
    )
    def test_bounds(self, operator: str, out: tuple[bool, bool]) -> None:
        for value, is_out in zip((0.6, 0.5), out, strict=True):
            automation = Automation(metric(operator))
            assert (self.looks(automation, *[value] * 6)[-1] == "acts") is is_out

    def test_it_is_looked_at_each_minute(self) -> None:
        automation = Automation(metric())
        self.look(automation, 0, 0.9)
        assert [self.look(automation, seconds, 0.1) for seconds in (30, 59)] == [None, None]
        assert next(iter(automation.known.values())).count == 0

    def test_it_is_a_part_of_others(self) -> None:
        automation = Automation(CompoundTrigger(require="all", triggers=[metric(), trigger(expect={"call"})]))
        automation.hear(event("call", 0))
        assert self.looks(automation, *[0.4] * 6) == [None] * 5 + ["acts"]

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from([None, 0.1, 0.9]), st.integers(60, 400)), max_size=40))
    def test_acting_and_being_resolved_alternate(self, looks: list[tuple[float | None, int]]) -> None:
        def kinds() -> list[str]:
            automation = Automation(metric())
            moments = itertools.accumulate(pause for _, pause in looks)
            told = [self.look(automation, moment, value) for (value, _), moment in zip(looks, moments, strict=True)]
            return [kind for kind in told if kind is not None]

        found = kinds()
        assert found == ["acts", "resolved"] * (len(found) // 2) + ["acts"] * (len(found) % 2)
        assert kinds() == found


class TestResolvingOfMany:
    @settings(max_examples=100, deadline=None)
    @given(st.booleans(), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 2)), max_size=30))
    def test_only_what_has_acted_is_resolved_and_once(self, is_apart: bool, beats: list[tuple[int, int]]) -> None:
        apart = {"prefect.resource.id"} if is_apart else set()
        automation = Automation(trigger(expect={"beat"}, posture="Proactive", within=60, for_each=apart))
        acted: set[str] = set()
        for moment, (_, which) in zip(itertools.accumulate(pause for pause, _ in beats), beats, strict=True):
            for firing in [*automation.pass_to(moment), *automation.hear(event("beat", moment, f"r.{which}"))]:
                label = firing.labels.get("prefect.resource.id", "")
                if firing.resolved:
                    assert label in acted
                    acted.remove(label)
                else:
                    acted.add(label)
