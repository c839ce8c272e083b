"""The image that a deployment's runs are started with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, TextIO

from prefect.settings import get_current_settings
from prefect.utilities.dockerutils import (
    build_image,
    generate_default_dockerfile,
    parse_image_tag,
    push_reference,
    split_repository_path,
)
from prefect.utilities.slugify import slugify
from prefect.utilities.time import now

__all__ = ["DockerImage"]


class DockerImage:
    """
    An image: its name, and how it is built.

    Args:
        name: Its name, with the registry, if it has one: `ghcr.io/acme/etl`. One without a registry is put below
            PREFECT_DEPLOYMENTS_DEFAULT_DOCKER_BUILD_NAMESPACE. It may end with the tag.
        tag: Its tag; the current time without.
        dockerfile: The Dockerfile; one is made for the project by default.
        stream_progress_to: Where what the build and the push say goes; to the output by default.
        build_backend: How it is built: by the command `docker build`, or by `docker buildx build`.
        build_kwargs: Further options of that command; `context` is the folder that is given to it.

    Raises:
        ValueError: Two tags are given.
    """

    def __init__(
        self,
        name: str,
        tag: str | None = None,
        dockerfile: str = "auto",
        stream_progress_to: TextIO | None = None,
        build_backend: Literal["docker-py", "buildx"] = "docker-py",
        **build_kwargs: Any,
    ) -> None:
        if build_backend not in {"docker-py", "buildx"}:
            raise ValueError(f"Invalid build_backend: {build_backend!r}. Give 'docker-py' or 'buildx'.")
        repository, own_tag = parse_image_tag(name)
        if tag and own_tag:
            raise ValueError(f"Only one tag can be provided - both {own_tag!r} and {tag!r} were provided as tags.")
        namespace, _ = split_repository_path(repository)
        default = get_current_settings().deployments.default_docker_build_namespace
        self.name = repository if namespace or not default else f"{default.rstrip('/')}/{repository}"
        self.tag = tag or own_tag or slugify(now().isoformat())
        self.dockerfile = dockerfile
        self.stream_progress_to = stream_progress_to or sys.stdout
        self.build_backend = build_backend
        self.build_kwargs = build_kwargs

    @property
    def reference(self) -> str:
        """What it is pulled by: `ghcr.io/acme/etl:1.2`."""
        return f"{self.name}{'@' if self.tag.startswith('sha256:') else ':'}{self.tag}"

    def build(self) -> None:
        """
        Build it.

        Raises:
            BuildError: The build failed, or there is no `docker` command.
            RuntimeError: A Dockerfile should be made, and there is one already.
        """
        options = {**self.build_kwargs}
        context = Path(options.pop("context", Path.cwd()))
        if self.dockerfile != "auto":
            self._build(context, self.dockerfile, options)
            return
        with generate_default_dockerfile(context):
            self._build(context, "Dockerfile", options)

    def _build(self, context: Path, dockerfile: str, options: dict[str, Any]) -> None:
        options = {"pull": True, **options, "tag": self.reference, "stream_progress_to": self.stream_progress_to}
        build_image(context, dockerfile, buildx=self.build_backend == "buildx", **options)

    def push(self) -> None:
        """
        Push it to its registry.

        Raises:
            PushError: The push failed, or there is no `docker` command.
        """
        push_reference(self.reference, self.stream_progress_to)

    def __repr__(self) -> str:
        return f"DockerImage(reference={self.reference!r})"
