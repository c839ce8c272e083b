"""The families of things that plugins provide: the hook that lists them and the record that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prefect.plugins import types
from prefect.plugins.targets import is_target

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """
    One kind of thing.

    Args:
        key: Its name in code, such as `"task_runners"`.
        noun: Its name in messages, such as `"task runner"`.
        record: The type of the records.
    """

    key: str
    noun: str
    record: type[types.Spec]

    @property
    def hook(self) -> str:
        """The hook that lists the records."""
        return f"prefect_{self.key}"

    def checked(self, answer: Any) -> tuple[types.Spec, ...]:
        """
        The records that a hook answered.

        Raises:
            TypeError: Something else is among them.
            ValueError: A record has a malformed target.
        """
        records = tuple(answer or ())
        for record in records:
            if not isinstance(record, self.record):
                raise TypeError(f"{self.hook} must answer {self.record.__name__} records, not {record!r}.")
            if not is_target(record.target):
                raise ValueError(f"{self.hook}: {record.target!r} is not of the form 'package.module:attribute'.")
        return records

    def to_json(self, record: types.Spec) -> dict[str, Any]:
        """A record as a JSON object."""
        return asdict(record)  # type: ignore[call-overload, no-any-return]

    def from_json(self, data: Mapping[str, Any]) -> types.Spec:
        """The record of a JSON object that `to_json` made."""
        return self.record(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


FAMILIES: Mapping[str, Family] = {
    family.key: family
    for family in (
        Family("task_runners", "task runner", types.TaskRunnerSpec),
        Family("result_storages", "result storage", types.ResultStorageSpec),
        Family("serializers", "serializer", types.SerializerSpec),
        Family("lock_managers", "lock manager", types.LockManagerSpec),
        Family("blocks", "block type", types.BlockSpec),
        Family("workers", "worker type", types.WorkerSpec),
        Family("notifiers", "notifier", types.NotifierSpec),
        Family("deployment_steps", "deployment step", types.StepSpec),
        Family("cli", "command group", types.CliSpec),
        Family("server_backends", "server backend", types.BackendSpec),
        Family("server_pages", "page of the server", types.PageSpec),
        Family("settings", "settings namespace", types.SettingsSpec),
    )
}
