"""What every plugin must be able to do."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any, ClassVar

import pytest

from prefect.plugins.families import FAMILIES
from prefect.plugins.index import GROUP, Entry
from prefect.plugins.loading import PluginConfig, PluginHost, builtin_specs
from prefect.plugins.targets import import_target
from prefect.plugins.versions import admits

__all__ = ["PluginContract"]

PROBE = """
import json, sys, time
import prefect.plugins
before = set(sys.modules)
began = time.process_time()
import {module}
cost = time.process_time() - began
print(json.dumps({{"cost": cost, "modules": sorted(set(sys.modules) - before)}}))
"""


class PluginContract:
    """
    Subclass it, and give it the fixture `module`: the name of the module that the entry point names.

    Attributes:
        budget: The CPU seconds that importing the module may cost, the best of several times.
        own_packages: Top-level packages that the module may import, apart from the standard library and
            `prefect.plugins`: its own, normally.
    """

    budget: ClassVar[float] = 0.005
    own_packages: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def module(self) -> str:
        """The name of the plugin's module."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'module'.")

    @pytest.fixture
    def host(self, module: str) -> PluginHost:
        """A host with this plugin alone."""
        host = PluginHost(PluginConfig(), path=[])
        host.register(importlib.import_module(module), "under-test")
        return host

    def test_importing_it_is_cheap(self, module: str) -> None:
        """No SDK, no pydantic: only what describes it."""
        runs: list[dict[str, Any]] = [self._probe(module) for _ in range(3)]
        loaded = {name.partition(".")[0] for name in runs[0]["modules"]}
        foreign = loaded - set(sys.stdlib_module_names) - self.own_packages - {module.partition(".")[0], "prefect"}
        assert not foreign
        sdk = [
            name
            for name in runs[0]["modules"]
            if name.startswith("prefect.") and not name.startswith("prefect.plugins")
        ]
        assert not [name for name in sdk if name != "prefect.hookspecs"]
        assert min(run["cost"] for run in runs) <= self.budget

    @staticmethod
    def _probe(module: str) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - this interpreter and code of ours
            [sys.executable, "-c", PROBE.format(module=module)], capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def test_it_loads_without_a_failure(self, host: PluginHost) -> None:
        """Registered, asked, nothing wrong."""
        assert [entry.name for entry, _ in host.records()] == ["under-test"]
        assert host.failures == []

    def test_it_supports_this_version(self, host: PluginHost) -> None:
        """Its API range admits the core."""
        [(_, record)] = host.records()
        assert admits(record.api_requires or "")

    def test_it_implements_hooks(self, host: PluginHost) -> None:
        """A plugin without hooks does nothing."""
        [(_, record)] = host.records()
        assert record.hooks

    def test_its_targets_can_be_imported(self, host: PluginHost) -> None:
        """Every import string leads somewhere."""
        for family in FAMILIES:
            for provided in host.provided(family).values():
                for each in provided:
                    assert import_target(each.spec.target) is not None

    def test_its_names_are_its_own(self, host: PluginHost) -> None:
        """Neither the core's nor given twice."""
        for family in FAMILIES:
            names = host.provided(family)
            assert not names.keys() & builtin_specs(family).keys()
            assert all(len(provided) == 1 for provided in names.values())

    def test_its_records_do_not_depend_on_when_they_are_asked_for(self, module: str, host: PluginHost) -> None:
        """They are kept on disk, so they must be the same each time."""
        [(_, record)] = host.records()
        again = PluginHost(PluginConfig(), path=[])
        again.register(sys.modules[module], "under-test")
        assert again.records()[0][1].specs == record.specs

    def test_it_survives_a_broken_sibling(self, module: str, host: PluginHost) -> None:
        """And the sibling's failure is the sibling's."""
        entry = Entry("broken", "no_such_module_of_a_plugin", GROUP, "broken-distribution", "1.0")
        assert host.record(entry) is None
        assert [failure.plugin for failure in host.failures] == ["broken"]
        assert [record for each, record in host.records() if each.name == "under-test"]
