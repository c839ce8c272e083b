"""Which run is meant: an id, the beginning of one, or a name. And which states."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from prefect.cli.asking import ask
from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect._contract.objects import FlowRun, TaskRun
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect._contract.state import StateType

__all__ = ["find_deployment", "find_flow_run", "find_task_run", "state_names", "state_types"]

R = TypeVar("R", "FlowRun", "TaskRun")

_PREFIX = re.compile(r"[0-9a-f]{8}[0-9a-f-]*", re.IGNORECASE)
_MOST_CANDIDATES = 6


@dataclass(frozen=True)
class _Runs(Generic[R]):
    """
    How runs of a kind are asked for.

    Args:
        noun: What they are called.
        read: The one of an id.
        named: Those of a name, at most so many.
        page: Those of all that come after so many others, at most so many, the greatest id first.
        count: How many there are.
    """

    noun: str
    read: Callable[[UUID], Call[R]]
    named: Callable[[str, int], Call[list[R]]]
    page: Callable[[int, int], Call[list[R]]]
    count: Callable[[], Call[int]]

    def find(self, text: str) -> R:
        """
        The run that is meant.

        Raises:
            CliError: None is, or several could be.
        """
        missing = f"{self.noun} {text!r} not found!"
        run_id = _whole_id(text)
        if run_id is not None:
            return ask(self.read(run_id), missing=missing)
        found = self._by_prefix(text) if _PREFIX.fullmatch(text) else []
        found = found or ask(self.named(text, _MOST_CANDIDATES))
        if not found:
            raise CliError(f"{missing} Give its id, at least the first 8 characters of it, or its name.")
        if len(found) > 1:
            raise CliError(self._ambiguous(text, found))
        return found[0]

    def _ambiguous(self, text: str, found: Sequence[R]) -> str:
        lines = [f"  {run.id}  {run.name}  {run.state_name}" for run in found[: _MOST_CANDIDATES - 1]]
        if len(found) >= _MOST_CANDIDATES:
            lines.append("  ...")
        return f"{self.noun} {text!r} is ambiguous. It could be:\n" + "\n".join(lines)

    def _by_prefix(self, text: str) -> list[R]:
        """
        Those whose id begins so.

        They follow each other in the order of ids, so a few records are enough to find them among any number.
        """
        prefix = text.replace("-", "").lower()
        greatest = prefix.ljust(32, "f")
        low, high = 0, ask(self.count())
        while low < high:
            middle = (low + high) // 2
            at = ask(self.page(1, middle))
            if at and at[0].id.hex > greatest:
                low = middle + 1
            else:
                high = middle
        return [run for run in ask(self.page(_MOST_CANDIDATES, low)) if run.id.hex.startswith(prefix)]


def _whole_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def find_flow_run(text: str) -> FlowRun:
    """
    The flow run of an id, of the beginning of one, or of a name.

    Raises:
        CliError: There is none, or several.
    """
    from prefect._contract.endpoints import flow_runs
    from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterName
    from prefect._contract.sorting import FlowRunSort

    runs: _Runs[FlowRun] = _Runs(
        noun="Flow run",
        read=flow_runs.read_flow_run,
        named=lambda name, limit: flow_runs.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])), sort=FlowRunSort.ID_DESC, limit=limit
        ),
        page=lambda limit, offset: flow_runs.read_flow_runs(sort=FlowRunSort.ID_DESC, limit=limit, offset=offset),
        count=flow_runs.count_flow_runs,
    )
    return runs.find(text)


def find_task_run(text: str) -> TaskRun:
    """
    The task run of an id, of the beginning of one, or of a name.

    Raises:
        CliError: There is none, or several.
    """
    from prefect._contract.endpoints import task_runs
    from prefect._contract.filters.task_runs import TaskRunFilter, TaskRunFilterName
    from prefect._contract.sorting import TaskRunSort

    runs: _Runs[TaskRun] = _Runs(
        noun="Task run",
        read=task_runs.read_task_run,
        named=lambda name, limit: task_runs.read_task_runs(
            task_run_filter=TaskRunFilter(name=TaskRunFilterName(any_=[name])), sort=TaskRunSort.ID_DESC, limit=limit
        ),
        page=lambda limit, offset: task_runs.read_task_runs(sort=TaskRunSort.ID_DESC, limit=limit, offset=offset),
        count=task_runs.count_task_runs,
    )
    return runs.find(text)


def find_deployment(name: str | None, deployment_id: UUID | None = None) -> DeploymentResponse:
    """
    The deployment of a name, or of an id.

    Args:
        name: The names of its flow and of itself: `greet/nightly`.
        deployment_id: The id.

    Raises:
        CliError: There is none, or not exactly one of both is given.
    """
    from prefect._contract.endpoints import deployments

    if (name is None) == (deployment_id is None):
        raise CliError("Give either the name of a deployment, such as my-flow/my-deployment, or --id.", exit_code=2)
    if deployment_id is not None:
        return ask(deployments.read_deployment(deployment_id), missing=f"Deployment '{deployment_id}' not found!")
    flow, slash, own = str(name).partition("/")
    if not slash or not flow or not own or "/" in own:
        raise CliError(f"Invalid deployment name {name!r}. Expected <flow name>/<deployment name>.")
    missing = f"Deployment {name!r} not found! See: prefect deployment ls"
    return ask(deployments.read_deployment_by_name(flow, own), missing=missing)


def state_types(names: Sequence[str]) -> list[StateType]:
    """
    The state types of some names, in whatever case.

    Raises:
        CliError: One is not a state type.
    """
    from prefect._contract.state import StateType

    types = []
    for name in names:
        if name.upper() not in StateType.__members__:
            options = ", ".join(StateType.__members__)
            raise CliError(f"Invalid state type {name!r}. Options are {options}.")
        types.append(StateType(name.upper()))
    return types


def state_names(names: Sequence[str]) -> list[str]:
    """Names of states as the product writes them, in whatever case they are given. Others are a flow's own, and stay."""
    from prefect._contract.state import DEFAULT_NAMES

    known = {name.lower(): name for name in (*DEFAULT_NAMES.values(), *_FURTHER_NAMES)}
    return [known.get(name.lower(), name) for name in names]


_FURTHER_NAMES = (
    "AwaitingRetry",
    "Cached",
    "Late",
    "NotReady",
    "Resuming",
    "Retrying",
    "RolledBack",
    "Suspended",
    "TimedOut",
)
