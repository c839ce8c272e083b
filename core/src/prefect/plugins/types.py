"""
The records that plugins and the product exchange. Frozen, and the standard library only.

A `target` is an import string, `"package.module:attribute"`: it is imported when somebody asks for that name and not
before. New fields always get defaults, so that a plugin written for an older version keeps working.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from uuid import UUID

__all__ = [
    "BackendSpec",
    "BlockSpec",
    "CliSpec",
    "DeliveryResult",
    "EnvValue",
    "FailureVerdict",
    "HealthCheck",
    "HookContext",
    "JobContext",
    "LockManagerSpec",
    "NotifierSpec",
    "PluginFailure",
    "PluginInfo",
    "ResultStorageSpec",
    "RuntimeContext",
    "SecretRef",
    "SerializerSpec",
    "SettingsSpec",
    "SetupResult",
    "SetupSummary",
    "Spec",
    "StepSpec",
    "TaskRunnerSpec",
    "WorkerSpec",
]

Phase = Literal["discover", "import", "version", "register", "call"]
"""Where a plugin failed: its metadata, its import, the API fence, its registration, a hook or a target of it."""


@dataclass(frozen=True)
class PluginInfo:
    """
    What a plugin says about itself.

    Args:
        name: Its name, normally that of its entry point.
        version: Its version.
        api_requires: The plugin API versions that it works with, such as `">=0.2,<1"`.
        docs_url: Where its documentation is.
    """

    name: str
    version: str | None = None
    api_requires: str = ">=0.1,<1"
    docs_url: str | None = None


class Spec:
    """
    Something that can be asked for by name.

    Every record of this kind has a `target`: the import string of what is provided.
    """

    target: str
    key_field: ClassVar[str] = "name"

    def provides(self) -> tuple[str, ...]:
        """The names under which it can be asked for."""
        return (str(getattr(self, self.key_field)),)


@dataclass(frozen=True)
class TaskRunnerSpec(Spec):
    """
    A task runner class.

    Args:
        name: The name to ask for, such as `"dask"`.
        target: The import string of the class.
        install_hint: What to install when the target's own requirements are missing.
    """

    name: str
    target: str
    install_hint: str | None = None


@dataclass(frozen=True)
class ResultStorageSpec(Spec):
    """
    A maker of result storage.

    Args:
        schemes: The URL schemes that it takes, without `://`.
        block_slug: The block type that the maker returns, if it is one.
        target: The import string of a callable from a URL to a `WritableFileSystem`.
    """

    schemes: tuple[str, ...]
    block_slug: str | None
    target: str

    def provides(self) -> tuple[str, ...]:
        return tuple(self.schemes)


@dataclass(frozen=True)
class SerializerSpec(Spec):
    """A subclass of `prefect.serializers.Serializer`; `name` is its `type`."""

    name: str
    target: str


@dataclass(frozen=True)
class LockManagerSpec(Spec):
    """An implementation of `prefect.locking.protocol.LockManager`."""

    name: str
    target: str


@dataclass(frozen=True)
class BlockSpec(Spec):
    """
    A subclass of `prefect.blocks.core.Block`.

    Args:
        slug: The block type's slug.
        target: The import string of the class.
        display_name: The block type's name for people.
        capabilities: What it can do, such as `"read-path"`.
    """

    slug: str
    target: str
    display_name: str | None = None
    capabilities: tuple[str, ...] = ()
    key_field: ClassVar[str] = "slug"


@dataclass(frozen=True)
class WorkerSpec(Spec):
    """
    A worker class.

    Args:
        type: The work pool type that it serves.
        target: The import string of the class.
        default_template_ref: The import string of its default base job template.
        logo: The URL of a logo.
        description: One sentence for people.
    """

    type: str
    target: str
    default_template_ref: str | None = None
    logo: str | None = None
    description: str | None = None
    key_field: ClassVar[str] = "type"


@dataclass(frozen=True)
class NotifierSpec(Spec):
    """A way to notify people; `kind` is the name to ask for, `block_slug` the block type that configures it."""

    kind: str
    block_slug: str | None
    target: str
    key_field: ClassVar[str] = "kind"


@dataclass(frozen=True)
class StepSpec(Spec):
    """A deployment step; `package` is the distribution to install where it is missing."""

    name: str
    target: str
    package: str | None = None


@dataclass(frozen=True)
class CliSpec(Spec):
    """A command group: `prefect NAME ...`, with its one-line help."""

    name: str
    target: str
    help: str = ""


@dataclass(frozen=True)
class BackendSpec(Spec):
    """A server backend; asked for as `"kind/name"`."""

    kind: str
    name: str
    target: str

    def provides(self) -> tuple[str, ...]:
        return (f"{self.kind}/{self.name}",)


@dataclass(frozen=True)
class PageSpec(Spec):
    """
    Pages that the server shows, with all that is below their path.

    Args:
        path: Where they are: `"/"` and a name, such as `"/ui"`; or `"/"` for all that nothing else is at.
        target: The import string of a callable that takes the URL of the API and returns an ASGI app. The scope of its
            requests has the API itself as `"prefect.api"`: an ASGI app, below `/api`, which answers in this process, as if
            who made the request had asked.
        title: The name of the pages for people.
    """

    path: str
    target: str
    title: str = ""
    key_field: ClassVar[str] = "path"


@dataclass(frozen=True)
class SettingsSpec(Spec):
    """A settings model for a namespace such as `"integrations.aws"`."""

    namespace: str
    target: str
    key_field: ClassVar[str] = "namespace"


@dataclass(frozen=True)
class SecretRef:
    """
    A secret that infrastructure should reference rather than hold in clear.

    Args:
        kind: Where it lives, such as `"block"` or `"setting"`.
        name: Its name there.
    """

    kind: str
    name: str


EnvValue = str | SecretRef
"""The value of an environment variable: in clear, or a reference."""


@dataclass(frozen=True)
class JobContext:
    """
    The job that infrastructure is asked to run.

    Args:
        worker_type: The type of the worker that runs it.
        flow_run_id: The flow run.
        work_pool_name: The work pool.
        job_configuration: The worker's configuration of the job.
    """

    worker_type: str
    flow_run_id: UUID | None = None
    work_pool_name: str | None = None
    job_configuration: Any = None


@dataclass(frozen=True)
class FailureVerdict:
    """What a failure of infrastructure means, and why, for people."""

    kind: Literal["transient", "crashed", "gone"]
    reason: str = ""


@dataclass(frozen=True)
class DeliveryResult:
    """What became of a notification."""

    delivered: bool
    detail: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """
    A check that returns a line for people, or raises.

    Args:
        name: What is checked.
        run: The check.
    """

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class RuntimeContext:
    """
    The process that has started.

    Args:
        prefect_version: The version of the product.
        role: What the process does, such as `"flow-run"`, `"worker"` or `"server"`.
        api_url: The API that it talks to; None when it is embedded.
    """

    prefect_version: str
    role: str
    api_url: str | None = None


@dataclass(frozen=True)
class HookContext:
    """
    What `setup_environment` may know.

    Args:
        prefect_version: The version of the product.
        api_url: The API in use; None when it is embedded.
        logger_factory: Makes a logger from a name.
    """

    prefect_version: str
    api_url: str | None
    logger_factory: Callable[[str], logging.Logger]


@dataclass(frozen=True)
class SetupResult:
    """
    The answer of `setup_environment`.

    Args:
        env: Environment variables to set.
        note: A line for people. No secrets.
        required: Whether the process must not start when this plugin fails and PREFECT_PLUGINS_STRICT is true.
    """

    env: Mapping[str, str]
    note: str | None = None
    required: bool = False


@dataclass(frozen=True)
class SetupSummary:
    """What `setup_environment` of one plugin did, with secret-looking values hidden."""

    plugin: str
    env_preview: dict[str, str]
    note: str | None
    error: str | None


@dataclass(frozen=True)
class PluginFailure:
    """
    One failure of one plugin.

    Args:
        plugin: The plugin's name: its entry point's.
        distribution: The distribution that it belongs to, None for one registered in this process.
        version: That distribution's version.
        phase: Where it failed.
        error: The error, as `Type: message`.
        traceback: The whole traceback.
    """

    plugin: str
    distribution: str | None
    version: str | None
    phase: Phase
    error: str
    traceback: str = field(default="", repr=False)

    def __str__(self) -> str:
        """One line for people."""
        owner = f" of {self.distribution} {self.version}" if self.distribution else ""
        return f"plugin '{self.plugin}'{owner} failed at {self.phase}: {self.error}"
