# `serve` and `_deploy_steps` are longer than 60 lines: what they take is fixed by the public contract, and is handed on.
"""What a flow can do to be run elsewhere: be deployed, be served, come from storage."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from uuid import UUID

from prefect.types.entrypoint import EntrypointType
from prefect.utilities.dual import Steps, asynchronous, dual
from prefect.utilities.dual_methods import class_asynchronous, class_dual

if TYPE_CHECKING:
    from datetime import timedelta

    from prefect._contract.concurrency import ConcurrencyLimitConfig
    from prefect.client.types.flexible_schedule_list import FlexibleScheduleList
    from prefect.deployments.runner import RunnerDeployment
    from prefect.deployments.storage.protocol import RunnerStorage
    from prefect.docker.docker_image import DockerImage
    from prefect.filesystems import ReadableDeploymentStorage
    from prefect.flows.definition import Flow
    from prefect.schedules import Schedule
    from prefect.utilities.parameter_schemas import ParameterSchema

__all__ = ["load_from_source"]

_Intervals = Union[Iterable[Union[int, float, "timedelta"]], int, float, "timedelta", None]
_Texts = Union[Iterable[str], str, None]
_Limit = Union[int, "ConcurrencyLimitConfig", None]


class _Deployable:
    """A flow that can be run elsewhere."""

    name: str

    _storage: RunnerStorage | None = None
    """Where the code of the flow is, if it came from storage."""

    _entrypoint: str | None = None
    """Where the flow is in that."""

    _schema: ParameterSchema | None = None
    """The parameters that it takes."""

    def _come_from(self, other: _Deployable) -> None:
        """Be the same flow as another, which may have come from storage."""
        self._storage, self._entrypoint, self._schema = other._storage, other._entrypoint, other._schema

    def _to_deployment_steps(
        self,
        name: str,
        interval: _Intervals = None,
        cron: _Texts = None,
        rrule: _Texts = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: FlexibleScheduleList | None = None,
        concurrency_limit: _Limit = None,
        parameters: dict[str, Any] | None = None,
        triggers: list[Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        _sla: Any = None,
    ) -> Steps[RunnerDeployment]:
        """
        A deployment of the flow, for `serve` and `deploy`. The orchestrator hears of it then.

        Args:
            name: Names the deployment among those of the flow.
            interval: Seconds between runs, or a duration; or several.
            cron: A cron expression, or several.
            rrule: A recurrence rule, or several.
            paused: Whether its schedules are paused. None leaves that as it is.
            schedule: A schedule such as `Cron("0 9 * * *", timezone="Europe/Berlin")`.
            schedules: Several schedules. At most one of the five is given.
            concurrency_limit: How many of its runs there may be at the same time, and what becomes of others.
            parameters: What runs are called with, unless they say otherwise.
            triggers: Events that run it.
            description: What it is for; the flow's description without.
            tags: Tags of the deployment and its runs.
            version: The version of its code; the flow's without.
            version_type: Which kind of version that is.
            enforce_parameter_schema: Whether runs with parameters that do not fit the flow are refused.
            work_pool_name: The work pool that its runs wait in.
            work_queue_name: The queue of that pool.
            job_variables: Overrides for the work pool's job template.
            entrypoint_type: Whether the flow is loaded by its file or by its module.
            _sla: Not offered.

        Raises:
            ValueError: Schedules are given in several ways, or no other process can load the flow.
            InvalidNameError: The name holds characters that names may not hold.
        """
        options = {option: value for option, value in locals().items() if option != "self"}
        from prefect.deployments.runner import RunnerDeployment

        yield from ()
        return RunnerDeployment.from_flow(self, **options)  # type: ignore[arg-type]

    def serve(
        self,
        name: str | None = None,
        interval: _Intervals = None,
        cron: _Texts = None,
        rrule: _Texts = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: FlexibleScheduleList | None = None,
        global_limit: _Limit = None,
        triggers: list[Any] | None = None,
        parameters: dict[str, Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        enforce_parameter_schema: bool = True,
        pause_on_shutdown: bool = True,
        print_starting_message: bool = True,
        limit: int | None = None,
        webserver: bool = False,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
    ) -> None:
        """
        Deploy the flow, and execute its runs in processes of this machine until this process is stopped.

        Args:
            name: Names the deployment; the flow's name without.
            interval: Seconds between runs, or a duration; or several.
            cron: A cron expression, or several.
            rrule: A recurrence rule, or several.
            paused: Whether its schedules are paused. None leaves that as it is.
            schedule: A schedule such as `Cron("0 9 * * *", timezone="Europe/Berlin")`.
            schedules: Several schedules. At most one of the five is given.
            global_limit: How many of its runs there may be at the same time, wherever they are executed.
            triggers: Events that run it.
            parameters: What runs are called with, unless they say otherwise.
            description: What it is for; the flow's description without.
            tags: Tags of the deployment and its runs.
            version: The version of its code; the flow's without.
            enforce_parameter_schema: Whether runs with parameters that do not fit the flow are refused.
            pause_on_shutdown: Whether its schedules are paused when this ends.
            print_starting_message: Whether to say what is served, and how to start runs.
            limit: How many runs this process executes at the same time; by settings without.
            webserver: Whether the process answers HTTP requests about its health.
            entrypoint_type: Whether the flow is loaded by its file or by its module.

        Raises:
            RuntimeError: This is called in async code: await `prefect.aserve` there.
        """
        of_serving = {
            "self",
            "name",
            "global_limit",
            "pause_on_shutdown",
            "print_starting_message",
            "limit",
            "webserver",
        }
        given = {option: value for option, value in locals().items() if option not in of_serving | {"of_serving"}}
        from prefect.flows.serving import serve_deployments

        called = Path(name).stem if name and name.endswith(".py") else name or self.name
        deployment = self.to_deployment.sync(called, concurrency_limit=global_limit, **given)  # type: ignore[attr-defined]
        options = {"name": deployment.name, "pause_on_shutdown": pause_on_shutdown, "limit": limit}
        serve_deployments([deployment], print_starting_message, options, webserver)

    def _deploy_steps(
        self,
        name: str,
        work_pool_name: str | None = None,
        image: str | DockerImage | None = None,
        build: bool = True,
        push: bool = True,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        interval: int | float | timedelta | None = None,
        cron: str | None = None,
        rrule: str | None = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: list[Schedule] | None = None,
        concurrency_limit: _Limit = None,
        triggers: list[Any] | None = None,
        parameters: dict[str, Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        print_next_steps: bool = True,
        ignore_warnings: bool = False,
        _sla: Any = None,
    ) -> Steps[UUID]:
        """
        Deploy the flow to a work pool, whose workers start its runs.

        Its code must be where workers can get at it: in the image, or in storage (see `from_source`).

        Args:
            name: Names the deployment among those of the flow.
            work_pool_name: The work pool; PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME without.
            image: The image that runs are started with, for work pools that start containers.
            build: Whether it is built before.
            push: Whether it is pushed before.
            work_queue_name: The queue of the work pool.
            job_variables: Overrides for the work pool's job template.
            interval: Seconds between runs, or a duration.
            cron: A cron expression.
            rrule: A recurrence rule.
            paused: Whether its schedules are paused. None leaves that as it is.
            schedule: A schedule such as `Cron("0 9 * * *", timezone="Europe/Berlin")`.
            schedules: Several schedules. At most one of the five is given.
            concurrency_limit: How many of its runs there may be at the same time, and what becomes of others.
            triggers: Events that run it.
            parameters: What runs are called with, unless they say otherwise.
            description: What it is for; the flow's description without.
            tags: Tags of the deployment and its runs.
            version: The version of its code; the flow's without.
            version_type: Which kind of version that is.
            enforce_parameter_schema: Whether runs with parameters that do not fit the flow are refused.
            entrypoint_type: Whether the flow is loaded by its file or by its module.
            print_next_steps: Whether to say how the deployment is run.
            ignore_warnings: Whether to keep quiet about what is probably not meant.
            _sla: Not offered.

        Returns:
            The id of the deployment.

        Raises:
            ValueError: There is no such work pool, or its workers could not get at the code.
            DeploymentApplyError: The orchestrator does not take it.
            BuildError: The image could not be built.
            PushError: The image could not be pushed.
        """
        of_deploying = {"self", "image", "build", "push", "print_next_steps", "ignore_warnings", "work_pool_name"}
        options = {option: value for option, value in locals().items() if option not in of_deploying | {"of_deploying"}}
        from prefect.deployments.deploying import deploy

        deployment = yield from self._to_deployment_steps(**options, work_pool_name=work_pool_name)
        (deployment_id,) = yield from deploy.steps(
            deployment,
            work_pool_name=work_pool_name,
            image=image,
            build=build,
            push=push,
            print_next_steps_message=print_next_steps,
            ignore_warnings=ignore_warnings,
        )
        return deployment_id

    @classmethod
    def _from_source_steps(
        cls, source: str | Path | RunnerStorage | ReadableDeploymentStorage, entrypoint: str
    ) -> Steps[Flow[..., Any]]:
        """
        Load a flow from storage, so that its deployments say where workers get the code.

        If what it needs is not installed here, the flow can be deployed but not called.

        Args:
            source: A git repository (`https://….git`), a folder, anything that fsspec reads (`s3://bucket/folder`), or storage.
            entrypoint: Where the flow is in it: `flows.py:greet`.

        Raises:
            TypeError: The source is none.
            ValueError: There is no such file or function.
            MissingFlowError: What is there is not a flow.
            RuntimeError: The source cannot be read.
        """
        return (yield from load_from_source(source, entrypoint))

    if TYPE_CHECKING:

        def to_deployment(self, name: str, **options: Any) -> RunnerDeployment: ...
        async def ato_deployment(self, name: str, **options: Any) -> RunnerDeployment: ...
        def deploy(self, name: str, **options: Any) -> UUID: ...
        async def adeploy(self, name: str, **options: Any) -> UUID: ...
        @classmethod
        def from_source(
            cls, source: str | Path | RunnerStorage | ReadableDeploymentStorage, entrypoint: str
        ) -> Flow[..., Any]: ...
        @classmethod
        async def afrom_source(
            cls, source: str | Path | RunnerStorage | ReadableDeploymentStorage, entrypoint: str
        ) -> Flow[..., Any]: ...

    else:
        to_deployment = dual(_to_deployment_steps)
        ato_deployment = asynchronous(to_deployment)
        deploy = dual(_deploy_steps)
        adeploy = asynchronous(deploy)
        from_source = class_dual(_from_source_steps.__func__)
        afrom_source = class_asynchronous(from_source)


def load_from_source(
    source: str | Path | RunnerStorage | ReadableDeploymentStorage, entrypoint: str
) -> Steps[Flow[..., Any]]:
    """The steps behind `Flow.from_source`."""
    from prefect._engine.effects import CallEither
    from prefect.exceptions import ScriptError
    from prefect.flows.loading import load_flow_from_entrypoint, load_placeholder_flow
    from prefect.utilities.parameter_schemas import parameter_schema_from_entrypoint

    storage = _storage(source)
    with tempfile.TemporaryDirectory() as folder:
        storage.set_base_path(Path(folder))
        yield CallEither(storage.pull_code, ())
        where = str(storage.destination / entrypoint)
        loaded: Flow[..., Any]
        try:
            loaded = load_flow_from_entrypoint(where)
            loaded._schema = loaded.parameters
        except (ScriptError, ImportError) as error:
            loaded = load_placeholder_flow(where, error)
            loaded._schema = parameter_schema_from_entrypoint(where)
        else:
            loaded._version = loaded.version  # known now, while its file is there
    storage.set_base_path(Path.cwd())
    loaded._storage, loaded._entrypoint = storage, entrypoint
    return loaded


def _storage(source: Any) -> RunnerStorage:
    from prefect.blocks.core import Block
    from prefect.deployments.storage.blocks import BlockStorageAdapter
    from prefect.deployments.storage.choosing import create_storage_from_source
    from prefect.deployments.storage.local import LocalStorage
    from prefect.deployments.storage.protocol import RunnerStorage

    if isinstance(source, str):
        return create_storage_from_source(source)
    if isinstance(source, Path):
        return LocalStorage(path=str(source))
    if isinstance(source, Block):
        return BlockStorageAdapter(source)  # type: ignore[arg-type] # it says itself if the block cannot hold code
    if isinstance(source, RunnerStorage):
        return source
    raise TypeError(
        f"Invalid source: {source!r}. Give the address of a git repository, a folder, a URL that fsspec reads, or storage."
    )
