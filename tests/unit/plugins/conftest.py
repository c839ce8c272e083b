"""Throw-away distributions: real metadata folders and modules on the import path."""

import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from prefect.plugins.loading import PluginConfig, PluginHost
from prefect.plugins.registry import Registry

_unique = itertools.count()


class Site:
    """A folder of the import path that distributions can be put into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(self, name: str, source: str, *, group: str = "prefect.plugins", version: str = "1.0") -> str:
        """Install a distribution with one module and one entry point. Returns the module's name, which is unique."""
        module = f"{name.replace('-', '_')}_{next(_unique)}"
        self.modules.append(module)
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source).replace("MODULE", module))
        metadata = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name.removeprefix('prefect-')} = {module}\n")
        return module

    def imported(self) -> list[str]:
        return [module for module in self.modules if module in sys.modules]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = Site(folder)
    yield made
    for module in made.modules:
        sys.modules.pop(module, None)


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """Starts what a new process would start with: a host without memory, and registries on it."""

    def start(**config: object) -> SimpleNamespace:
        host = PluginHost(PluginConfig(cache_dir=tmp_path / "cache", **config), path=[str(site.folder)])
        return SimpleNamespace(
            host=host,
            task_runners=Registry("task_runners", lambda: host),
            serializers=Registry("serializers", lambda: host),
            blocks=Registry("blocks", lambda: host),
            storages=Registry("result_storages", lambda: host),
        )

    return start


GOOD = """
    from prefect.plugins import PluginInfo, SerializerSpec, TaskRunnerSpec, register_hook

    class Runner: ...

    @register_hook
    def prefect_plugin_info():
        return PluginInfo("good", "1.0", docs_url="https://example.com")

    @register_hook
    def prefect_task_runners():
        return [TaskRunnerSpec("dusk", "MODULE:Runner")]
"""


@pytest.fixture
def good() -> str:
    return GOOD
