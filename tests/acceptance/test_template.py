"""The template renders to a plugin whose own tests pass, and which the product finds and uses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import tomlkit

TEMPLATE = Path(__file__).parents[2] / "cookiecutter"
JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)


def context_of(**answers):
    """The answers to the template's questions, as cookiecutter would have them: defaults may use earlier answers."""
    context = {}
    for name, default in json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8")).items():
        value = answers.get(name, default[0] if isinstance(default, list) else default)
        context[name] = JINJA.from_string(value).render(cookiecutter=context)
    return context


def rendered(text, context):
    return JINJA.from_string(text).render(cookiecutter=context)


def bake(folder, context):
    """Write the project, and beside its package the metadata that an installation would write."""
    source = TEMPLATE / "{{cookiecutter.slug}}"
    project = folder / context["slug"]
    for file in filter(Path.is_file, source.rglob("*")):
        target = project / rendered(str(file.relative_to(source)), context)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rendered(file.read_text(encoding="utf-8"), context), encoding="utf-8")
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
        timeout=60,
    )


@pytest.mark.parametrize(
    "answers",
    [{}, {"name": "Two Word7s", "author": "Zoë", "licence": "MIT", "description": "Something else."}],
    ids=["defaults", "answers"],
)
def test_the_rendered_plugin_passes_its_own_tests(tmp_path, answers):
    context = context_of(**answers)
    project = bake(tmp_path, context)
    left = [
        str(file) for file in project.rglob("*") if file.is_file() and "cookiecutter" in str(file) + file.read_text()
    ]
    assert not left
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b(1[5-9]|2\d) passed", done.stdout)


def test_the_metadata_are_the_answers(tmp_path):
    context = context_of(author="Zoë", licence="MIT", description="Something else.", slug="prefect-own-words")
    project = tomlkit.parse((bake(tmp_path, context) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["license"], project["description"]) == (
        "prefect-own-words",
        "MIT",
        "Something else.",
    )
    assert project["authors"] == [{"name": "Zoë"}]
    assert project["entry-points"]["prefect.plugins"] == {"own-words": "prefect_own_words.plugin"}


def test_prefect_lists_the_rendered_plugin(tmp_path):
    project = bake(tmp_path, context_of())
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
    script = rendered((TEMPLATE / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8"), context_of(slug=slug))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is accepted
    assert accepted or f"The slug is '{slug}'" in done.stderr
