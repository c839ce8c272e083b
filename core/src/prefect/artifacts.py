"""Artifacts: what runs leave for people to look at: texts, tables, links, images, a progress."""

import inspect
import json
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union
from uuid import UUID

from pydantic import ConfigDict

from prefect._contract.actions.runs import ArtifactCreate as ArtifactRequest, ArtifactUpdate
from prefect._contract.endpoints import artifacts as endpoints
from prefect.client.base import ask, through
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Dual, Steps, asynchronous, dual
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual

if TYPE_CHECKING:
    from prefect._contract.artifacts import Artifact as StoredArtifact
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    Client = Union[PrefectClient, SyncPrefectClient]

__all__ = [
    "Artifact",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "TableArtifact",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress_artifact",
]

logger = logging.getLogger("prefect.artifacts")

Table = Union[dict[str, list[Any]], list[dict[str, Any]], list[list[Any]]]


def _current_runs() -> tuple[UUID | None, UUID | None]:
    """The ids of the flow run and the task run that this code is in."""
    from prefect.context import FlowRunContext, TaskRunContext

    task_context, flow_context = TaskRunContext.get(), FlowRunContext.get()
    flow_run = flow_context.flow_run if flow_context is not None else None
    if task_context is None:
        return (flow_run.id if flow_run is not None else None, None)
    task_run = task_context.task_run
    return (task_run.flow_run_id or (flow_run.id if flow_run is not None else None), task_run.id)


def _over(client: "Client | None", steps: Steps[Any]) -> Steps[Any]:
    """The same steps, asking with a client if there is one."""
    return steps if client is None else through(client.transport, steps)


def _tell(what: str, artifact_id: UUID, payload: dict[str, Any], name: str | None = None) -> None:
    """Emit that an artifact was created or updated by this code."""
    from prefect.events.utilities import emit_event

    named = {} if name is None else {"prefect.resource.name": name}
    resource = {"prefect.resource.id": f"prefect.artifact.{artifact_id}", **named}
    emit_event(f"prefect.artifact.{what}", resource=resource, payload=payload)


@dataclass(frozen=True, slots=True)
class _Format:
    """Call the `format` of a subclass that is not ours."""

    artifact: Any

    def perform(self) -> Any:
        answer = self.artifact.format()
        if inspect.iscoroutine(answer):
            answer.close()
            raise TypeError(
                f"{type(self.artifact).__name__}.format is a coroutine function, which sync code cannot wait for: create "
                "the artifact with `await artifact.acreate()`, or make `format` a plain function."
            )
        return answer

    async def aperform(self) -> Any:
        answer = self.artifact.format()
        return await answer if inspect.isawaitable(answer) else answer


