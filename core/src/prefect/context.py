"""
What a run knows about itself while its code executes: context variables as typed objects.

Each context is entered with `with`, is found again by its class's `get()`, and is gone afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar, Token, copy_context
from dataclasses import dataclass, field
from functools import wraps
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from prefect.exceptions import MissingContextError
from prefect.utilities.time import now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from typing_extensions import Self

    from prefect._contract.liveness import LeaseRequest
    from prefect._contract.objects import FlowRun, TaskRun
    from prefect._contract.state import State
    from prefect._engine.subflow_threads import Subflows
    from prefect.assets.context import AssetContext
    from prefect.assets.core import Asset
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient
    from prefect.flows import Flow
    from prefect.results import ResultStore
    from prefect.settings import Profile, Settings
    from prefect.task_runners import TaskRunner
    from prefect.tasks import Task

    GLOBAL_SETTINGS_CONTEXT: SettingsContext

__all__ = [
    "GLOBAL_SETTINGS_CONTEXT",
    "AssetContext",
    "AsyncClientContext",
    "ContextModel",
    "ContextVar",
    "EngineContext",
    "FlowRunContext",
    "RunContext",
    "SettingsContext",
    "SyncClientContext",
    "TagsContext",
    "TaskRunContext",
    "get_run_context",
    "get_settings_context",
    "hydrated_context",
    "refresh_global_settings_context",
    "root_settings_context",
    "serialize_context",
    "tags",
    "use_profile",
    "with_context",
]

P = ParamSpec("P")
R = TypeVar("R")


class ContextModel:
    """Base of the contexts: a dataclass that `with` makes current and `get()` finds."""

    __var__: ClassVar[ContextVar[Any]]

    @classmethod
    def get(cls) -> Self | None:
        """The current context of this kind, or None outside of any."""
        return cast("Self | None", cls.__var__.get(None))

    def __enter__(self) -> Self:
        tokens: list[Token[Any]] = self.__dict__.setdefault("_tokens", [])
        tokens.append(self.__var__.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        self.__var__.reset(self.__dict__["_tokens"].pop())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed."""
        import copy

        twin = copy.deepcopy(self) if deep else copy.copy(self)
        twin.__dict__.pop("_tokens", None)
        twin.__dict__.update(update or {})
        return twin

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """The fields that another process needs to continue in this context, as picklable values."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self._local_fields}  # type: ignore[arg-type]

    _local_fields: ClassVar[frozenset[str]] = frozenset({"client"})


class _LazyClient:
    """A dataclass field that makes a client when it is first looked at, because most runs never do."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return None
        client = instance.__dict__.get(self.key)
        if client is None:
            from prefect.client.orchestration import get_client
            from prefect.utilities.dual import is_async_code

            client = instance.__dict__[self.key] = get_client(sync_client=not is_async_code())
        return client

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.key] = value


@dataclass(kw_only=True, eq=False)
class RunContext(ContextModel):
    """What flow runs and task runs have in common."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("run")

    start_time: datetime = field(default_factory=now)
    input_keyset: dict[str, dict[str, str]] | None = None
    client: PrefectClient | SyncPrefectClient = _LazyClient()  # type: ignore[assignment]


class DynamicKeys(dict[str, Any]):
    """Counts the runs of each task within a flow run; counting is atomic under threads."""

    def next(self, task_key: str) -> int:
        """The index of the next run of a task: 0, 1, 2 …"""
        counter = self.get(task_key)
        if counter is None:
            counter = self.setdefault(task_key, count())
        return cast("int", next(counter))


class RunResults(dict[int, tuple[Any, Any, Any]]):
    """
    Which run made an object, by the object's identity: `id(object) -> (state, run type, object)`.

    The object is kept alive, so that its id stays its own; only the latest `limit` are kept, so that a long flow run does
    not hold on to everything it ever made.
    """

    limit: ClassVar[int] = 2_000

    def remember(self, value: Any, state: State[Any], run_type: Any) -> None:
        """Link an object to the run whose result it is."""
        self[id(value)] = (state, run_type, value)
        if len(self) > self.limit:
            for key in list(self)[: self.limit // 4]:
                self.pop(key, None)


@dataclass(kw_only=True, eq=False)
class EngineContext(RunContext):
    """The context of a flow run, as the code of the flow and of its tasks sees it."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("flow_run")

    flow: Flow[Any, Any] | None = None
    flow_run: FlowRun | None = None
    task_runner: TaskRunner[Any] | None = None
    log_prints: bool = False
    parameters: dict[str, Any] | None = None
    detached: bool = False
    result_store: ResultStore | None = None
    persist_result: bool = False
    task_run_dynamic_keys: DynamicKeys = field(default_factory=DynamicKeys)
    observed_flow_pauses: dict[str, int] = field(default_factory=dict)
    run_results: RunResults = field(default_factory=RunResults)
    lease_request: LeaseRequest | None = None
    task_run_assets: dict[UUID, list[Asset]] = field(default_factory=dict)
    subflows: Subflows | None = None

    _local_fields: ClassVar[frozenset[str]] = frozenset(
        {
            "client",
            "lease_request",
            "run_results",
            "subflows",
            "task_run_assets",
            "task_run_dynamic_keys",
            "task_runner",
        }
    )


