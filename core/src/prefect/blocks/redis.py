"""Files in Redis, at the path by which they are known. The block is one of `prefect.filesystems`, and loaded when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.filesystems.redis import RedisStorageContainer  # noqa: TC004 - loaded when it is used

__all__ = ["RedisStorageContainer"]

lazy.install(globals(), {"RedisStorageContainer": "prefect.filesystems.redis"})