class Artifact(ArtifactRequest):
    """
    An artifact of any type. Subclasses know how to show what they hold.

    Args:
        key: Names a series of artifacts, of which the latest is shown: lower-case letters, digits and dashes.
        type: How it is shown.
        description: An explanation, in Markdown.
        data: What is shown.
        metadata_: Further facts.
        flow_run_id: The flow run that made it; the current one by default.
        task_run_id: The task run that made it; the current one by default.
    """

    model_config = ConfigDict(ignored_types=(Dual, ClassDual))

    def _shown(self) -> Any:
        return json.dumps(self.data)

    def _format_steps(self) -> Steps[Any]:
        """What is shown: JSON of the data, or what the artifact's type makes of its own fields."""
        yield from ()
        return self._shown()

    def _data_steps(self) -> Steps[Any]:
        """What is stored: what `format` answers, which a subclass may have written as a plain or a coroutine function."""
        if isinstance(inspect.getattr_static(type(self), "format"), Dual):
            return (yield from self._format_steps())
        return (yield _Format(self))

    def _create_steps(self, client: "Client | None" = None) -> Steps["StoredArtifact"]:
        """
        Store the artifact, linked to the run that this code is in.

        Args:
            client: The client to ask with; one for the current settings by default.
        """
        flow_run_id, task_run_id = _current_runs()
        request = ArtifactRequest(
            key=self.key,
            type=self.type,
            description=self.description,
            data=(yield from self._data_steps()),
            metadata_=self.metadata_,
            flow_run_id=self.flow_run_id or flow_run_id,
            task_run_id=self.task_run_id or task_run_id,
        )
        stored: StoredArtifact = yield from _over(client, ask(endpoints.create_artifact(request)))
        about = {"key": stored.key, "type": stored.type, "description": stored.description}
        _tell("created", stored.id, about, name=stored.key)
        return stored

    @classmethod
    def _get_steps(cls, key: str | None = None, client: "Client | None" = None) -> Steps["StoredArtifact | None"]:
        """
        The latest artifact of a key, None if there is none.

        Args:
            key: The key.
            client: The client to ask with; one for the current settings by default.
        """
        if key is None:
            return None
        try:
            return (yield from _over(client, ask(endpoints.read_latest_artifact(key))))  # type: ignore[no-any-return]
        except ObjectNotFound:
            return None

    @classmethod
    def _get_or_create_steps(
        cls,
        key: str | None = None,
        description: str | None = None,
        data: Any = None,
        client: "Client | None" = None,
        **kwargs: Any,
    ) -> Steps[tuple["StoredArtifact", bool]]:
        """
        The latest artifact of a key; a new one if there is none.

        Args:
            key: The key.
            description: Of a new one.
            data: Of a new one.
            client: The client to ask with; one for the current settings by default.
            kwargs: Further fields of a new one.

        Returns:
            The artifact, and whether it is new.
        """
        found = yield from cls._get_steps(key, client)
        if found is not None:
            return found, False
        made = cls(key=key, description=description, data=data, **kwargs)
        return (yield from made._create_steps(client)), True

    if TYPE_CHECKING:

        def create(self, client: Client | None = None) -> StoredArtifact: ...
        async def acreate(self, client: Client | None = None) -> StoredArtifact: ...
        @classmethod
        def get(cls, key: str | None = None, client: Client | None = None) -> StoredArtifact | None: ...
        @classmethod
        async def aget(cls, key: str | None = None, client: Client | None = None) -> StoredArtifact | None: ...
        @classmethod
        def get_or_create(
            cls,
            key: str | None = None,
            description: str | None = None,
            data: Any = None,
            client: Client | None = None,
            **kwargs: Any,
        ) -> tuple[StoredArtifact, bool]: ...
        @classmethod
        async def aget_or_create(
            cls,
            key: str | None = None,
            description: str | None = None,
            data: Any = None,
            client: Client | None = None,
            **kwargs: Any,
        ) -> tuple[StoredArtifact, bool]: ...
        def format(self) -> Any: ...
        async def aformat(self) -> Any: ...

    else:
        create = dual(_create_steps)
        acreate = asynchronous(create)
        get = class_dual(_get_steps.__func__)
        aget = class_asynchronous(get)
        get_or_create = class_dual(_get_or_create_steps.__func__)
        aget_or_create = class_asynchronous(get_or_create)
        format = dual(_format_steps)
        aformat = asynchronous(format)  # noqa: A003


class LinkArtifact(Artifact):
    """
    A link.

    Args:
        link: Where it leads.
        link_text: What is shown; the link itself by default.
    """

    type: str | None = "markdown"
    link: str
    link_text: str | None = None

    def _shown(self) -> str:
        return f"[{self.link_text or self.link}]({self.link})"


class MarkdownArtifact(Artifact):
    """
    A text in Markdown.

    Args:
        markdown: The text.
    """

    type: str | None = "markdown"
    markdown: str

    def _shown(self) -> str:
        return self.markdown


