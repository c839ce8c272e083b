"""What is read of the distributions that are installed: wheels, eggs in folders and archives, and those that hide others."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from prefect.plugins.index import scan

POINTS = "[prefect.plugins]\nred = prefect_red.plugin\n"


def metadata(name: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def found(*path: Path) -> list[tuple[str | None, str, str]]:
    def fail(name: str, error: BaseException) -> None:
        pytest.fail(f"{name}: {error!r}")

    return [(entry.distribution, entry.name, entry.value) for entry in scan([str(each) for each in path], fail)]


def put(folder: Path, name: str, points: str | None, kind: str = "dist-info", about: str = "METADATA") -> Path:
    info = folder / (f"{name.replace('-', '_')}-1.0.{kind}" if kind == "dist-info" else f"{name}.{kind}")
    info.mkdir(parents=True)
    (info / about).write_text(metadata(name))
    if points is not None:
        (info / "entry_points.txt").write_text(points)
    return folder


RED = [("prefect-red", "red", "prefect_red.plugin")]


def test_wheels_and_eggs_declare_plugins(tmp_path):
    assert found(put(tmp_path / "wheel", "prefect-red", POINTS)) == RED
    assert found(put(tmp_path / "develop", "prefect-red", POINTS, "egg-info", "PKG-INFO")) == RED
    assert found(put(tmp_path / "setuptools", "prefect_red", POINTS, "egg-info", "PKG-INFO")) == [
        ("prefect_red", "red", "prefect_red.plugin")
    ]
    legacy = POINTS.replace("prefect.plugins", "prefect.collections")
    assert found(put(tmp_path / "legacy", "prefect-red", legacy)) == RED


def test_an_archive_declares_plugins(tmp_path):
    egg = tmp_path / "prefect_red-1.0-py3.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", metadata("prefect-red"))
        archive.writestr("EGG-INFO/entry_points.txt", POINTS)
    assert found(egg) == RED


@pytest.mark.parametrize("points", [None, "[console_scripts]\nred = red:main\n", POINTS.replace("plugin\n", "other\n")])
def test_the_first_distribution_of_a_name_hides_the_others(tmp_path, points):
    first, second = put(tmp_path / "1", "prefect-red", points), put(tmp_path / "2", "prefect-red", POINTS)
    put(tmp_path / "2", "prefect-blue", POINTS)
    others = [("prefect-blue", "red", "prefect_red.plugin")]
    shown = [("prefect-red", "red", "prefect_red.other")] if points and "plugins" in points else []
    assert found(first, second) == others + shown


def test_other_distributions_declare_nothing(tmp_path):
    put(tmp_path, "numbers", None)
    put(tmp_path, "pages", "[console_scripts]\npages = pages:main\n")
    put(tmp_path, "told", "[pytest11]\nprefect.plugins = told.plugin\n")
    assert found(tmp_path) == []
