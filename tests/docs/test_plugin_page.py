"""The plugin of `how-to/write-a-plugin.md` works as it is written there: its files are laid out and put on the import path."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-plugin.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The page's files, and beside them the metadata that an installation would write."""
    root = tmp_path_factory.mktemp("prefect-yaml")
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "src" / "prefect_yaml" / "__init__.py").touch()
    metadata = tomlkit.parse((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = root / "src" / f"prefect_yaml-{metadata['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: {metadata['version']}\n")
    points = metadata["entry-points"]["prefect.plugins"].items()
    (info / "entry_points.txt").write_text(
        "[prefect.plugins]\n" + "".join(f"{name} = {value}\n" for name, value in points)
    )
    return root


def run(project, *arguments, **variables):
    environment = {
        "PREFECT_HOME": str(project / "home"),
        "PYTHONPATH": os.pathsep.join([str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=project,
        env={**os.environ, **environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_page_shows_all_files():
    names = [name for name, _ in FILE.findall(PAGE.read_text(encoding="utf-8"))]
    assert names == [
        "pyproject.toml",
        "src/prefect_yaml/plugin.py",
        "src/prefect_yaml/serializers.py",
        "tests/test_yaml.py",
        "use_it.py",
    ]


def test_the_plugin_is_used(project):
    done = run(project, "use_it.py")
    assert done.returncode == 0, done.stderr
    assert "visitors:\\n- Ada\\n- Grace" in (project / "results" / "delft").read_text()


def test_the_tests_of_the_plugin_pass(project):
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b1[0-9] passed", done.stdout)


def test_a_denied_plugin_is_not_there_and_the_message_says_what_is(project):
    done = run(project, "use_it.py", PREFECT_PLUGINS_DENY="yaml", PREFECT_HOME=str(project / "another-home"))
    assert done.returncode == 1
    assert "No serializer 'yaml' is registered. Installed: pickle, json," in done.stderr
