"""The plugins of `how-to/plugins` work as they are written there: all are laid out, and their tests run in one process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit

PAGES = sorted(
    page for page in (Path(__file__).parents[2] / "docs/how-to/plugins").glob("*.md") if page.stem != "README"
)
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def lay_out(page: Path, root: Path) -> None:
    """Write the files of a page, and the metadata that an installation would write."""
    files = dict(FILE.findall(page.read_text(encoding="utf-8")))
    entry_points = tomlkit.parse(files.pop("pyproject.toml"))["project"]["entry-points"]["prefect.plugins"]
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    [(name, module)] = entry_points.items()
    (root / "src" / f"prefect_{name}" / "__init__.py").touch()
    info = root / "src" / f"prefect_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: prefect-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[prefect.plugins]\n{name} = {module}\n")


def run(tmp_path: Path, pages: list[Path], *options: str) -> str:
    for page in pages:
        lay_out(page, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "tests"],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.timeout(320)
def test_the_plugins_of_all_pages_work(tmp_path):
    """Beside each other."""
    out = run(tmp_path, PAGES)
    assert int(re.search(r"(\d+) passed", out)[1]) >= 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_a_plugin_and_its_tests(page):
    names = [name for name, _ in FILE.findall(page.read_text(encoding="utf-8"))]
    assert names[0] == "pyproject.toml"
    assert any(name.endswith("/plugin.py") for name in names)
    assert names[-1].startswith("tests/")
