"""Filters of several kinds of records at once."""

from pydantic import Field

from prefect._contract.base import PrefectBaseModel
from prefect._contract.filters.deployments import DeploymentFilter
from prefect._contract.filters.flow_runs import FlowRunFilter
from prefect._contract.filters.flows import FlowFilter
from prefect._contract.filters.task_runs import TaskRunFilter

__all__ = ["FilterSet"]


class FilterSet(PrefectBaseModel):
    """A filter for each kind of record. Records are selected by their own and by those of what they belong to."""

    flows: FlowFilter = Field(default_factory=FlowFilter)
    flow_runs: FlowRunFilter = Field(default_factory=FlowRunFilter)
    task_runs: TaskRunFilter = Field(default_factory=TaskRunFilter)
    deployments: DeploymentFilter = Field(default_factory=DeploymentFilter)
