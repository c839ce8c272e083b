"""When automations act."""

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union
from uuid import UUID

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, Tag

from prefect._contract.base import Duration, PrefectBaseModel
from prefect._contract.events import ResourceSpecification
from prefect.utilities.collections import AutoEnum
from prefect.utilities.ids import uuid7
from prefect.utilities.publishing import publish

if TYPE_CHECKING:
    from prefect._contract.automation_actions import ActionTypes
    from prefect._contract.automations import AutomationCore

__all__ = [
    "CompositeTrigger",
    "CompoundTrigger",
    "EventTrigger",
    "MetricTrigger",
    "MetricTriggerOperator",
    "MetricTriggerQuery",
    "Posture",
    "PrefectMetric",
    "ResourceSpecificationDict",
    "ResourceTrigger",
    "SequenceTrigger",
    "Trigger",
    "TriggerTypes",
    "trigger_discriminator",
]

ResourceSpecificationDict = dict[str, str | list[str]]

_Specification = Annotated[ResourceSpecification | ResourceSpecificationDict, Field(union_mode="left_to_right")]

SHORTEST_PROACTIVE = timedelta(seconds=10)
"""How long it takes at least to notice that an event did not occur."""

SHORTEST_RANGE = timedelta(minutes=5)
"""Over how much time a metric is measured at least."""


class Posture(AutoEnum):
    """Whether a trigger waits for events to occur (reactive), for events not to occur (proactive), or for a metric."""

    Reactive = "Reactive"
    Proactive = "Proactive"
    Metric = "Metric"


def _indented(text: str, indent: int) -> str:
    return " " * indent + text


