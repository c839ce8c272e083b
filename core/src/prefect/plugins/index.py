"""
What is installed, and what each plugin provides, kept on disk so that a second process need not look again.

The file is valid as long as interpreter, import path and installed distributions stay the same; an entry of it, as long
as the plugin's module file stays the same. A file that cannot be read is ignored and written anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.plugins.families import FAMILIES
from prefect.plugins.types import PluginInfo, Spec
from prefect.plugins.versions import PREFECT_PLUGIN_API_VERSION

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["GROUP", "LEGACY_GROUP", "Entry", "Index", "PluginRecord", "fingerprint", "scan", "stamp_of"]

GROUP = "prefect.plugins"
LEGACY_GROUP = "prefect.collections"

_FORMAT = 1

Stamp = tuple[str, int, int]
"""Path, modification time in nanoseconds and size of a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    An entry point: a plugin that is installed, imported or not.

    Args:
        name: The entry point's name.
        value: The module that it names.
        group: The entry point group.
        distribution: The distribution that declares it, None for a plugin registered in this process.
        version: That distribution's version.
    """

    name: str
    value: str
    group: str = GROUP
    distribution: str | None = None
    version: str | None = None

    @property
    def key(self) -> str:
        """What tells it apart from all others."""
        return f"{self.distribution or '-'}:{self.group}:{self.name}"

    @property
    def owner(self) -> str:
        """The distribution for messages, with its version."""
        return f"{self.distribution} {self.version}" if self.distribution else f"plugin '{self.name}'"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """
    What a plugin said when it was asked.

    Args:
        hooks: The hooks that it implements.
        specs: Its records, by family.
        info: What it says about itself.
        api_requires: The plugin API versions that it works with.
        stamp: Of its module's file; None when it has none.
    """

    hooks: tuple[str, ...] = ()
    specs: Mapping[str, tuple[Spec, ...]] = field(default_factory=dict)
    info: PluginInfo | None = None
    api_requires: str | None = None
    stamp: Stamp | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "hooks": self.hooks,
            "specs": {key: [FAMILIES[key].to_json(spec) for spec in specs] for key, specs in self.specs.items()},
            "info": asdict(self.info) if self.info else None,
            "api_requires": self.api_requires,
            "stamp": self.stamp,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PluginRecord:
        """The record of a JSON object that `to_json` made."""
        specs = {key: tuple(FAMILIES[key].from_json(spec) for spec in specs) for key, specs in data["specs"].items()}
        info = PluginInfo(**data["info"]) if data["info"] else None
        stamp = tuple(data["stamp"]) if data["stamp"] else None
        return cls(tuple(data["hooks"]), specs, info, data["api_requires"], stamp)


def stamp_of(path: str | None) -> Stamp | None:
    """The stamp of a file, None if it cannot be looked at."""
    if path is None:
        return None
    try:
        status = os.stat(path)  # noqa: PTH116 - hundreds of times; a Path each would double the cost
    except OSError:
        return None
    return (path, status.st_mtime_ns, status.st_size)


def _metadata_folders(folder: str) -> Iterable[tuple[str, str]]:
    """Names and paths of the metadata folders of the distributions in a folder of the import path."""
    try:
        with os.scandir(folder or ".") as entries:
            return sorted(
                (entry.name, entry.path) for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))
            )
    except OSError:
        return ()


def fingerprint(path: Sequence[str]) -> tuple[str, str]:
    """A digest of the interpreter with the folders that hold distributions, and one of the distributions themselves."""
    place = hashlib.sha256(f"{sys.executable}\n{sys.version}\n{PREFECT_PLUGIN_API_VERSION}\n".encode())
    content = hashlib.sha256()
    for folder in path:
        archive = stamp_of(folder) if folder.endswith((".zip", ".egg")) else None
        distributions = _metadata_folders(folder)
        if not distributions and archive is None:
            continue
        place.update(f"{Path(folder).absolute()}\n".encode())
        content.update(f"{folder}\n{archive}\n".encode())
        for name, location in distributions:
            stamp = stamp_of(f"{location}/entry_points.txt")
            content.update(f"{name}\n{stamp and stamp[1:]}\n".encode())
    return place.hexdigest()[:24], content.hexdigest()


OnError = Callable[[str, BaseException], None]
"""Told of a distribution whose metadata cannot be read: its name or place, and the error."""


def _entries_of(distribution: Distribution) -> list[Entry]:
    name, version = distribution.metadata["Name"], distribution.version
    return [
        Entry(point.name, point.value, point.group, name, version)
        for point in distribution.entry_points
        if point.group in {GROUP, LEGACY_GROUP}
    ]


def _declares_plugins(distribution: Distribution) -> bool:
    """Whether a distribution may declare plugins. This is asked of each, and reading its metadata takes ten times as long."""
    try:
        text = distribution.read_text("entry_points.txt") or ""
    except UnicodeDecodeError:
        return True  # what is wrong with it is told when its name is known
    return GROUP in text or LEGACY_GROUP in text


def scan(path: Sequence[str], on_error: OnError) -> list[Entry]:
    """The plugins that the distributions on a path declare, in the order of distribution and name."""
    from importlib.metadata import distributions

    entries: dict[str, list[Entry]] = {}
    for distribution in distributions(path=list(path)):
        name = str(distribution)
        try:
            if not _declares_plugins(distribution):
                continue
            name = distribution.metadata["Name"]
            if name not in entries:  # of those with one name the first on the path is installed, whatever it declares
                first = next(iter(distributions(name=name, path=list(path))), distribution)
                entries[name] = _entries_of(first)
        except Exception as error:
            on_error(name, error)
    found = [entry for declared in entries.values() for entry in declared]
    return sorted(found, key=lambda entry: (entry.distribution or "", entry.group, entry.name))


class Index:
    """
    The file: entries and records, for one interpreter and path.

    Args:
        folder: Where the file lies; None to keep everything in memory.
        path: The import path.
        on_error: Told of distributions that cannot be read.
    """

    def __init__(self, folder: Path | None, path: Sequence[str], on_error: OnError) -> None:
        place, self._content = fingerprint(path)
        self._file = None if folder is None else folder / f"{place}.json"
        self.notes: list[str] = []
        stored = self._read()
        self.from_disk = stored is not None
        self.entries, self._records = stored if stored is not None else (scan(path, on_error), {})
        self._changed = stored is None

    def _read(self) -> tuple[list[Entry], dict[str, PluginRecord]] | None:
        if self._file is None:
            return None
        try:
            data = json.loads(self._file.read_bytes())
            if (data["format"], data["content"]) != (_FORMAT, self._content):
                return None
            entries = [Entry(**entry) for entry in data["entries"]]
            return entries, {key: PluginRecord.from_json(record) for key, record in data["records"].items()}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.notes.append(f"The plugin index {self._file} was unreadable ({error!r}) and is made anew.")
            return None

    def record(self, entry: Entry) -> PluginRecord | None:
        """What is known of a plugin, None if it must be asked (again)."""
        record = self._records.get(entry.key)
        if record is not None and record.stamp is not None and record.stamp != stamp_of(record.stamp[0]):
            return None
        return record

    def remember(self, entry: Entry, record: PluginRecord) -> None:
        """Note what a plugin provides."""
        self._records[entry.key] = record
        self._changed = True

    def save(self) -> None:
        """Write the file if something has changed. It is replaced in one step, so readers never see half of it."""
        if self._file is None or not self._changed:
            return
        self._changed = False
        data = {
            "format": _FORMAT,
            "content": self._content,
            "entries": [asdict(entry) for entry in self.entries],
            "records": {key: record.to_json() for key, record in self._records.items()},
        }
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(data))
            draft.replace(self._file)
        except OSError as error:
            self.notes.append(f"The plugin index could not be written to {self._file} ({error}).")
