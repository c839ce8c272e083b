"""What tests of workers need: an ECS whose tasks are processes of this machine."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

if TYPE_CHECKING:
    from prefect_aws.testing.ecs import FakeEcs

__all__ = install(globals(), {"FakeEcs": "prefect_aws.testing.ecs"})  # noqa: PLE0605 - it is a list
