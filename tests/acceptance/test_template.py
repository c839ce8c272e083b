"""The template renders to a plugin whose own tests pass, and which the product finds and uses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import tomlkit

from prefect.cli.errors import CliError
from prefect.cli.plugin_template import FAMILIES, context_of, render
from prefect.testing.cli import invoke_and_assert

ALL = dict.fromkeys(FAMILIES, True)
NONE = dict.fromkeys(FAMILIES, False)


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


def run(project, *arguments):
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PREFECT_HOME": str(project / "home"), "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,  # dozens of processes: seconds, unless others use the machine too
    )


def written(project):
    """What there is in a project, which must not have anything of the template left in it."""
    files = [file for file in project.rglob("*") if file.is_file()]
    assert [str(file) for file in files if "cookiecutter" in str(file) + file.read_text()] == []
    return {str(file.relative_to(project)) for file in files}


@pytest.mark.timeout(320)
@pytest.mark.parametrize(
    "answers",
    [{}, {"name": "Two Word7s", "author": "Zoë", "licence": "MIT", "description": "Something else.", **ALL}],
    ids=["defaults", "all"],
)
def test_the_rendered_plugin_passes_its_own_tests(tmp_path, answers):
    project = bake(tmp_path, context_of(answers))
    written(project)
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= (85 if answers else 15)


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
