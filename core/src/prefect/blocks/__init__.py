"""Blocks: configuration that is stored with the orchestrator, typed, its secrets kept apart from what is shown."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

if TYPE_CHECKING:
    from prefect.blocks import system as system

__all__ = install(globals(), {"system": "prefect.blocks.system"})  # noqa: PLE0605 - it is a list