def _without_nan(value: Any) -> Any:
    """The same value; what is no number becomes None, because JSON does not know it."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


class TableArtifact(Artifact):
    """
    A table.

    Args:
        table: Columns (name: values), rows as mappings, or rows as lists.
    """

    type: str | None = "table"
    table: Table

    def _shown(self) -> str:
        return json.dumps(_without_nan(self.table), default=str)


def _percent(progress: float) -> float:
    bounded = min(100.0, max(0.0, float(progress)))
    if bounded != progress:
        logger.warning("A progress is between 0 and 100; %s is shown as %s.", progress, bounded)
    return bounded


class ProgressArtifact(Artifact):
    """
    A progress.

    Args:
        progress: Between 0 and 100.
    """

    type: str | None = "progress"
    progress: float

    def _shown(self) -> float:
        return _percent(self.progress)


class ImageArtifact(Artifact):
    """
    An image.

    Args:
        image_url: Where it is.
    """

    type: str | None = "image"
    image_url: str

    def _shown(self) -> str:
        return self.image_url


@dual
def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: "Client | None" = None,
) -> Steps[UUID]:
    """
    Leave a link.

    Args:
        link: Where it leads.
        link_text: What is shown; the link itself by default.
        key: Names a series of artifacts: lower-case letters, digits and dashes.
        description: An explanation, in Markdown.
        client: The client to ask with; one for the current settings by default.

    Returns:
        The artifact's id.
    """
    artifact = LinkArtifact(key=key, description=description, link=link, link_text=link_text)
    return (yield from artifact._create_steps(client)).id


@dual
def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> Steps[UUID]:
    """
    Leave a text in Markdown.

    Args:
        markdown: The text.
        key: Names a series of artifacts: lower-case letters, digits and dashes.
        description: An explanation, in Markdown.

    Returns:
        The artifact's id.
    """
    return (yield from MarkdownArtifact(key=key, description=description, markdown=markdown)._create_steps()).id


@dual
def create_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> Steps[UUID]:
    """
    Leave a table.

    Args:
        table: Columns (name: values), rows as mappings, or rows as lists.
        key: Names a series of artifacts: lower-case letters, digits and dashes.
        description: An explanation, in Markdown.

    Returns:
        The artifact's id.
    """
    return (yield from TableArtifact(key=key, description=description, table=table)._create_steps()).id


@dual
def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> Steps[UUID]:
    """
    Show a progress. `update_progress_artifact` changes it.

    Args:
        progress: Between 0 and 100.
        key: Names a series of artifacts: lower-case letters, digits and dashes.
        description: An explanation, in Markdown.

    Returns:
        The artifact's id.
    """
    return (yield from ProgressArtifact(key=key, description=description, progress=progress)._create_steps()).id


@dual
def update_progress_artifact(
    artifact_id: UUID, progress: float, description: str | None = None, client: "Client | None" = None
) -> Steps[UUID]:
    """
    Change a progress.

    Args:
        artifact_id: What `create_progress_artifact` returned.
        progress: Between 0 and 100.
        description: A new explanation; without one, the old one stays.
        client: The client to ask with; one for the current settings by default.

    Returns:
        The artifact's id.
    """
    changes: dict[str, Any] = {"data": _percent(progress)}
    if description is not None:
        changes["description"] = description
    yield from _over(client, ask(endpoints.update_artifact(artifact_id, ArtifactUpdate(**changes))))
    _tell("updated", artifact_id, changes)
    return artifact_id


@dual
def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> Steps[UUID]:
    """
    Show an image.

    Args:
        image_url: Where it is.
        key: Names a series of artifacts: lower-case letters, digits and dashes.
        description: An explanation, in Markdown.

    Returns:
        The artifact's id.
    """
    return (yield from ImageArtifact(key=key, description=description, image_url=image_url)._create_steps()).id


acreate_link_artifact = asynchronous(create_link_artifact)
acreate_markdown_artifact = asynchronous(create_markdown_artifact)
acreate_table_artifact = asynchronous(create_table_artifact)
acreate_progress_artifact = asynchronous(create_progress_artifact)
aupdate_progress_artifact = asynchronous(update_progress_artifact)
acreate_image_artifact = asynchronous(create_image_artifact)
