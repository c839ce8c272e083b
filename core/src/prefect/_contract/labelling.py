"""Labels: names with dots in them, each with a text."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, RootModel

from prefect.utilities.publishing import publish

__all__ = ["LabelDiver", "Labelled"]


class LabelDiver:
    """
    Finds labels part by part: of `{"prefect.resource.id": "x"}`, `str(diver.prefect.resource.id)` is `"x"`.

    For templates, where this reads better than a lookup by the whole name.

    Args:
        labels: The labels below this point, by the rest of their names.
        value: The label at this point.
    """

    __slots__ = ("_labels", "_value")

    def __init__(self, labels: Mapping[str, str], value: str = "") -> None:
        self._labels = dict(labels)
        self._value = value

    def __getattr__(self, name: str) -> "LabelDiver":
        """
        What is below the next part of a name.

        Raises:
            AttributeError: No label's name continues so.
        """
        if name.startswith("_"):  # such names are Python's: nothing may be looked at before it is made
            raise AttributeError(name)
        below = {label[len(name) + 1 :]: text for label, text in self._labels.items() if label.startswith(f"{name}.")}
        if below or name in self._labels:
            return LabelDiver(below, self._labels.get(name, ""))
        raise AttributeError(f"No label is called {name!r} here. There are: {', '.join(self._labels) or 'none'}.")

    def __getitem__(self, label: str) -> str:
        return self._labels[label]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._labels.items())

    def __len__(self) -> int:
        return len(self._labels)

    def __bool__(self) -> bool:
        return bool(self._labels or self._value)

    def __str__(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(labels={self._labels!r}, value={self._value!r})"


class Labelled(RootModel[dict[str, str]]):
    """Something that is described by labels."""

    model_config = ConfigDict(defer_build=True)

    def keys(self) -> Any:
        """The names of the labels."""
        return self.root.keys()

    def items(self) -> Any:
        """The names of the labels with their texts."""
        return self.root.items()

    def __getitem__(self, label: str) -> str:
        return self.root[label]

    def __setitem__(self, label: str, value: str) -> None:
        self.root[label] = value

    def __contains__(self, label: object) -> bool:
        return label in self.root

    def get(self, label: str, default: str | None = None) -> str | None:
        """The text of a label, or the default if there is no such label."""
        return self.root.get(label, default)

    def as_label_value_array(self) -> list[dict[str, str]]:
        """The labels as `[{"label": ..., "value": ...}]`."""
        return [{"label": label, "value": value} for label, value in self.root.items()]

    @property
    def labels(self) -> LabelDiver:
        """The labels, to be found part by part."""
        return LabelDiver(self.root)

    def has_all_labels(self, labels: dict[str, str]) -> bool:
        """Whether all of these labels are there, with these texts."""
        return all(self.root.get(label) == value for label, value in labels.items())


publish(globals(), "prefect.events.schemas.labelling")
