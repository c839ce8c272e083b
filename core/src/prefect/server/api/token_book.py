"""The API tokens that are good, kept in memory, so that checking one costs nothing."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from prefect._contract.tokens import TokenScope
from prefect.server.api.actors import Actor
from prefect.server.database.queries import records
from prefect.server.database.tables import api_token
from prefect.server.operations.tokens import digest

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.server.api.performance import Performer
    from prefect.server.operations.work import UnitOfWork

__all__ = ["TokenBook"]

_logger = logging.getLogger("prefect.server.api")

_REFRESH_SECONDS = 5.0
"""For how long a token that was revoked on another server may still be good here."""

_USE_NOTED_EVERY = timedelta(minutes=1)


class TokenBook:
    """
    Knows the tokens.

    Args:
        performer: Reads them.
    """

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._actors: dict[str, tuple[Actor, datetime | None, UUID]] = {}
        self._used: dict[UUID, datetime] = {}

    def __bool__(self) -> bool:
        """Whether there are any tokens, also such as are good no longer: then nobody gets in without one."""
        return bool(self._actors)

    def find(self, secret: str) -> Actor | None:
        """Who has a token; None if it is not good."""
        found = self._actors.get(digest(secret))
        if found is None:
            return None
        actor, expires_at, identifier = found
        now = self._performer.clock()
        if expires_at is not None and expires_at <= now:
            return None
        self._used[identifier] = now
        return actor

    def refresh(self) -> None:
        """Read the tokens, on this thread."""
        self._actors = self._performer.do(_read, write=False)

    async def keep_fresh(self) -> None:
        """Read them again and again, and note when they were used."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            used, self._used = self._used, {}
            try:
                if used:
                    await self._performer.perform(partial(_note_use, used=used), write=True)
                self._actors = await self._performer.perform(_read, write=False)
            except Exception:
                _logger.warning("The tokens are those of a while ago, as they cannot be read now.", exc_info=True)


def _read(work: UnitOfWork) -> dict[str, tuple[Actor, datetime | None, UUID]]:
    found = {}
    for row in records.read_all(work.connection, api_token, select(api_token)):
        scopes = frozenset(TokenScope(scope) for scope in row["scopes"])
        actor = Actor(row["name"], scopes, row["work_pool_name"])
        found[row["digest"]] = (actor, row["expires_at"], row["id"])
    return found


def _note_use(work: UnitOfWork, used: dict[UUID, datetime]) -> None:
    for identifier, moment in used.items():
        is_old = (api_token.c.last_used.is_(None)) | (api_token.c.last_used < moment - _USE_NOTED_EVERY)
        work.connection.execute(update(api_token).where(api_token.c.id == identifier, is_old).values(last_used=moment))