class FlowRunContext(EngineContext):
    """The current flow run. `FlowRunContext.get()` inside a flow or its tasks."""


@dataclass(kw_only=True, eq=False)
class TaskRunContext(RunContext):
    """The current task run. `TaskRunContext.get()` inside a task."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("task_run")

    task: Task[Any, Any]
    task_run: TaskRun
    log_prints: bool = False
    parameters: dict[str, Any]
    result_store: ResultStore
    persist_result: bool = False
    asset_contexts: list[Any] = field(default_factory=list)
    """That of the run, once somebody has asked for it: see `AssetContext.get`."""

    _local_fields: ClassVar[frozenset[str]] = frozenset({"asset_contexts", "client"})


@dataclass(kw_only=True, eq=False)
class TagsContext(ContextModel):
    """The tags that runs created now will get."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("tags")

    current_tags: set[str] = field(default_factory=set)

    @classmethod
    def get(cls) -> TagsContext:
        """The current tags; an empty set outside of `tags(...)`."""
        return cls.__var__.get(None) or TagsContext()


@dataclass(kw_only=True, eq=False)
class SettingsContext(ContextModel):
    """The settings in force, with the profile they came from."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("settings")

    profile: Profile
    settings: Settings


def get_run_context() -> FlowRunContext | TaskRunContext:
    """
    The context of the innermost run: the task's if there is one, else the flow's.

    Raises:
        MissingContextError: The caller is not in a run.
    """
    context = TaskRunContext.get() or FlowRunContext.get()
    if context is None:
        raise MissingContextError("No run context is available: this must be called within a flow or a task run.")
    return context


def get_settings_context() -> SettingsContext:
    """The settings in force and their profile."""
    from prefect.settings import get_current_settings
    from prefect.settings.context import get_current_profile

    return SettingsContext(profile=get_current_profile(), settings=get_current_settings())


def root_settings_context() -> SettingsContext:
    """The settings of the profile that is active in this process, environment included, whatever is overridden now."""
    from prefect.settings.context import get_current_profile, process_settings

    return SettingsContext(profile=get_current_profile(), settings=process_settings())


def refresh_global_settings_context() -> None:
    """Read settings from their sources again, because one of them has changed."""
    from prefect.settings.context import reload_settings

    reload_settings()


@dataclass(kw_only=True, eq=False)
class _ClientContext(ContextModel):
    """A client that code inside of a `with` block shares."""

    client: Any
    _is_sync: ClassVar[bool]

    def __init__(self, httpx_settings: dict[str, Any] | None = None, client: Any = None) -> None:
        from prefect.client.orchestration import get_client

        self.client = client or get_client(httpx_settings=httpx_settings, sync_client=self._is_sync)


class SyncClientContext(_ClientContext):
    """Shares a `SyncPrefectClient`: `with SyncClientContext.get_or_create() as context: context.client`."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("sync_client")
    _is_sync = True

    @classmethod
    @contextmanager
    def get_or_create(cls) -> Generator[SyncClientContext, None, None]:
        """The current context, or a new one."""
        current = cls.get()
        if current is not None:
            yield current
            return
        with cls() as made, made.client:
            yield made


