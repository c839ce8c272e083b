"""What it takes to ask an orchestrator something: one immutable value per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """
    One request, made by an endpoint function of `prefect._contract.endpoints`, sent by a transport.

    Args:
        method: The HTTP verb.
        path: The path template, as in the REST contract: `/flow_runs/{id}`.
        returns: What the answer is validated into; None when there is no content.
        path_params: A value for each name in braces.
        query: Query parameters.
        body: The request body: a model, a list of models, or a mapping of field name to JSON value or model. Of a model
            that changes a record, the fields that were set are those that change.
        key: Names this request, so that sending it again, when its answer was lost, has no second effect.
    """

    method: str
    path: str
    returns: type[R] | Any = None
    path_params: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    key: UUID | None = None

    @property
    def route(self) -> tuple[str, str]:
        """The key of the operation that answers: verb and path template."""
        return (self.method, self.path)
