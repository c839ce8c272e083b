"""What runs leave for people and for each other: artifacts, variables, inputs."""

import json
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from prefect._contract.base import ObjectBaseModel
from prefect.types.names import raise_on_name_alphanumeric_dashes_only

__all__ = [
    "Artifact",
    "ArtifactCollection",
    "FlowRunInput",
    "Variable",
]


class FlowRunInput(ObjectBaseModel):
    """A message to a flow run. `value` is JSON."""

    flow_run_id: UUID
    key: Annotated[str, AfterValidator(raise_on_name_alphanumeric_dashes_only)]
    value: str
    sender: str | None = None

    @property
    def decoded_value(self) -> Any:
        """The message itself."""
        return json.loads(self.value)


class Artifact(ObjectBaseModel):
    """Something for people that a run produced: a table, a text, a link, an image, a progress."""

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactCollection(ObjectBaseModel):
    """All artifacts of one key, shown as the latest of them."""

    key: str
    latest_id: UUID
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class Variable(ObjectBaseModel):
    """A small value that is kept under a name, to be read by flows."""

    name: str
    value: str | int | bool | float | dict[str, Any] | list[Any] | None
    tags: list[str] = Field(default_factory=list)
