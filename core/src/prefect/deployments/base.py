"""Begin a project: write its `prefect.yaml` and `.prefectignore`."""

from __future__ import annotations

import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

import prefect
from prefect.deployments.recipes import RECIPES
from prefect.deployments.storage.git_urls import redacted
from prefect.utilities.filesystem import create_default_ignore_file
from prefect.utilities.templating import apply_values

__all__ = ["configure_project_by_recipe", "create_default_prefect_yaml", "initialize_project"]

_WORDS = {
    "build": "What is done when a deployment is made, before its code is pushed.",
    "push": "How code gets to where workers find it.",
    "pull": "How workers get the code.",
    "deployments": "The deployments of this project.",
}


def _deployment(job_variables: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": None,
        "version": None,
        "tags": [],
        "description": None,
        "schedule": {},
        "flow_name": None,
        "entrypoint": None,
        "parameters": {},
        "work_pool": {"name": None, "work_queue_name": None, "job_variables": job_variables},
    }


def create_default_prefect_yaml(path: str, name: str | None = None, contents: dict[str, Any] | None = None) -> bool:
    """
    Write a `prefect.yaml`, unless there is one.

    Args:
        path: The folder of the project.
        name: The project's name; the folder's without.
        contents: The sections `build`, `push`, `pull` and `deployments`; what is not given is left for the user.

    Returns:
        Whether it was written.
    """
    given = contents or {}
    head = {"name": name or Path(path).resolve().name, "prefect-version": prefect.__version__}
    sections = {section: given.get(section) for section in ("build", "push", "pull")}
    sections["deployments"] = given.get("deployments") or [_deployment({})]
    text = "# How this project is deployed: see `prefect deploy --help`.\n\n"
    text += yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    for section, value in sections.items():
        text += f"\n# {_WORDS[section]}\n{yaml.safe_dump({section: value}, sort_keys=False, allow_unicode=True)}"
    try:
        with Path(path, "prefect.yaml").open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def configure_project_by_recipe(recipe: str, **formatting_kwargs: Any) -> dict[str, Any]:
    """
    What a `prefect.yaml` says for a kind of place for code.

    Args:
        recipe: The kind: local, git, docker, docker-git, s3, gcs or azure.
        formatting_kwargs: Values for placeholders; those without a value stay.

    Raises:
        ValueError: There is no such kind.
    """
    if recipe not in RECIPES:
        raise ValueError(f"Unknown recipe {recipe!r} provided. There are: {', '.join(RECIPES)}.")
    filled: Any = apply_values(deepcopy(RECIPES[recipe]), formatting_kwargs, remove_notset=False)
    return filled  # type: ignore[no-any-return]


def initialize_project(
    name: str | None = None, recipe: str | None = None, inputs: dict[str, Any] | None = None
) -> list[str]:
    """
    Begin a project in the working directory.

    Args:
        name: Its name; the folder's without.
        recipe: Where its code is kept: local, git, docker, docker-git, s3, gcs or azure. Without, a git repository that has a
            remote is used, else the folder.
        inputs: Values for what the recipe leaves open, such as `bucket` or `image_name`.

    Returns:
        The files that were written: those that are there stay.

    Raises:
        ValueError: There is no such recipe.
    """
    folder = Path.cwd()
    repository = _repository()
    recipe = recipe or ("git" if repository else "local")
    known = {"directory": str(folder), "folder": folder.name, **repository, **(inputs or {})}
    contents = configure_project_by_recipe(recipe, **known)
    image = {"image": "{{ build_image.image }}"} if recipe.startswith("docker") else {}
    contents["deployments"] = [_deployment(image)]
    written = {
        ".prefectignore": create_default_ignore_file(str(folder)),
        "prefect.yaml": create_default_prefect_yaml(str(folder), name, contents),
    }
    return [file for file, was_written in written.items() if was_written]


def _repository() -> dict[str, str]:
    """The remote and the branch of the git repository that the working directory is in; nothing without."""
    git = shutil.which("git")
    if git is None:
        return {}
    said = [
        subprocess.run([git, *question], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - a list
        for question in (["config", "--get", "remote.origin.url"], ["rev-parse", "--abbrev-ref", "HEAD"])
    ]
    url, branch = said
    return {"repository": redacted(url), "branch": branch} if url and branch else {}
