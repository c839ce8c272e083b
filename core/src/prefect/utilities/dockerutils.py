"""Images of containers: their names, and how they are built and pushed by the `docker` command."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TextIO

import prefect

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Self

__all__ = [
    "CONTAINER_LABELS",
    "IMAGE_LABELS",
    "BuildError",
    "ImageBuilder",
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


class ImageBuilder:
    """
    Builds an image from a Dockerfile that is written line by line.

    Args:
        base_image: What it is built upon.
        base_directory: The folder that files are copied from; the working directory without.
        platform: What it is built for, such as `linux/amd64`.
        context: The folder that is given to the build; a new one without, which is there until the `with` statement ends.

    Raises:
        ValueError: The folder does not exist, or has a Dockerfile already.
    """

    def __init__(
        self,
        base_image: str,
        base_directory: Path | None = None,
        platform: str | None = None,
        context: Path | None = None,
    ) -> None:
        self.base_directory = base_directory or (context or Path.cwd()).absolute()
        self.platform = platform
        self.temporary_directory = None if context else tempfile.TemporaryDirectory()
        self.context = context or Path(self.temporary_directory.name if self.temporary_directory else "")
        if not self.context.is_dir():
            raise ValueError(f"The folder '{self.context}', that the image should be built from, does not exist.")
        if (self.context / "Dockerfile").exists():
            raise ValueError(f"'{self.context}' has a Dockerfile already.")
        self.dockerfile_lines = [
            f"FROM {base_image}",
            *(f"LABEL {name}={value}" for name, value in IMAGE_LABELS.items()),
        ]

    def __enter__(self) -> Self:
        """Keep the folder until the `with` statement ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder, if it was made."""
        if self.temporary_directory is not None:
            self.temporary_directory.cleanup()

    def add_line(self, line: str) -> None:
        """Add a line to the Dockerfile."""
        self.add_lines([line])

    def add_lines(self, lines: Iterable[str]) -> None:
        """Add lines to the Dockerfile."""
        self.dockerfile_lines.extend(lines)

    def copy(self, source: str | Path, destination: str | PurePosixPath) -> None:
        """
        Copy a file or folder into the image.

        Raises:
            ValueError: It does not lie in the base directory, or the context that was given does not hold it.
        """
        path = (self.base_directory / source).resolve()
        if not path.is_relative_to(self.base_directory.resolve()):
            raise ValueError(f"'{path}' does not lie in '{self.base_directory}', which files are copied from.")
        below = path.relative_to(self.base_directory.resolve())
        if self.temporary_directory is not None and path.is_dir():
            shutil.copytree(path, self.context / below, dirs_exist_ok=True)
        elif self.temporary_directory is not None:
            (self.context / below).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, self.context / below)
        elif not (self.context / below).exists():
            raise ValueError(f"There is no '{below}' in '{self.context}', from which the image is built.")
        self.add_line(f"COPY {below.as_posix()} {destination}")

    def write_text(self, text: str, destination: str | PurePosixPath) -> None:
        """Put a file with a text into the image."""
        name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
        (self.context / name).write_text(text, encoding="utf-8")
        self.add_line(f"COPY {name} {destination}")

    def build(self, pull: bool = False, stream_progress_to: TextIO | None = None) -> str:
        """
        Build the image.

        Args:
            pull: Whether a newer version of the base image is looked for.
            stream_progress_to: Where what the build says goes.

        Returns:
            The id of the image.

        Raises:
            BuildError: The build failed, or there is no `docker` command.
        """
        dockerfile = self.context / "Dockerfile"
        dockerfile.write_text("\n".join(self.dockerfile_lines) + "\n", encoding="utf-8")
        try:
            return build_image(self.context, platform=self.platform, pull=pull, stream_progress_to=stream_progress_to)
        finally:
            dockerfile.unlink()

    # -- for tests of what builds images

    def _index(self, line: str) -> int:
        if line not in self.dockerfile_lines:
            raise AssertionError(f"The Dockerfile has no line {line!r}:\n" + "\n".join(self.dockerfile_lines))
        return self.dockerfile_lines.index(line)

    def assert_has_line(self, line: str) -> None:
        """Raise AssertionError unless the Dockerfile has a line."""
        self._index(line)

    def assert_line_absent(self, line: str) -> None:
        """Raise AssertionError if the Dockerfile has a line."""
        if line in self.dockerfile_lines:
            raise AssertionError(f"The Dockerfile has the line {line!r}.")

    def assert_line_before(self, first: str, second: str) -> None:
        """Raise AssertionError unless the Dockerfile has both lines, one before the other."""
        if self._index(first) > self._index(second):
            raise AssertionError(f"In the Dockerfile {first!r} is not before {second!r}.")

    def assert_line_after(self, second: str, first: str) -> None:
        """Raise AssertionError unless the Dockerfile has both lines, one after the other."""
        self.assert_line_before(first, second)

    def assert_has_file(self, source: Path, container_path: PurePosixPath) -> None:
        """Raise AssertionError unless a file is copied to a place in the image as it is."""
        copies = [line.split() for line in self.dockerfile_lines if line.startswith("COPY ")]
        names = [name for _, name, place in copies if place == str(container_path)]
        if not names or (self.context / names[-1]).read_bytes() != source.read_bytes():
            raise AssertionError(f"'{source}' is not copied to {container_path} as it is.")