class Trigger(PrefectBaseModel):  # noqa: PLW1641 - it can be changed, so it has no hash
    """
    Says when an automation acts. `type` tells which kind of trigger it is, and is always sent.

    Two triggers are equal when they act at the same times, whatever their ids.
    """

    type: str
    id: UUID = Field(default_factory=uuid7, repr=False)

    _deployment_id: UUID | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Count what orchestrators require among the fields that were given, so that it is always sent."""
        super().model_post_init(context)
        self.__pydantic_fields_set__.update(("type", *self._always_answered))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trigger) or type(self) is not type(other):
            return NotImplemented
        return {**self.__dict__, "id": None} == {**other.__dict__, "id": None}

    def describe_for_cli(self, indent: int = 0) -> str:
        """When it acts, for people; the lines begin with `indent` blanks."""
        raise NotImplementedError

    def set_deployment_id(self, deployment_id: UUID) -> None:
        """Say which deployment it is to run, for triggers that are part of one."""
        self._deployment_id = deployment_id

    def owner_resource(self) -> str | None:
        """The resource id of the deployment that it is part of, if any."""
        return None if self._deployment_id is None else f"prefect.deployment.{self._deployment_id}"

    def actions(self) -> "list[ActionTypes]":
        """
        What it leads to, as part of a deployment: a run of that.

        Raises:
            ValueError: It is not known which deployment it is part of.
        """
        from prefect._contract.automation_actions import RunDeployment

        return [RunDeployment(deployment_id=self._required_deployment_id())]

    def as_automation(self) -> "AutomationCore":
        """
        The automation that it is, as part of a deployment.

        Raises:
            ValueError: It is not known which deployment it is part of.
        """
        from prefect._contract.automations import AutomationCore

        return AutomationCore(
            name=f"Automation for deployment {self._required_deployment_id()}",
            trigger=self,
            actions=self.actions(),
            owner_resource=self.owner_resource(),
        )

    def _required_deployment_id(self) -> UUID:
        if self._deployment_id is None:
            raise ValueError(
                f"This {type(self).__name__} is part of no deployment yet. Call set_deployment_id() first."
            )
        return self._deployment_id


def _nothing_said() -> ResourceSpecification:
    return ResourceSpecification({})


class ResourceTrigger(Trigger):
    """
    A trigger that looks at resources.

    Args:
        match: Which resources.
        match_related: Which related resources; of several specifications, each must be met.
    """

    match: _Specification = Field(default_factory=_nothing_said)
    match_related: _Specification | list[_Specification] = Field(default_factory=_nothing_said)


class EventTrigger(ResourceTrigger):
    """
    A trigger that waits for events, or for their absence.

    Args:
        after: The events that begin the waiting. Without any, it never ends.
        expect: The events that are waited for.
        for_each: Labels: what differs in one of them is counted apart.
        posture: Whether it acts when the events occur, or when they do not.
        threshold: How many events are waited for.
        within: How long.
    """

    type: Literal["event"] = "event"
    after: set[str] = Field(default_factory=set)
    expect: set[str] = Field(default_factory=set)
    for_each: set[str] = Field(default_factory=set)
    posture: Literal[Posture.Reactive, Posture.Proactive] = Posture.Reactive
    threshold: int = 1
    within: Annotated[Duration, Field(ge=timedelta(0), json_schema_extra={"default": 0.0})] = timedelta(0)

    _always_answered: ClassVar[tuple[str, ...]] = ("posture",)

    def model_post_init(self, context: Any, /) -> None:
        """Give proactive triggers the time that they need."""
        super().model_post_init(context)
        if self.posture is not Posture.Proactive or self.within >= SHORTEST_PROACTIVE:
            return
        if self.within != timedelta(0):
            raise ValueError(
                "`within` for Proactive triggers must be greater than or equal to 10 seconds. "
                f"It is {self.within.total_seconds()} seconds."
            )
        self.within = SHORTEST_PROACTIVE

    def describe_for_cli(self, indent: int = 0) -> str:
        """When it acts, for people; the lines begin with `indent` blanks."""
        events = f"{{{', '.join(repr(event) for event in sorted(self.expect))}}}" if self.expect else "any event"
        if self.posture is Posture.Reactive:
            return _indented(f"Reactive: expecting {self.threshold} of {events}", indent)
        return _indented(f"Proactive: expecting {self.threshold} {events} event within {self.within}", indent)


class MetricTriggerOperator(Enum):
    """How a metric is compared with the threshold."""

    LT = "<"
    LTE = "<="
    GT = ">"
    GTE = ">="


class PrefectMetric(Enum):
    """What is measured of flow runs."""

    lateness = "lateness"
    duration = "duration"
    successes = "successes"


def _long_enough(duration: timedelta) -> timedelta:
    if duration < SHORTEST_RANGE:
        raise ValueError(f"The minimum range is 300 seconds (5 minutes). This is {duration.total_seconds()} seconds.")
    return duration


class MetricTriggerQuery(PrefectBaseModel):
    """
    What is measured, and when it is out of bounds.

    Args:
        name: The metric.
        threshold: What it is compared with: seconds, or for successes a share between 0 and 1.
        operator: How it is compared.
        range: Over how much time it is measured.
        firing_for: How long it must be out of bounds.
    """

    name: PrefectMetric
    threshold: float
    operator: MetricTriggerOperator
    range: Annotated[Duration, AfterValidator(_long_enough)] = SHORTEST_RANGE
    firing_for: Annotated[Duration, AfterValidator(_long_enough)] = SHORTEST_RANGE


class MetricTrigger(ResourceTrigger):
    """
    A trigger that looks at a metric of flow runs: those that entered a state in the time that is measured, of which an event
    is about a resource that is meant.

    It acts when the metric was out of bounds for long enough, and is resolved when it is not any more.

    Args:
        metric: What is measured.
    """

    type: Literal["metric"] = "metric"
    posture: Literal[Posture.Metric] = Posture.Metric
    metric: MetricTriggerQuery

    def describe_for_cli(self, indent: int = 0) -> str:
        """When it acts, for people; the lines begin with `indent` blanks."""
        metric = self.metric
        comparison = f"{metric.name.value} {metric.operator.value} {metric.threshold}"
        return _indented(f"Metric: {comparison} for {metric.range}", indent)


class CompositeTrigger(Trigger):
    """
    A trigger that is made of others.

    Args:
        triggers: The others.
        within: How much time may pass between the first and the last of them; None for any.
    """

    type: Literal["compound", "sequence"]
    triggers: "list[TriggerTypes]"
    within: Annotated[Duration, Field(ge=timedelta(0))] | None = None

    _always_answered: ClassVar[tuple[str, ...]] = ("within",)

    def _describe(self, title: str, indent: int) -> str:
        lines = [trigger.describe_for_cli(indent + 2) for trigger in self.triggers]
        return "\n".join([_indented(f"{title}:", indent), *lines])


class CompoundTrigger(CompositeTrigger):
    """
    A trigger that acts when some of others have, in any order.

    Args:
        require: How many of them: a number, `any` or `all`.
    """

    type: Literal["compound"] = "compound"
    require: int | Literal["any", "all"]

    def model_post_init(self, context: Any, /) -> None:
        """Make sure that it can ever act."""
        super().model_post_init(context)
        if isinstance(self.require, str):
            return
        if self.require < 1:
            raise ValueError(f"require must be at least 1. It is {self.require}.")
        if self.require > len(self.triggers):
            raise ValueError(
                f"require must be less than or equal to the number of triggers. It is {self.require}, and there are "
                f"{len(self.triggers)}."
            )

    def describe_for_cli(self, indent: int = 0) -> str:
        """When it acts, for people; the lines begin with `indent` blanks."""
        return self._describe(f"{str(self.require).capitalize()} of", indent)


class SequenceTrigger(CompositeTrigger):
    """A trigger that acts when others have, one after the other."""

    type: Literal["sequence"] = "sequence"

    def describe_for_cli(self, indent: int = 0) -> str:
        """When it acts, for people; the lines begin with `indent` blanks."""
        return self._describe("In this order", indent)


def trigger_discriminator(value: Any) -> str:
    """
    Tell which kind of trigger something is.

    Args:
        value: A trigger, or the fields of one. Without a type, it is an event trigger unless its posture is `Metric`.
    """
    if isinstance(value, dict):
        kind, posture = value.get("type"), value.get("posture")
    else:
        kind, posture = getattr(value, "type", None), getattr(value, "posture", None)
    return str(kind or ("metric" if posture == Posture.Metric else "event"))


_Event = Annotated[EventTrigger, Tag("event")]
_Metric = Annotated[MetricTrigger, Tag("metric")]
_Compound = Annotated[CompoundTrigger, Tag("compound")]
_Sequence = Annotated[SequenceTrigger, Tag("sequence")]

TriggerTypes = Annotated[Union[_Event, _Metric, _Compound, _Sequence], Discriminator(trigger_discriminator)]
"""All triggers. The field `type` tells which it is."""

for _composite in (CompositeTrigger, CompoundTrigger, SequenceTrigger):
    _composite.model_rebuild()  # they name types that come after them
publish(globals(), "prefect.events.schemas.automations")
