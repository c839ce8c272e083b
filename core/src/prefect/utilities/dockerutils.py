"""Images of containers: their names, and how they are built and pushed by the `docker` command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import prefect

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "CONTAINER_LABELS",
    "IMAGE_LABELS",
    "BuildError",
    "PushError",
    "build_image",
    "docker_client",
    "format_outlier_version_name",
    "generate_default_dockerfile",
    "get_prefect_image_name",
    "parse_image_tag",
    "push_image",
    "push_reference",
    "python_version_micro",
    "python_version_minor",
    "silence_docker_warnings",
    "split_repository_path",
    "to_run_command",
]

CONTAINER_LABELS = {"io.prefect.version": prefect.__version__}
"""Labels of containers that are started for flow runs."""

IMAGE_LABELS = {"io.prefect.version": prefect.__version__}
"""Labels of images that are built for deployments."""


class BuildError(Exception):
    """An image could not be built."""


class PushError(Exception):
    """An image could not be pushed."""


# -- names


def python_version_minor() -> str:
    """The version of this Python, as in `3.12`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def python_version_micro() -> str:
    """The version of this Python, as in `3.12.4`."""
    return f"{python_version_minor()}.{sys.version_info.micro}"


def get_prefect_image_name(
    prefect_version: str | None = None, python_version: str | None = None, flavor: str | None = None
) -> str:
    """
    The name of an image in which the product is installed.

    Args:
        prefect_version: The version of the product; this one by default.
        python_version: The version of Python; this one by default.
        flavor: A variant of the image, such as `conda`.
    """
    python = ".".join((python_version or python_version_minor()).split(".")[:2])
    parts = [f"{prefect_version or prefect.__version__}-python{python}", *([flavor] if flavor else [])]
    return f"prefecthq/prefect:{'-'.join(parts)}"


def format_outlier_version_name(version: str) -> str:
    """A version of Docker without what packagers add that makes it no version, such as `-ce`."""
    return version.replace("-ce", "").replace("-ee", "")


def parse_image_tag(name: str) -> tuple[str, str | None]:
    """The name of an image, and its tag or digest if it has one."""
    without_digest, at, digest = name.partition("@")
    if at:
        return without_digest, digest
    head, colon, last = name.rpartition(":")
    return (head, last) if colon and "/" not in last else (name, None)


def split_repository_path(repository_path: str) -> tuple[str | None, str]:
    """The part of an image's name before its last slash, if there is one, and the part after."""
    namespace, _, name = repository_path.rpartition("/")
    return namespace or None, name


def to_run_command(command: list[str]) -> str:
    """The line of a Dockerfile that runs a command."""
    return f"RUN {shlex.join(command)}" if command else ""


# -- images


