"""Projects are begun with a `prefect.yaml` that says how their code gets to workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.deployments.conftest import Repository

from prefect.deployments import initialize_project
from prefect.deployments.base import configure_project_by_recipe, create_default_prefect_yaml


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "etl"
    made.mkdir()
    monkeypatch.chdir(made)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return made


def read() -> Any:
    return yaml.safe_load(Path("prefect.yaml").read_text())


def test_a_folder(folder: Path) -> None:
    assert initialize_project() == [".prefectignore", "prefect.yaml"]
    made = read()
    assert made["name"] == "etl"
    assert made["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}]
    assert made["deployments"][0]["work_pool"]["job_variables"] == {}
    Path("prefect.yaml").write_text("mine")
    assert initialize_project() == []
    assert Path("prefect.yaml").read_text() == "mine"


def test_a_repository(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.work)
    initialize_project(name="other")
    clone = {"repository": str(repository.bare), "branch": "main", "access_token": None}
    assert read()["pull"] == [{"prefect.deployments.steps.git_clone": clone}]
    assert read()["name"] == "other"


def test_images() -> None:
    initialize_project(recipe="docker", inputs={"image_name": "reg.io/etl"})
    made = read()
    ((_, build),) = made["build"][0].items()
    assert build["image_name"] == "reg.io/etl"
    assert build["tag"] == "{{ tag }}"
    assert made["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/prefect/etl"}}]
    assert made["deployments"][0]["work_pool"]["job_variables"] == {"image": "{{ build_image.image }}"}


def test_object_storage() -> None:
    made = configure_project_by_recipe("azure", container="c", folder="f")
    ((_, push),) = made["push"][0].items()
    assert (push["container"], push["folder"]) == ("c", "f")
    with pytest.raises(ValueError, match="Unknown recipe 'ftp' provided. There are: local, git"):
        configure_project_by_recipe("ftp")


def test_what_is_not_given_is_left_for_the_user(folder: Path) -> None:
    assert create_default_prefect_yaml(str(folder))
    assert read()["build"] is None
    assert not create_default_prefect_yaml(str(folder))
