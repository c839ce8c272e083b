"""Which task workers are looked for."""

from prefect._contract.base import PrefectBaseModel

__all__ = ["TaskWorkerFilter"]


class TaskWorkerFilter(PrefectBaseModel):
    """Selects task workers by the keys of the tasks that they serve."""

    task_keys: list[str]