class AsyncClientContext(_ClientContext):
    """Shares a `PrefectClient`: `async with AsyncClientContext.get_or_create() as context: context.client`."""

    __var__: ClassVar[ContextVar[Any]] = ContextVar("async_client")
    _is_sync = False

    @classmethod
    @asynccontextmanager
    async def get_or_create(cls) -> AsyncGenerator[AsyncClientContext, None]:
        """The current context, or a new one."""
        current = cls.get()
        if current is not None:
            yield current
            return
        with cls() as made:
            async with made.client:
                yield made


@contextmanager
def tags(*new_tags: str) -> Generator[set[str], None, None]:
    """
    Add tags to every flow run and task run that is created inside of the `with` block.

    Args:
        new_tags: The tags to add; blocks nest.

    Yields:
        All tags that are current inside.
    """
    current = TagsContext.get().current_tags | set(new_tags)
    with TagsContext(current_tags=current):
        yield current


@contextmanager
def use_profile(
    profile: Profile | str, override_environment_variables: bool = False, include_current_context: bool = True
) -> Generator[SettingsContext, None, None]:
    """
    Use the settings of a profile inside of the `with` block.

    Args:
        profile: The profile, or its name.
        override_environment_variables: Whether the profile goes before the environment.
        include_current_context: Whether settings that are overridden now stay so.
    """
    from prefect.settings.context import use_profile as use

    with use(profile, override_environment_variables, include_current_context):
        yield get_settings_context()


def with_context(fn: Callable[P, R]) -> Callable[P, R]:
    """Make a function run in the contexts that are current now, wherever it is called: in a thread of one's own, say."""
    context = copy_context()

    @wraps(fn)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(fn, *args, **kwargs)

    return wrapper


def serialize_context(asset_ctx_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
    """
    The current contexts as a picklable dict, for `hydrated_context` in another process or on another host.

    Args:
        asset_ctx_kwargs: Arguments of `AssetContext.from_task_and_inputs`: of a task run that begins there.
    """
    from prefect.settings import get_current_settings

    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    return {
        "flow_run_context": flow_run.serialize() if flow_run else {},
        "task_run_context": task_run.serialize() if task_run else {},
        "tags_context": {"current_tags": set(TagsContext.get().current_tags)},
        "settings_context": get_current_settings().to_environment_variables(exclude_unset=True, include_secrets=True),
        "asset_context": asset_ctx_kwargs or {},
    }


@contextmanager
def hydrated_context(
    serialized_context: dict[str, Any] | None = None,
    client: PrefectClient | SyncPrefectClient | None = None,
) -> Iterator[None]:
    """
    Enter the contexts that `serialize_context` packed.

    Args:
        serialized_context: What `serialize_context` returned; None enters nothing.
        client: The client that the contexts use; made when needed without one.
    """
    packed = serialized_context or {}
    with ExitStack() as stack:
        if settings := packed.get("settings_context"):
            from prefect.settings.context import settings_from_environment

            stack.enter_context(settings_from_environment(settings))
        if values := packed.get("tags_context"):
            stack.enter_context(TagsContext(**values))
        own: dict[str, Any] = {} if client is None else {"client": client}
        if values := packed.get("flow_run_context"):
            stack.enter_context(FlowRunContext(**{**values, **own, "detached": True}))
        if values := packed.get("task_run_context"):
            stack.enter_context(TaskRunContext(**{**values, **own}))
        if values := packed.get("asset_context"):
            from prefect.assets.context import AssetContext

            stack.enter_context(AssetContext.from_task_and_inputs(**values))
        yield


def __getattr__(name: str) -> Any:
    """`GLOBAL_SETTINGS_CONTEXT`, the settings of this process; and `AssetContext`, which few need: found when asked for."""
    if name == "GLOBAL_SETTINGS_CONTEXT":
        return root_settings_context()
    if name == "AssetContext":
        from prefect.assets.context import AssetContext

        return AssetContext
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
