"""Artifacts: what is asked of them, one by one, and of the latest of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.artifacts import Artifact, ArtifactCollection
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.actions.runs import ArtifactCreate, ArtifactUpdate
    from prefect._contract.filters.artifacts import ArtifactCollectionFilter, ArtifactFilter
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.sorting import ArtifactCollectionSort, ArtifactSort

__all__ = [
    "count_artifacts",
    "count_latest_artifacts",
    "create_artifact",
    "delete_artifact",
    "read_artifact",
    "read_artifacts",
    "read_latest_artifact",
    "read_latest_artifacts",
    "update_artifact",
]


def create_artifact(artifact: ArtifactCreate) -> Call[Artifact]:
    """Create an artifact; with a key, it becomes the latest of that key."""
    return Call("POST", "/artifacts/", Artifact, body=artifact)


def read_artifact(artifact_id: UUID) -> Call[Artifact]:
    """Read an artifact by id."""
    return Call("GET", "/artifacts/{id}", Artifact, {"id": artifact_id})


def read_latest_artifact(key: str) -> Call[Artifact]:
    """Read the latest artifact of a key."""
    return Call("GET", "/artifacts/{key}/latest", Artifact, {"key": key})


def update_artifact(artifact_id: UUID, artifact: ArtifactUpdate) -> Call[None]:
    """Change an artifact."""
    return Call("PATCH", "/artifacts/{id}", None, {"id": artifact_id}, body=artifact)


def delete_artifact(artifact_id: UUID) -> Call[None]:
    """Delete an artifact by id; the one before it becomes the latest of its key."""
    return Call("DELETE", "/artifacts/{id}", None, {"id": artifact_id})


def read_artifacts(
    *,
    artifact_filter: ArtifactFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    flow_filter: FlowFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    sort: ArtifactSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[Artifact]]:
    """List the selected artifacts."""
    body = given(
        artifacts=artifact_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        flows=flow_filter,
        deployments=deployment_filter,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    return Call("POST", "/artifacts/filter", list[Artifact], body=body)


def read_latest_artifacts(
    *,
    artifact_filter: ArtifactCollectionFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    flow_filter: FlowFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    sort: ArtifactCollectionSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[ArtifactCollection]]:
    """List the latest artifact of each selected key."""
    body = given(
        artifacts=artifact_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        flows=flow_filter,
        deployments=deployment_filter,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    return Call("POST", "/artifacts/latest/filter", list[ArtifactCollection], body=body)


def count_artifacts(
    *,
    artifact_filter: ArtifactFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    flow_filter: FlowFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
) -> Call[int]:
    """Count the selected artifacts."""
    body = given(
        artifacts=artifact_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        flows=flow_filter,
        deployments=deployment_filter,
    )
    return Call("POST", "/artifacts/count", int, body=body)


def count_latest_artifacts(
    *,
    artifact_filter: ArtifactCollectionFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    flow_filter: FlowFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
) -> Call[int]:
    """Count the selected keys of artifacts."""
    body = given(
        artifacts=artifact_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        flows=flow_filter,
        deployments=deployment_filter,
    )
    return Call("POST", "/artifacts/latest/count", int, body=body)