@contextmanager
def silence_docker_warnings() -> Iterator[None]:
    """Hide warnings that importing the package docker gives."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ImportWarning)
        yield


@contextmanager
def docker_client() -> Generator[Any, None, None]:
    """
    A client of the package docker.

    Raises:
        ImportError: The package docker is not installed.
        RuntimeError: Docker does not answer.
    """
    with silence_docker_warnings():
        try:
            import docker  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            raise ImportError("A client of Docker needs the package docker: pip install docker") from error
        try:
            client = docker.from_env()
        except docker.errors.DockerException as error:
            raise RuntimeError(f"Docker does not answer. Is it running? {error}") from error
    try:
        yield client
    finally:
        client.close()


def build_image(
    context: Path,
    dockerfile: str = "Dockerfile",
    tag: str | None = None,
    pull: bool = False,
    platform: str | None = None,
    stream_progress_to: TextIO | None = None,
    **kwargs: Any,
) -> str:
    """
    Build an image with the `docker` command.

    Args:
        context: The folder that is given to the build.
        dockerfile: The Dockerfile, relative to that folder.
        tag: What the image is called.
        pull: Whether newer versions of base images are looked for.
        platform: What it is built for, such as `linux/amd64`.
        stream_progress_to: Where what the build says goes.
        kwargs: Further options of `docker build` by name: `buildargs` and `labels` are mappings, others are written as
            `--name=value`, underscores as hyphens. `buildx` builds with `docker buildx build`.

    Returns:
        The id of the image.

    Raises:
        ValueError: The folder does not exist.
        BuildError: The build failed, or there is no `docker` command.
    """
    if not context.is_dir():
        raise ValueError(f"The folder '{context}', that the image should be built from, does not exist.")
    with tempfile.TemporaryDirectory() as folder:
        id_file = Path(folder, "id")
        program = ["buildx", "build"] if kwargs.pop("buildx", False) else ["build"]
        command = [*program, "--file", str(context / dockerfile), "--iidfile", str(id_file)]
        command += [f"--label={name}={value}" for name, value in {**IMAGE_LABELS, **kwargs.pop("labels", {})}.items()]
        command += [f"--build-arg={name}={value}" for name, value in kwargs.pop("buildargs", {}).items()]
        options = {"tag": tag, "platform": platform, "pull": pull, **kwargs}
        _docker([*command, *_options(options), "--", str(context)], stream_progress_to, BuildError)
        return id_file.read_text().strip()


def push_image(
    image_id: str,
    registry_url: str,
    name: str,
    tag: str | None = None,
    stream_progress_to: TextIO | None = None,
) -> str:
    """
    Push an image with the `docker` command.

    Args:
        image_id: The image.
        registry_url: Where to.
        name: What it is called there.
        tag: Its tag there; the current time without.
        stream_progress_to: Where what the push says goes.

    Returns:
        What it can be pulled by.

    Raises:
        PushError: The push failed, or there is no `docker` command.
    """
    from prefect.utilities.slugify import slugify
    from prefect.utilities.time import now

    host = registry_url.partition("://")[2] or registry_url
    reference = f"{host.rstrip('/')}/{name}:{tag or slugify(now().isoformat())}"
    _docker(["tag", "--", image_id, reference], stream_progress_to, PushError)
    push_reference(reference, stream_progress_to)
    return reference


def push_reference(reference: str, stream_progress_to: TextIO | None = None) -> None:
    """
    Push an image by its name.

    Raises:
        PushError: The push failed, or there is no `docker` command.
    """
    _docker(["push", "--", reference], stream_progress_to, PushError)


def _options(options: dict[str, Any]) -> list[str]:
    written = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            written.append(option)
        elif value is not None and value is not False:
            written += [f"{option}={each}" for each in (value if isinstance(value, (list, tuple)) else [value])]
    return written


def _docker(arguments: list[str], progress: TextIO | None, error_type: type[Exception]) -> None:
    program = shutil.which("docker")
    if program is None:
        raise error_type(
            "Images are built and pushed by the command 'docker', which is not on the PATH. Install it, or pass build=False "
            "and push=False with an image that exists."
        )
    said = []
    with subprocess.Popen(  # noqa: S603 - a list, no shell
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if progress is not None:
                progress.write(line)
    if process.returncode != 0:
        raise error_type(
            f"'docker {arguments[0]}' ended with exit code {process.returncode}: {''.join(said[-20:]).strip()}"
        )


@contextmanager
def generate_default_dockerfile(context: Path | None = None) -> Generator[Path, None, None]:
    """
    A Dockerfile for the project in a folder, which is there until the `with` statement ends.

    It installs what `requirements.txt` names, if there is one, and copies the folder to `/opt/prefect/<name>`.

    Args:
        context: The folder; the working directory without.

    Raises:
        RuntimeError: There is a Dockerfile already.
    """
    folder = context or Path.cwd()
    dockerfile = folder / "Dockerfile"
    home = f"/opt/prefect/{folder.resolve().name}"
    lines = [f"FROM {get_prefect_image_name()}"]
    if (folder / "requirements.txt").exists():
        lines += [
            f"COPY requirements.txt {home}/requirements.txt",
            f"RUN python -m pip install -r {home}/requirements.txt",
        ]
    lines += [f"COPY . {home}/", f"WORKDIR {home}/"]
    try:
        with dockerfile.open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + os.linesep)
    except FileExistsError:
        raise RuntimeError(
            f"'{dockerfile}' exists already. Give it as dockerfile=..., or remove it to have one made."
        ) from None
    try:
        yield dockerfile
    finally:
        dockerfile.unlink()
