"""What is there, for people: `prefect plugins`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from prefect.plugins.families import FAMILIES
from prefect.plugins.index import GROUP, Entry, PluginRecord
from prefect.plugins.loading import BUILTIN, PluginHost, builtin_specs, current_host
from prefect.plugins.types import PluginFailure
from prefect.plugins.versions import PREFECT_PLUGIN_API_VERSION

__all__ = ["PluginReport", "report"]

Status = Literal["built-in", "ok", "failed", "refused", "imported", "not imported"]


@dataclass(frozen=True)
class PluginReport:
    """
    One plugin.

    Args:
        name: Its name.
        distribution: The distribution that it belongs to.
        version: That distribution's version.
        group: Its entry point group.
        api_requires: The plugin API versions that it works with.
        status: `refused` means by a setting, see `reason`; `imported` and `not imported` are for legacy collections.
        reason: Why it is not used.
        provides: By family, the names of what it provides.
        hooks: The hooks that it implements.
        failures: What went wrong.
    """

    name: str
    distribution: str | None
    version: str | None
    group: str
    api_requires: str | None
    status: Status
    reason: str | None = None
    provides: dict[str, list[str]] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    failures: tuple[PluginFailure, ...] = ()


def _builtin() -> PluginReport:
    provides = {key: list(builtin_specs(key)) for key in FAMILIES if builtin_specs(key)}
    hooks = tuple(FAMILIES[key].hook for key in provides)
    api = f"=={PREFECT_PLUGIN_API_VERSION}"
    return PluginReport(BUILTIN.name, BUILTIN.distribution, None, BUILTIN.group, api, "built-in", None, provides, hooks)


def _one(host: PluginHost, entry: Entry) -> PluginReport:
    refusal = host.config.refusal(entry)
    record = host.record(entry) if refusal is None and entry.group == GROUP else None
    failures = tuple(
        failure
        for failure in host.failures
        if (failure.plugin, failure.distribution) == (entry.name, entry.distribution)
    )
    return PluginReport(
        name=entry.name,
        distribution=entry.distribution,
        version=entry.version,
        group=entry.group,
        api_requires=record.api_requires if record else None,
        status=_status(host, entry, refusal, failures),
        reason=refusal,
        provides=_provides(record),
        hooks=record.hooks if record else (),
        failures=failures,
    )


def _status(host: PluginHost, entry: Entry, refusal: str | None, failures: tuple[PluginFailure, ...]) -> Status:
    if refusal is not None:
        return "refused"
    if failures:
        return "failed"
    if entry.group == GROUP:
        return "ok"
    return "imported" if host.imported(entry) else "not imported"


def _provides(record: PluginRecord | None) -> dict[str, list[str]]:
    if record is None:
        return {}
    return {key: [name for spec in specs for name in spec.provides()] for key, specs in record.specs.items()}


def report(host: PluginHost | None = None) -> list[PluginReport]:
    """
    All plugins, the core first. Plugins are loaded for it, collections are not.

    Args:
        host: The plugins to report on; those of the current settings by default.
    """
    host = host or current_host()
    host.records()
    for family in FAMILIES:
        host.provided(family)
    known = {entry.key: entry for entry in (*host.index.entries, *host.entries())}
    reports = [_one(host, entry) for entry in known.values()]
    listed = {(each.name, each.distribution) for each in reports}
    unlisted = [f for f in host.failures if (f.plugin, f.distribution) not in listed]
    reports += [
        PluginReport(f.plugin, f.distribution, f.version, GROUP, None, "failed", failures=(f,)) for f in unlisted
    ]
    return [_builtin(), *reports]
