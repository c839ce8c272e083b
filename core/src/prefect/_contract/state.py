"""States: what a run is doing, or how it ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from pydantic import Field

from prefect._contract.base import Moment, ObjectBaseModel, PrefectBaseModel, TimeSeriesBaseModel
from prefect.utilities.collections import AutoEnum
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from typing_extensions import Self

    from prefect._contract.objects import FlowRunResult, TaskRunResult

__all__ = ["DEFAULT_NAMES", "TERMINAL_STATES", "RunType", "State", "StateDetails", "StateType", "data_discriminator"]

R = TypeVar("R")


class RunType(AutoEnum):
    """What a run is a run of."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"


class StateType(AutoEnum):
    """The kinds of states. A state's name says more, its type is what the rules go by."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL_STATES = {StateType.COMPLETED, StateType.CANCELLED, StateType.FAILED, StateType.CRASHED}
"""The types of states in which a run has ended."""

DEFAULT_NAMES = {kind: kind.value.capitalize() for kind in StateType}
"""The name of a state that is given none."""

_SCHEDULED = StateType.SCHEDULED


class StateDetails(PrefectBaseModel):
    """
    What belongs to a state apart from its type: times, keys and ids that the rules and the engine read.

    Args:
        flow_run_id: The flow run that is, or was, in this state.
        task_run_id: The task run that is, or was, in this state.
        child_flow_run_id: The flow run that a task run stands for, when it stands for a subflow.
        scheduled_time: For Scheduled: not to run before.
        cache_key: Under which a completed task run can be found again.
        cache_expiration: When it can no longer be found.
        deferred: Whether the run waits for a task worker.
        untrackable_result: Whether the result cannot be told from other equal objects (small integers, None).
        pause_timeout: For Paused: when the run fails unless it is resumed.
        pause_reschedule: For Paused: whether the process ended and the run starts anew when it is resumed.
        pause_key: For Paused: names this pause, so that it is observed only once in a run.
        run_input_keyset: For Paused: the keys of the inputs that are waited for.
        refresh_cache: Whether to run although a cached result exists.
        retriable: Whether a failure may be retried; None leaves it to the policy.
        transition_id: Names this proposal, so that proposing it twice has one effect.
        task_parameters_id: For deferred task runs: under which the parameters are stored.
        traceparent: The trace context of the run.
        deployment_concurrency_lease_id: The lease of the deployment's concurrency slot that the run holds.
    """

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: Moment | None = None
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    deferred: bool | None = None
    untrackable_result: bool = False
    pause_timeout: Moment | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None

    def to_run_result(self, run_type: RunType) -> "FlowRunResult | TaskRunResult":
        """
        The reference by which another run names the run of this state as its input.

        Raises:
            ValueError: These details name no run of that type.
        """
        from prefect._contract.objects import FlowRunResult, TaskRunResult

        if run_type == RunType.FLOW_RUN and self.flow_run_id is not None:
            return FlowRunResult(id=self.flow_run_id)
        if run_type == RunType.TASK_RUN and self.task_run_id is not None:
            return TaskRunResult(id=self.task_run_id)
        raise ValueError(f"These state details name no {run_type.value.replace('_', ' ')}, so nothing can refer to it.")


_set = object.__setattr__
_NO_DETAILS = {name: field.default for name, field in StateDetails.model_fields.items()}


def _no_details() -> StateDetails:
    """`StateDetails()` at half its cost, by the steps of `model_construct`: most states have none, and are many."""
    details = StateDetails.__new__(StateDetails)
    _set(details, "__dict__", _NO_DETAILS.copy())
    _set(details, "__pydantic_fields_set__", set())
    _set(details, "__pydantic_extra__", None)
    _set(details, "__pydantic_private__", None)
    return details


class State(TimeSeriesBaseModel, ObjectBaseModel, Generic[R]):
    """
    A state of a run. Make one with the functions of `prefect.states`: `Completed(message="All done")`.

    Args:
        type: What the rules go by.
        name: What people see; derived from the type by default.
        timestamp: When the run entered the state.
        message: An explanation for people.
        state_details: What belongs to the state: see `StateDetails`.
        data: The result, or what is known of where it is stored.
    """

    type: StateType
    name: str | None = None
    timestamp: Moment = Field(default_factory=now)
    message: str | None = None
    state_details: StateDetails = Field(default_factory=_no_details)
    data: Any = None

    if not TYPE_CHECKING:

        def __class_getitem__(cls, item):  # noqa: ANN001, ANN204
            """`State[int]` is for type checkers: the fields of a state do not depend on the type of its result."""
            return cls

    def model_post_init(self, context: Any, /) -> None:
        """Name a state after its type, and let a scheduled one be due now unless it says when."""
        fields = self.__dict__
        if fields["name"] is None:
            fields["name"] = DEFAULT_NAMES[fields["type"]]
            self.__pydantic_fields_set__.add("name")
        if fields["type"] is _SCHEDULED and fields["state_details"].scheduled_time is None:
            fields["state_details"] = fields["state_details"].model_copy(update={"scheduled_time": now()})

    def result(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> R:
        """
        The result of the run.

        In async code this is to be awaited (as is `aresult`, in all code).

        Args:
            raise_on_failure: Whether to raise the failure of a run that failed; otherwise it is returned.
            retry_result_failure: Whether to try again when the stored result cannot be read at once.

        Raises:
            prefect.exceptions.UnfinishedRun: The run has not ended.
            prefect.exceptions.MissingResult: The result was not kept.
        """
        from prefect.states import read_state_result

        return read_state_result(self, raise_on_failure, retry_result_failure)  # type: ignore[no-any-return]

    async def aresult(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> R:
        """The result of the run: see `result`."""
        from prefect.states import read_state_result

        return await read_state_result.aio(self, raise_on_failure, retry_result_failure)  # type: ignore[no-any-return]

    def is_scheduled(self) -> bool:
        """Whether the run waits for its time."""
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run is about to begin."""
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        """Whether the run is at work."""
        return self.type is StateType.RUNNING

    def is_completed(self) -> bool:
        """Whether the run has ended well."""
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        """Whether the user's code has failed."""
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        """Whether the process around the user's code has failed."""
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        """Whether the run was stopped on request."""
        return self.type is StateType.CANCELLED

    def is_cancelling(self) -> bool:
        """Whether the run is being stopped on request."""
        return self.type is StateType.CANCELLING

    def is_final(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.type in TERMINAL_STATES

    def is_paused(self) -> bool:
        """Whether the run waits to be resumed."""
        return self.type is StateType.PAUSED

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Self":
        """A copy that keeps the id and is entered now, unless `update` says when."""
        changes: dict[str, Any] = {"timestamp": now(), **(update or {})}
        return super().model_copy(update=changes, deep=deep)

    def fresh_copy(self, **kwargs: Any) -> "Self":
        """
        A copy that is a state of its own: with a new id, entered now, and not yet stored.

        Args:
            **kwargs: As for `model_copy`.
        """
        update = {"id": uuid7(), "created": now(), "updated": now(), **(kwargs.pop("update", None) or {})}
        copied = self.model_copy(update=update, **kwargs)
        if copied.state_details is self.state_details:
            copied.__dict__["state_details"] = self.state_details.model_copy()
        return copied

    def __str__(self) -> str:
        """`Failed('It did not work')`."""
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"

    def __repr__(self) -> str:
        """`Failed(message='It did not work', type=FAILED, result=None)`."""
        return f"{self.name}(message={self.message!r}, type={self.type.value}, result={self.data!r})"

    def __hash__(self) -> int:
        """States are told apart by their ids."""
        return hash(self.id)


def data_discriminator(x: Any) -> str:
    """
    Tell what the data of a state is: the whereabouts of a stored result, or anything else.

    Returns:
        `ResultRecordMetadata` for a mapping or object that has a `storage_key`, else `Any`.
    """
    names_storage = "storage_key" in x if isinstance(x, Mapping) else hasattr(x, "storage_key")
    return "ResultRecordMetadata" if names_storage else "Any"
