"""`prefect.yaml`: deployments that are written down, and the steps by which their code is built, pushed and pulled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from prefect.utilities.sources import find_definition

__all__ = ["PROJECT_FILE", "Entry", "Project", "ProjectError", "read_project"]

PROJECT_FILE = "prefect.yaml"

_KINDS_OF_STEPS = ("build", "push", "pull")
_KNOWN = {
    *("name", "flow_name", "description", "version", "version_type", "tags", "entrypoint", "parameters", "work_pool"),
    *("schedule", "schedules", "is_schedule_active", "paused", "triggers", "concurrency_limit"),
    *("enforce_parameter_schema", "build", "push", "pull"),
}
_OF_WORK_POOLS = {"name", "work_queue_name", "job_variables"}


class ProjectError(ValueError):
    """Something in a project's file cannot be meant as it is written."""


@dataclass(frozen=True)
class Entry:
    """
    One deployment of a project.

    Args:
        fields: What is written down of it.
        steps: The steps by which its code is built, pushed and pulled, by kind: its own, or else the project's.
        place: Where it is written, for errors.
    """

    fields: Mapping[str, Any]
    steps: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    place: str = "the command line"

    @property
    def name(self) -> str | None:
        """The deployment's name."""
        name = self.fields.get("name")
        return None if name is None else str(name)

    @property
    def flow_name(self) -> str | None:
        """The name of its flow, read from the code without running it; None if that cannot be found."""
        entrypoint = self.fields.get("entrypoint")
        try:
            found = find_definition(str(entrypoint))
        except (ValueError, OSError, SyntaxError):
            return None
        return str(found.options.get("name") or found.name.replace("_", "-"))

    def is_named(self, pattern: str) -> bool:
        """Whether a name means it: `name`, `flow/name`, or either with wildcards, as in `flow/*`."""
        flow, slash, name = pattern.rpartition("/")
        if self.name is None or not fnmatchcase(self.name, name):
            return False
        return not slash or fnmatchcase(self.flow_name or "", flow)

    def with_fields(self, changes: Mapping[str, Any]) -> Entry:
        """The same deployment, some of it changed. Parts of the work pool that are not given stay."""
        pool = {**(self.fields.get("work_pool") or {}), **(changes.get("work_pool") or {})}
        return Entry({**self.fields, **changes, **({"work_pool": pool} if pool else {})}, self.steps, self.place)


@dataclass(frozen=True)
class Project:
    """
    What a project's file says.

    Args:
        file: The file.
        entries: Its deployments.
        steps: The steps of deployments that have none of their own, by kind.
    """

    file: Path
    entries: tuple[Entry, ...] = ()
    steps: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    def named(self, patterns: Iterable[str]) -> list[Entry]:
        """
        The deployments that names mean.

        Raises:
            ProjectError: A name means none of them.
        """
        found: list[Entry] = []
        for pattern in patterns:
            meant = [entry for entry in self.entries if entry.is_named(pattern)]
            if not meant:
                known = ", ".join(repr(entry.name) for entry in self.entries if entry.name) or "none"
                raise ProjectError(f"There is no deployment {pattern!r} in {self.file}. Deployments there: {known}.")
            found += [entry for entry in meant if entry not in found]
        return found

    def new_entry(self, fields: Mapping[str, Any]) -> Entry:
        """A deployment that is not written down, with the project's steps."""
        return Entry(fields, self.steps)

    def append(self, fields: Mapping[str, Any]) -> bool:
        """
        Write a deployment down at the end of the file, and leave the rest of it, with its comments, as it is.

        Returns:
            Whether that was possible; else the file is as it was.
        """
        import yaml

        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        before = yaml.safe_load(text) or {}
        there = before.get("deployments") or []
        item = yaml.safe_dump([dict(fields)], sort_keys=False)
        heading = "" if there else "deployments:\n"
        longer = f"{text.rstrip()}\n{heading}{item}".lstrip()
        try:
            after = yaml.safe_load(longer)
        except yaml.YAMLError:
            return False
        if after != {**before, "deployments": [*there, dict(fields)]}:
            return False
        beside = self.file.with_name(f"{self.file.name}.new")
        beside.write_text(longer, encoding="utf-8")
        beside.replace(self.file)
        return True


def read_project(file: Path) -> Project:
    """
    Read a project's file; one that is not there says nothing.

    Raises:
        ProjectError: It is not YAML, or something in it has another form than it must have.
    """
    import yaml

    if not file.exists():
        return Project(file)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{file} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise ProjectError(f"{file} must be a mapping with the key 'deployments', and is a {type(content).__name__}.")
    steps = _steps(content, str(file))
    entries = content.get("deployments") or []
    if not isinstance(entries, list):
        raise ProjectError(f"'deployments' in {file} must be a list, and is a {type(entries).__name__}.")
    return Project(file, tuple(_entry(each, number, file, steps) for number, each in enumerate(entries, 1)), steps)


def _entry(fields: Any, number: int, file: Path, steps: Mapping[str, list[dict[str, Any]]]) -> Entry:
    place = f"deployment {number} in {file}"
    if not isinstance(fields, dict):
        raise ProjectError(f"{place.capitalize()} must be a mapping, and is a {type(fields).__name__}.")
    name = fields.get("name")
    place = f"deployment {name!r} in {file}" if name else place
    _check_keys(fields, place)
    return Entry(fields, {**steps, **_steps(fields, place)}, place)


def _check_keys(fields: Mapping[str, Any], place: str) -> None:
    unknown = sorted(set(fields) - _KNOWN)
    pool = fields.get("work_pool") or {}
    if not isinstance(pool, Mapping):
        raise ProjectError(f"'work_pool' of {place} must be a mapping, as in 'work_pool: {{name: my-pool}}'.")
    unknown += [f"work_pool.{key}" for key in sorted(set(pool) - _OF_WORK_POOLS)]
    if unknown:
        raise ProjectError(
            f"Unknown key {', '.join(map(repr, unknown))} of {place}. Known: {', '.join(sorted(_KNOWN))}."
        )


def _steps(content: Mapping[str, Any], place: str) -> dict[str, list[dict[str, Any]]]:
    """The steps that are written down, by kind. An empty list says that there are none, although the project has some."""
    found = {}
    for kind in _KINDS_OF_STEPS:
        steps = content.get(kind)
        if steps is None:
            continue
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise ProjectError(
                f"{kind!r} of {place} must be a list of steps, each a mapping of a function to its inputs."
            )
        found[kind] = steps
    return found
