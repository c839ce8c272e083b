"""The orchestrator itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.administration import ServerDefaultResultStorage, ServerDefaultResultStorageUpdate

__all__ = [
    "check_health",
    "check_readiness",
    "clear_server_default_result_storage",
    "hello",
    "read_admin_version",
    "read_server_default_result_storage",
    "read_settings",
    "read_version",
    "update_server_default_result_storage",
]

API_VERSION = "0.8.4"
"""The version of the REST contract that is answered."""

SPOKEN_VERSION = "3.8.8"
"""The version of Prefect whose contract it is. Its clients go away from a server that says that it has another one."""

_STORAGE_KEY = "default_result_storage"
_STORAGE_FIELD = "default_result_storage_block_id"


@read_only
def check_health(work: UnitOfWork) -> bool:
    """Say whether the database answers."""
    return bool(work.connection.execute(select(1)).scalar_one() == 1)


@read_only
def check_readiness(work: UnitOfWork) -> dict[str, str]:
    """Say that the database answers."""
    check_health(work)
    return {"message": "OK"}


@read_only
def hello(work: UnitOfWork) -> str:
    """Say hello."""
    return "👋"


@read_only
def read_version(work: UnitOfWork) -> str:
    """Read the version of the REST contract."""
    return API_VERSION


@read_only
def read_admin_version(work: UnitOfWork) -> str:
    """Read the version of the product."""
    import prefect

    return prefect.__version__


@read_only
def read_settings(work: UnitOfWork) -> dict[str, Any]:
    """
    Read the settings of the orchestrator.

    Raises:
        Refusal: Always: in this process they are those of the process itself.
    """
    raise Refusal(
        501,
        "An orchestrator in this process has this process's settings: prefect.settings.get_current_settings().",
    )


@read_only
def read_server_default_result_storage(work: UnitOfWork) -> ServerDefaultResultStorage:
    """Read which storage block results are kept in by default."""
    from prefect._contract.administration import ServerDefaultResultStorage

    row = records.read(work.connection, tables.configuration, key=_STORAGE_KEY)
    return ServerDefaultResultStorage.model_validate({} if row is None else row["value"])


def update_server_default_result_storage(
    work: UnitOfWork, body: ServerDefaultResultStorageUpdate
) -> ServerDefaultResultStorage:
    """Set which storage block results are kept in by default."""
    block: UUID = body.default_result_storage_block_id
    if records.read(work.connection, tables.block_document, id=block) is None:
        raise not_found("block document", id=block)
    clear_server_default_result_storage(work)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "key": _STORAGE_KEY,
        "value": {_STORAGE_FIELD: str(block)},
    }
    records.create(work.connection, tables.configuration, values)
    return read_server_default_result_storage(work)


def clear_server_default_result_storage(work: UnitOfWork) -> None:
    """Keep results in no particular storage block by default."""
    records.remove(work.connection, tables.configuration, key=_STORAGE_KEY)
