"""The template renders to a plugin whose own tests pass, and which the product finds and uses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from prefect.cli.errors import CliError
from prefect.cli.plugin_template import FAMILIES, context_of, render
from prefect.testing.cli import invoke_and_assert

ALL = dict.fromkeys(FAMILIES, True)
NONE = dict.fromkeys(FAMILIES, False)
CORE = Path(__file__).parents[2] / "core"


def bake(folder, context):
    """Write the project, and beside its package the metadata that an installation would write."""
    project = render(folder, context)
    metadata = tomlkit.parse((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = project / "src" / f"{context['__module']}-{metadata['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: {metadata['version']}\n")
    points = metadata["entry-points"]["prefect.plugins"].items()
    (info / "entry_points.txt").write_text(
        "[prefect.plugins]\n" + "".join(f"{name} = {value}\n" for name, value in points)
    )
    return project


def required_by(*names):
    """All distributions that these require, directly or not."""
    found, asked = {}, list(names)
    while asked:
        name = canonicalize_name(asked.pop())
        if name not in found:
            found[name] = distribution(name)
            requirements = map(Requirement, found[name].requires or [])
            asked += [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
    return [each for name, each in found.items() if name not in names]


def fresh_venv(folder):
    """
    A venv with what the core and pytest require, linked from that of this test so that no index is asked, and nothing else:
    no pip, no other plugin, not the core. Returns its Python.
    """
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    for each in [*required_by("prefect-core", "pytest"), distribution("pytest")]:
        for top in {file.parts[0] for file in each.files} - {"..", "__pycache__"}:
            (packages / top).symlink_to(each.locate_file(top))
    return folder / "bin" / "python"


def pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run(project, *arguments, python=None):
    """Run a Python: the one of this test with the project's sources on its path, or one that has it installed."""
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PREFECT_HOME": str(project / "home"), "PYTHONPATH": os.pathsep.join(paths)}
    if python:
        del environment["PYTHONPATH"]
    return subprocess.run(
        [python or sys.executable, *arguments],
        check=False,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,  # dozens of processes: seconds, unless others use the machine too
    )


def passed(done):
    """How many tests have passed, of a run in which none has failed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"(\d+) passed", done.stdout)[1])


def written(project):
    """What there is in a project, which must not have anything of the template left in it."""
    files = [file for file in project.rglob("*") if file.is_file()]
    assert [str(file) for file in files if "cookiecutter" in str(file) + file.read_text()] == []
    return {str(file.relative_to(project)) for file in files}


@pytest.mark.timeout(320)
def test_a_plugin_of_all_kinds_is_installed_in_a_fresh_venv_and_passes_its_own_tests(tmp_path):
    """
    Built, installed and checked by pip, beside the core alone, with nothing in reach but what they declare to require.

    The tests below lay out the metadata that an installation writes instead: what the build does with a project does not
    depend on its families, so one installation proves it for all.
    """
    answers = {"name": "Two Word7s", "author": "Zoë", "licence": "MIT", "description": "Something else.", **ALL}
    project = render(tmp_path, context_of(answers))
    written(project)
    python = fresh_venv(tmp_path / "venv")
    wheels = tmp_path / "wheels"
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, CORE, project)
    pip("--python", python, "install", "--quiet", "--no-index", *wheels.iterdir())
    pip("--python", python, "check")
    found = run(
        project, "-c", "import prefect, prefect_two_word7s as p; print(prefect.__file__, p.__file__)", python=python
    )
    assert [str(tmp_path / "venv") in file for file in found.stdout.split()] == [True, True], found.stderr
    assert passed(run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", python=python)) >= 85


@pytest.mark.timeout(320)
def test_the_plugin_of_the_defaults_passes_its_own_tests(tmp_path):
    project = bake(tmp_path, context_of({}))
    written(project)
    assert passed(run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")) >= 15


@pytest.mark.parametrize("family", FAMILIES)
def test_each_kind_alone_compiles_and_is_listed(tmp_path, family):
    project = bake(tmp_path, context_of({"name": "Tulips", **NONE, family: True}))
    tests = {name for name in written(project) if name.startswith("tests")}
    assert tests == {"tests/test_plugin.py", f"tests/test_{family}.py"}
    code = (
        "import json; from prefect.plugins import report; from prefect.plugins.loading import current_host, Provided;"
        "from prefect.plugins.targets import import_target; host = current_host();"
        "[r] = [r for r in report() if r.name == 'tulips'];"
        "[[import_target(p.spec.target) for p in ps] for f in r.provides for ps in host.provided(f).values()];"
        "print(json.dumps([r.status, len(r.provides), [f.error for f in r.failures]]))"
    )
    assert json.loads(run(project, "-c", code).stdout) == ["ok", 1, []]


def test_prefect_writes_plugins(tmp_path):
    asked = ["plugins", "new", "Red Tulips", "--with", "block", "--with", "cli", "--into", str(tmp_path)]
    invoke_and_assert(asked, expected_output_contains="prefect-red-tulips")
    assert "src/prefect_red_tulips/blocks.py" in written(tmp_path / "prefect-red-tulips")
    invoke_and_assert(asked, expected_code=1, expected_output_contains="exists already")
    wrong = ["plugins", "new", "Red Tulips", "--with", "bulbs", "--into", str(tmp_path)]
    invoke_and_assert(wrong, expected_code=1, expected_output_contains="cannot bring 'bulbs'")


def test_the_metadata_are_the_answers(tmp_path):
    context = context_of(
        {"author": "Zoë", "licence": "MIT", "description": "Something else.", "slug": "prefect-own-words"}
    )
    project = tomlkit.parse((bake(tmp_path, context) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["license"], project["description"]) == (
        "prefect-own-words",
        "MIT",
        "Something else.",
    )
    assert project["authors"] == [{"name": "Zoë"}]
    assert project["entry-points"]["prefect.plugins"] == {"own-words": "prefect_own_words.plugin"}


def test_prefect_lists_the_rendered_plugin(tmp_path):
    project = bake(tmp_path, context_of({}))
    code = "from prefect.plugins import report; print([(r.name, r.status, r.provides) for r in report() if 'readable' in r.name])"
    assert run(project, "-c", code).stdout.strip() == "[('readable-json', 'ok', {'serializers': ['readable-json']})]"


@pytest.mark.parametrize(
    ("slug", "accepted"),
    [
        ("prefect-readable-json", True),
        ("Readable", False),
        ("prefect-", False),
        ("prefect-a_b", False),
        ("prefect-1", False),
    ],
)
def test_a_slug_that_is_no_name_is_refused(tmp_path, slug, accepted):
    if accepted:
        assert render(tmp_path, context_of({"slug": slug})).name == slug
        return
    with pytest.raises(CliError, match=f"The slug is '{slug}'"):
        render(tmp_path, context_of({"slug": slug}))
    assert list(tmp_path.iterdir()) == []
