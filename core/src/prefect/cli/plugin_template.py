"""New plugins, from the template of the product. Cookiecutter makes the same of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["FAMILIES", "context_of", "render"]

FAMILIES = (
    *("serializer", "block", "notifier", "result_storage", "task_runner", "worker", "steps", "cli"),
    *("lock_manager", "settings"),
)
"""What a new plugin can bring."""


def _template() -> Path:
    """The template: in the installed package, or in the checkout that it is installed from."""
    package = Path(__file__).parents[1]
    places = (package / "_plugin_template", package.parents[2] / "cookiecutter")
    for place in places:
        if (place / "cookiecutter.json").is_file():
            return place
    raise CliError(f"The template for plugins is not installed: it is neither {places[0]} nor {places[1]}.")


def _jinja() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - no HTML


def context_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """
    All answers to the template's questions: defaults may use those before them.

    Args:
        answers: By question; where there is none, or None, the default is taken.
    """
    jinja, context = _jinja(), {}  # type: Environment, dict[str, Any]
    for name, default in json.loads((_template() / "cookiecutter.json").read_text(encoding="utf-8")).items():
        given = answers.get(name)
        value = given if given is not None else default[0] if isinstance(default, list) else default
        context[name] = jinja.from_string(value).render(cookiecutter=context) if isinstance(value, str) else value
    return context


def render(into: Path, context: Mapping[str, Any]) -> Path:
    """
    Write a project.

    Args:
        into: The folder in which its folder is made.
        context: What `context_of` answered.

    Returns:
        The project's folder.

    Raises:
        CliError: Its name will not do, or its folder is there already.
    """
    jinja, template = _jinja(), _template()
    project = into / str(context["slug"])
    if project.exists():
        raise CliError(f"{project} exists already.")

    def rendered(text: str) -> str:
        return jinja.from_string(text).render(cookiecutter=context)

    _run(rendered((template / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8")), into)
    try:
        source = template / "{{cookiecutter.slug}}"
        for file in filter(Path.is_file, source.rglob("*")):
            if "__pycache__" in file.parts:
                continue
            target = project / rendered(file.relative_to(source).as_posix())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rendered(file.read_text(encoding="utf-8")), encoding="utf-8")
        _run(rendered((template / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")), project)
    except BaseException:
        shutil.rmtree(project, ignore_errors=True)
        raise
    return project


def _run(script: str, folder: Path) -> None:
    """Run a script of the template as cookiecutter does: in a process, in a folder."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - the template's
    if done.returncode != 0:
        raise CliError(done.stderr.strip())
