"""The registries, one for each family of things that plugins provide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.blocks.core import Block
    from prefect.filesystems import WritableFileSystem
    from prefect.locking.protocol import LockManager
    from prefect.serializers import Serializer
    from prefect.task_runners import TaskRunner

__all__ = [
    "blocks",
    "cli",
    "deployment_steps",
    "lock_managers",
    "notifiers",
    "result_storages",
    "serializers",
    "server_backends",
    "server_pages",
    "settings",
    "task_runners",
    "workers",
]

task_runners: Registry[type[TaskRunner[Any]]] = Registry("task_runners")
result_storages: Registry[Callable[[str], WritableFileSystem]] = Registry("result_storages")
serializers: Registry[type[Serializer[Any]]] = Registry("serializers", base="prefect.serializers:Serializer")
lock_managers: Registry[type[LockManager]] = Registry("lock_managers")
blocks: Registry[type[Block]] = Registry("blocks", base="prefect.blocks.core:Block")
workers: Registry[type[Any]] = Registry("workers", base="prefect.workers.base:BaseWorker")
notifiers: Registry[type[Any]] = Registry("notifiers")
deployment_steps: Registry[Callable[..., Any]] = Registry("deployment_steps")
cli: Registry[Any] = Registry("cli")
server_backends: Registry[Any] = Registry("server_backends")
server_pages: Registry[Callable[[str], Any]] = Registry("server_pages")
settings: Registry[type[Any]] = Registry("settings")
