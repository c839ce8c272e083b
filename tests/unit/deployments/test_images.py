"""Images: their names, and what the `docker` command is told. A program that notes its arguments stands for it."""

from __future__ import annotations

import io
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import prefect
from prefect._internal.buildx import buildx_build_image, buildx_push_image
from prefect.docker import DockerImage
from prefect.settings import temporary_settings
from prefect.utilities.dockerutils import (
    BuildError,
    ImageBuilder,
    PushError,
    build_image,
    generate_default_dockerfile,
    get_prefect_image_name,
    parse_image_tag,
    push_image,
    split_repository_path,
    to_run_command,
)

DOCKER = """#!/usr/bin/env python3
import json, sys, pathlib
with open("{notes}", "a") as file:
    context = pathlib.Path(sys.argv[-1])
    seen = (context / "Dockerfile").read_text() if context.is_dir() else None
    file.write(json.dumps([sys.argv[1:], seen]) + "\\n")
print("step one")
for option, value in zip(sys.argv, sys.argv[1:]):
    if option == "--iidfile":
        pathlib.Path(value).write_text("sha256:1234")
sys.exit("refused" if "refused" in sys.argv[-1] else 0)
"""


class Docker:
    def __init__(self, notes: Path) -> None:
        self._notes = notes

    @property
    def calls(self) -> list[Any]:
        return [json.loads(line) for line in self._notes.read_text().splitlines()]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER.format(notes=tmp_path / "notes"))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/local/bin:/usr/bin:/bin")
    project = tmp_path / "etl"
    project.mkdir()
    monkeypatch.chdir(project)
    return Docker(tmp_path / "notes")


@pytest.mark.parametrize(
    ("arguments", "reference"),
    [
        (("n:1",), "n:1"),
        (("reg.io/n", "2"), "reg.io/n:2"),
        (("localhost:5000/a/b:c",), "localhost:5000/a/b:c"),
        (("n@sha256:ab",), "n@sha256:ab"),
    ],
)
def test_names(arguments: tuple[str, ...], reference: str) -> None:
    assert DockerImage(*arguments).reference == reference


def test_names_without_a_registry_or_a_tag() -> None:
    with temporary_settings({"PREFECT_DEPLOYMENTS_DEFAULT_DOCKER_BUILD_NAMESPACE": "reg.io/team/"}):
        assert DockerImage("n", "1").reference == "reg.io/team/n:1"
        assert DockerImage("org/n", "1").reference == "org/n:1"
    assert DockerImage("n").tag[:2] == "20"
    with pytest.raises(ValueError, match="both '1' and '2'"):
        DockerImage("n:1", "2")
    with pytest.raises(ValueError, match="Invalid build_backend"):
        DockerImage("n:1", build_backend="other")  # type: ignore[arg-type]


def test_parts_of_names() -> None:
    assert parse_image_tag("r:5000/a") == ("r:5000/a", None)
    assert parse_image_tag("r/a@sha256:x") == ("r/a", "sha256:x")
    assert split_repository_path("r.io/a/b") == ("r.io/a", "b")
    assert split_repository_path("a") == (None, "a")
    assert get_prefect_image_name("3.1.2", "3.11.4", "conda") == "prefecthq/prefect:3.1.2-python3.11-conda"
    assert prefect.__version__ in get_prefect_image_name()
    assert to_run_command(["a", "b c"]) == "RUN a 'b c'"
    assert to_run_command([]) == ""


def test_a_dockerfile_is_made_for_the_project(docker: Docker) -> None:
    Path("requirements.txt").write_text("httpx")
    progress = io.StringIO()
    DockerImage("reg.io/etl:1", stream_progress_to=progress, buildargs={"A": "1"}, platform="linux/amd64").build()
    ((command, dockerfile),) = docker.calls
    assert command[0] == "build"
    assert {"--tag=reg.io/etl:1", "--platform=linux/amd64", "--build-arg=A=1", "--pull"} <= set(command)
    assert "COPY . /opt/prefect/etl/" in dockerfile
    assert "pip install -r /opt/prefect/etl/requirements.txt" in dockerfile
    assert not Path("Dockerfile").exists()
    assert "step one" in progress.getvalue()


def test_a_dockerfile_of_ones_own_is_left_alone(docker: Docker) -> None:
    Path("Dockerfile").write_text("FROM mine\n")
    DockerImage("etl:1", dockerfile="Dockerfile", build_backend="buildx").build()
    ((command, dockerfile),) = docker.calls
    assert command[:2] == ["buildx", "build"]
    assert dockerfile == "FROM mine\n"
    with pytest.raises(RuntimeError, match="exists already"), generate_default_dockerfile():
        pass
    assert Path("Dockerfile").read_text() == "FROM mine\n"


def test_pushing(docker: Docker) -> None:
    DockerImage("reg.io/etl:1").push()
    assert push_image("sha256:1", "https://reg.io/", "etl", "2") == "reg.io/etl:2"
    assert [command for command, _ in docker.calls] == [
        ["push", "--", "reg.io/etl:1"],
        ["tag", "--", "sha256:1", "reg.io/etl:2"],
        ["push", "--", "reg.io/etl:2"],
    ]
    with pytest.raises(PushError, match=r"'docker push' ended with exit code 1: step one\s+refused"):
        DockerImage("refused:1").push()


def test_published_packages_build_and_push_with_buildx(docker: Docker) -> None:
    Path("Dockerfile").write_text("FROM mine\n")
    assert buildx_build_image(Path.cwd(), tag="etl:1", extra_tags=["etl:new"], platform="linux/arm64", push=True)
    buildx_push_image("etl", "1")
    build, push = (command for command, _ in docker.calls)
    assert build[:2] == ["buildx", "build"]
    assert {"--tag=etl:1", "--tag=etl:new", "--platform=linux/arm64", "--push"} <= set(build)
    assert push == ["push", "--", "etl:1"]


def test_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="not on the PATH"):
        build_image(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        build_image(tmp_path / "nowhere")


def test_line_by_line(docker: Docker) -> None:
    Path("a.txt").write_text("a")
    with ImageBuilder("base:1") as image:
        image.add_line("RUN true")
        image.copy("a.txt", "/srv/a.txt")
        image.write_text("text", "/srv/b.txt")
        assert image.build() == "sha256:1234"
        image.assert_line_before("FROM base:1", "RUN true")
        image.assert_has_file(Path("a.txt"), PurePosixPath("/srv/a.txt"))
        image.assert_line_absent("RUN false")
        with pytest.raises(AssertionError, match="no line 'RUN false'"):
            image.assert_has_line("RUN false")
        with pytest.raises(ValueError, match="does not lie in"):
            image.copy("../other.txt", "/srv/")
        folder = image.context
    assert not folder.exists()
    ((_, dockerfile),) = docker.calls
    assert dockerfile.startswith("FROM base:1\n")
