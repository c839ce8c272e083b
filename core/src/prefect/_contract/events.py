"""Events: what happened, to which resource, and what else was involved."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from prefect._contract.base import Moment, PrefectBaseModel
from prefect._contract.labelling import Labelled
from prefect.utilities.collections import AutoEnum
from prefect.utilities.ids import uuid7
from prefect.utilities.publishing import publish
from prefect.utilities.time import now

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Countable",
    "Event",
    "ReceivedEvent",
    "RelatedResource",
    "Resource",
    "ResourceSpecification",
    "TimeUnit",
    "matches",
]

_ID = "prefect.resource.id"
_NAME = "prefect.resource.name"
_ROLE = "prefect.resource.role"


class Resource(Labelled):
    """Something that events are about, described by labels. One is its id: `prefect.resource.id`."""

    def model_post_init(self, context: Any, /) -> None:
        """Make sure that it can be identified."""
        self._require(_ID, "Resources")

    def _require(self, label: str, kind: str) -> None:
        value = self.root.get(label)
        if value is None:
            raise ValueError(
                f"{kind} must include the {label} label. Those given are: {', '.join(self.root) or 'none'}."
            )
        if not value:
            raise ValueError(f"The {label} label must be non-empty.")

    @property
    def id(self) -> str:
        """What identifies it: `prefect.flow-run.<uuid>`."""
        return self.root[_ID]

    @property
    def name(self) -> str | None:
        """What people call it."""
        return self.root.get(_NAME)

    def prefect_object_id(self, kind: str) -> UUID:
        """
        The id of the record that it stands for.

        Args:
            kind: The kind of resource: `prefect.flow-run`.

        Raises:
            ValueError: It is of another kind, or its id does not end with a UUID.
        """
        prefix = f"{kind}."
        if not self.id.startswith(prefix):
            raise ValueError(f"Resource ID {self.id} does not start with {prefix}")
        try:
            return UUID(self.id[len(prefix) :])
        except ValueError:
            raise ValueError(f"Resource ID {self.id} does not end with a UUID, so it stands for no record.") from None


class RelatedResource(Resource):
    """Something that was involved in an event. A label says as what: `prefect.resource.role`."""

    def model_post_init(self, context: Any, /) -> None:
        """Make sure that it can be identified, and has a role."""
        super().model_post_init(context)
        self._require(_ROLE, "Related Resources")

    @property
    def role(self) -> str:
        """As what it was involved: `flow`, `tag`, `work-pool` ..."""
        return self.root[_ROLE]


class Event(PrefectBaseModel):
    """
    Something that happened.

    Args:
        occurred: When it happened.
        event: What happened: `prefect.flow-run.Completed`.
        resource: To whom it happened.
        related: What else was involved.
        payload: What else is to be said of it, as JSON values.
        id: Identifies the event, so that receiving it twice has one effect.
        follows: The id of an event that it is known to come after; both are then handled in that order.
    """

    occurred: Moment = Field(default_factory=now)
    event: str
    resource: Resource
    related: list[RelatedResource] = Field(default_factory=list)
    payload: dict[str, Any] = Field(default_factory=dict)
    id: UUID = Field(default_factory=uuid7)
    follows: UUID | None = None

    _always_answered: ClassVar[tuple[str, ...]] = ("occurred", "id")

    def model_post_init(self, context: Any, /) -> None:
        """Count what orchestrators require among the fields that were given, so that it is always sent."""
        self.__pydantic_fields_set__.update(self._always_answered)

    @property
    def size_bytes(self) -> int:
        """How many bytes it is on the wire."""
        return len(self.model_dump_json().encode())

    @property
    def involved_resources(self) -> list[Resource]:
        """Its resource and the related ones."""
        return [self.resource, *self.related]

    @property
    def resource_in_role(self) -> dict[str, RelatedResource]:
        """The first of the related resources in each role."""
        return {related.role: related for related in reversed(self.related)}

    @property
    def resources_in_role(self) -> dict[str, list[RelatedResource]]:
        """The related resources in each role; for a role that nobody has, an empty list."""
        resources: dict[str, list[RelatedResource]] = defaultdict(list)
        for related in self.related:
            resources[related.role].append(related)
        return resources

    def find_resource_label(self, label: str) -> str | None:
        """
        The text of a label of the resource, or of a related one.

        Args:
            label: The name of the label; `related:<role>:<name>` for a resource in that role.

        Returns:
            None if there is no such label.
        """
        if not label.startswith("related:"):
            return self.resource.get(label)
        _, role, label = label.split(":", 2) if label.count(":") > 1 else ("", "", "")
        found = (related.get(label) for related in self.related if related.role == role)
        return next((value for value in found if value is not None), None)


class ReceivedEvent(Event):
    """An event with the moment at which an orchestrator received it."""

    received: Moment = Field(default_factory=now)


def matches(expected: str, value: str | None) -> bool:
    """
    Whether the text of a label is as expected.

    Args:
        expected: The text; `text*` for all that begin with it, `!text` for all others.
        value: The text of the label; None, if there is no such label, never matches.
    """
    if value is None:
        return False
    if expected.startswith("!"):
        return not matches(expected[1:], value)
    if expected.endswith("*"):
        return value.startswith(expected[:-1])
    return value == expected


def _as_list(expected: str | list[str] | None) -> list[str]:
    if expected is None:
        return []
    return expected if isinstance(expected, list) else [expected]


class ResourceSpecification(RootModel[dict[str, str | list[str]]]):
    """
    Says which resources are meant: those that have all of these labels.

    Each label is a text, or a list of texts of which one must match: see `matches`. Without labels, all are meant.
    """

    model_config = ConfigDict(defer_build=True)

    def matches_every_resource(self) -> bool:
        """Whether all resources are meant."""
        return not self.root

    def matches_every_resource_of_kind(self, prefix: str) -> bool:
        """Whether all resources are meant whose id begins with a prefix and a dot: `prefect.flow-run`."""
        return not self.root or (set(self.root) == {_ID} and f"{prefix}.*" in self[_ID])

    def includes(self, candidates: Iterable[Resource]) -> bool:
        """Whether any of the candidates is meant. If all resources are meant, there need be no candidate."""
        return self.matches_every_resource() or any(self.matches(candidate) for candidate in candidates)

    def matches(self, resource: Resource) -> bool:
        """Whether a resource is meant."""
        return all(
            any(matches(expected, resource.get(label)) for expected in alternatives)
            for label, alternatives in self.items()
        )

    def items(self) -> Iterable[tuple[str, list[str]]]:
        """The names of the labels, each with the texts of which one must match."""
        return [(label, _as_list(expected)) for label, expected in self.root.items()]

    def __contains__(self, key: object) -> bool:
        return key in self.root

    def __getitem__(self, key: str) -> list[str]:
        return _as_list(self.root[key])

    def __len__(self) -> int:
        return len(self.root)

    def get(self, key: str, default: str | list[str] | None = None) -> list[str]:
        """The texts of which one must match, for a label; the default if nothing is said of it."""
        return _as_list(self.root.get(key, default))

    def pop(self, key: str, default: str | list[str] | None = None) -> list[str]:
        """Take away what is said of a label, and return it."""
        return _as_list(self.root.pop(key, default))

    def deepcopy(self) -> "Self":
        """A copy that shares nothing."""
        return self.model_copy(deep=True)


class Countable(AutoEnum):
    """By what events can be counted."""

    day = "day"
    time = "time"
    event = "event"
    resource = "resource"


class TimeUnit(AutoEnum):
    """A unit of the intervals in which events are counted."""

    week = "week"
    day = "day"
    hour = "hour"
    minute = "minute"
    second = "second"


publish(globals(), "prefect.events.schemas.events")
