"""Images of containers in which flows run."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.docker.docker_image import DockerImage

__all__ = lazy.install(globals(), {"DockerImage": "prefect.docker.docker_image"})  # noqa: PLE0605 - a list
