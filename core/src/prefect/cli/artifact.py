"""`prefect artifact`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Limit, Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect._contract.artifacts import Artifact

app = noun("Show and delete what runs have left for people.")


@command(app, "ls")
def ls(
    limit: Limit = 100,
    all: Annotated[
        bool,
        typer.Option(
            "--all/--no-all", "-a", help="List all artifacts, rather than the latest of each key.", show_default=False
        ),
    ] = False,
    output: Output = None,
) -> None:
    """List artifacts: the latest of each key."""
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    found = _all(limit) if all else _latest(limit)
    if output:
        print_json(found)
        return
    rows = [(getattr(a, "latest_id", a.id), a.key, a.type, a.description, ago(a.updated)) for a in found]
    print_table([Column("ID", whole=True), "Key", "Type", "Description", "Updated"], rows, "No artifacts found.")


def _latest(limit: int) -> list[Any]:
    from prefect._contract.endpoints.artifacts import read_latest_artifacts
    from prefect._contract.filters.artifacts import ArtifactCollectionFilter, ArtifactCollectionFilterKey
    from prefect._contract.sorting import ArtifactCollectionSort
    from prefect.cli.asking import pages

    keyed = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(exists_=True))
    sort = ArtifactCollectionSort.UPDATED_DESC
    return list(
        pages(
            lambda most, at: read_latest_artifacts(artifact_filter=keyed, sort=sort, limit=most, offset=at),
            limit,
        )
    )


def _all(limit: int) -> list[Artifact]:
    from prefect._contract.endpoints.artifacts import read_artifacts
    from prefect._contract.sorting import ArtifactSort
    from prefect.cli.asking import pages

    sort = ArtifactSort.CREATED_DESC
    return list(pages(lambda most, at: read_artifacts(sort=sort, limit=most, offset=at), limit))


def _of_key(key: str, limit: int | None) -> Iterator[Artifact]:
    from prefect._contract.endpoints.artifacts import read_artifacts
    from prefect._contract.filters.artifacts import ArtifactFilter, ArtifactFilterKey
    from prefect._contract.sorting import ArtifactSort
    from prefect.cli.asking import pages

    chosen = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    sort = ArtifactSort.CREATED_DESC
    return pages(
        lambda most, at: read_artifacts(artifact_filter=chosen, sort=sort, limit=most, offset=at),
        limit,
    )


@command(app, "inspect")
def inspect(
    key: Annotated[str, typer.Argument(help="A key of artifacts.")],
    limit: Limit = 10,
    output: Output = None,
) -> None:
    """Show the artifacts of a key, the latest first."""
    found = list(_of_key(key, limit))
    if not found:
        raise CliError(f"Artifact {key!r} not found. See: prefect artifact ls")
    if output:
        print_json(found)
        return
    for number, artifact in enumerate(found):
        if number:
            say()
        print_fields(_fields(artifact))


def _fields(artifact: Artifact) -> dict[str, Any]:
    from prefect.cli.moments import ago, clock

    return {
        "ID": artifact.id,
        "Key": artifact.key,
        "Type": artifact.type,
        "Description": artifact.description,
        "Created": f"{clock(artifact.created)} ({ago(artifact.created)})" if artifact.created else None,
        "Flow run": artifact.flow_run_id,
        "Task run": artifact.task_run_id,
        "Data": _readable(artifact.data),
        "Metadata": artifact.metadata_,
    }


def _readable(data: Any) -> Any:
    """Tables are stored as JSON in a text: with one row per line they can be read."""
    if not isinstance(data, str) or data[:1] not in {"[", "{"}:
        return data
    import json

    try:
        content = json.loads(data)
    except ValueError:
        return data
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in content)
    return content


@command(app, "delete")
def delete(
    context: typer.Context,
    key: Annotated[Optional[str], typer.Argument(help="A key of artifacts.")] = None,
    artifact_id: Annotated[Optional[UUID], typer.Option("--id", metavar="UUID", help="The id of one artifact.")] = None,
) -> None:
    """Delete all artifacts of a key, or one artifact by its id."""
    from prefect._contract.endpoints.artifacts import delete_artifact
    from prefect.cli.asking import ask

    if (key is None) == (artifact_id is None):
        context.fail("Give either a key or --id.")
    if artifact_id is not None:
        confirm(context, f"Delete artifact '{artifact_id}'?")
        ask(delete_artifact(artifact_id), missing=f"Artifact '{artifact_id}' not found.")
        say(f"Deleted artifact '{artifact_id}'.")
        return
    found = list(_of_key(str(key), None))
    if not found:
        raise CliError(f"Artifact with key {key!r} not found. You can also give the id of one artifact with --id.")
    confirm(context, f"Delete {len(found)} artifact(s) with key {key!r}?")
    for artifact in found:
        ask(delete_artifact(artifact.id))
    say(f"Deleted {len(found)} artifact(s) with key {key!r}.")
