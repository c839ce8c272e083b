"""Building and pushing images with `docker buildx`; the names that published packages import."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

from prefect.utilities.dockerutils import build_image, push_reference

__all__ = ["buildx_build_image", "buildx_push_image"]


def buildx_build_image(
    context: Path,
    dockerfile: str = "Dockerfile",
    tag: str | None = None,
    extra_tags: list[str] | None = None,
    pull: bool = False,
    platform: str | None = None,
    stream_progress_to: TextIO | None = None,
    push: bool = False,
    **kwargs: Any,
) -> str:
    """
    Build an image with `docker buildx`, and return its id.

    Args:
        context: The folder that is given to the build.
        dockerfile: The Dockerfile, relative to that folder.
        tag: What the image is called.
        extra_tags: What it is called, too.
        pull: Whether newer versions of base images are looked for.
        platform: What it is built for; several with commas between.
        stream_progress_to: Where what the build says goes.
        push: Whether it is pushed when it is built.
        kwargs: Further options: see `prefect.utilities.dockerutils.build_image`.

    Raises:
        ValueError: The folder does not exist.
        prefect.utilities.dockerutils.BuildError: The build failed, or there is no `docker` command.
    """
    tags: Any = [each for each in (tag, *(extra_tags or ())) if each]
    return build_image(context, dockerfile, tags, pull, platform, stream_progress_to, push=push, buildx=True, **kwargs)


def buildx_push_image(name: str, tag: str | None = None, stream_progress_to: TextIO | None = None) -> None:
    """
    Push an image by its name.

    Raises:
        prefect.utilities.dockerutils.PushError: The push failed, or there is no `docker` command.
    """
    push_reference(f"{name}:{tag}" if tag else name, stream_progress_to)
