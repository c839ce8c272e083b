"""What background runs were called with, deleted once they have ended."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._contract.endpoints.waiting import read_ended_task_runs
from prefect._engine import background
from prefect._engine.recorder import recorder_of
from prefect.utilities.dual import drive

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State
    from prefect.client.base import Transport
    from prefect.tasks import Task

__all__ = ["SpentParameters"]

logger = logging.getLogger("prefect.task_worker")


class _Spent(NamedTuple):
    """A run that has ended here, and what it was called with."""

    task: Task[Any, Any]
    run_id: UUID
    parameters_id: UUID


class SpentParameters:
    """Deletes what runs were called with. Threads may share one."""

    def __init__(self) -> None:
        self._spent: deque[_Spent] = deque()

    def note(self, task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> None:
        """A run has come to a state here."""
        identifier = background.parameters_of(task_run)
        if identifier is not None and state.is_final():
            self._spent.append(_Spent(task, task_run.id, identifier))

    def delete(self, transport: Transport) -> None:
        """
        Delete the parameters of the runs whose ends are recorded: nobody will execute them again.

        Args:
            transport: The orchestrator, which knows whose are.
        """
        spent = [self._spent.popleft() for _ in range(len(self._spent))]
        if not spent:
            return
        ended = _ended_of(spent, transport)
        if ended is None:
            self._spent.extend(spent)
            return
        for each in spent:
            if each.run_id not in ended:
                continue
            try:
                drive(background.delete_parameters(each.task, each.parameters_id))
            except Exception as error:
                logger.warning("The parameters %s of an ended run cannot be deleted: %r", each.parameters_id, error)


def _ended_of(spent: list[_Spent], transport: Transport) -> set[UUID] | None:
    """The runs whose ends are recorded; the others were given to another worker, who needs them. None: not known now."""
    recorder = recorder_of(transport)
    recorder.flush()
    if recorder.is_behind:
        return None
    try:
        return {*transport.send(read_ended_task_runs([each.run_id for each in spent]))}
    except Exception as error:
        logger.debug("Which runs have ended cannot be asked for just now: %s", error)
        return None
