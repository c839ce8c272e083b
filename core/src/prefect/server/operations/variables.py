"""Variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.artifacts import Variable
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.object_events import tell_of_record
from prefect.server.operations.refusals import already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.settings import VariableCreate, VariableUpdate
    from prefect._contract.filters.variables import VariableFilter
    from prefect._contract.sorting import VariableSort

__all__ = [
    "count_variables",
    "create_variable",
    "delete_variable",
    "delete_variable_by_name",
    "read_variable",
    "read_variable_by_name",
    "read_variables",
    "update_variable",
    "update_variable_by_name",
]


def _read(work: UnitOfWork, **by: Any) -> dict[str, Any]:
    row = records.read(work.connection, tables.variable, **by)
    if row is None:
        raise not_found("variable", **by)
    return row


def _update(work: UnitOfWork, variable: dict[str, Any], body: VariableUpdate) -> None:
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    changes = {name: value for name, value in changes.items() if value is not None or name == "value"}
    name = changes.get("name", variable["name"])
    if name != variable["name"] and records.read(work.connection, tables.variable, name=name):
        raise already_exists("variable", name=name)
    records.revise(work.connection, tables.variable, variable["id"], **changes, updated=work.now)
    tell_of_record(work, "variable", "updated", {**variable, **changes})


def create_variable(work: UnitOfWork, body: VariableCreate) -> Variable:
    """Create a variable."""
    if records.read(work.connection, tables.variable, name=body.name):
        raise already_exists("variable", name=body.name)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": body.name,
        "value": body.value,
        "tags": body.tags or [],
    }
    records.create(work.connection, tables.variable, values)
    tell_of_record(work, "variable", "created", values)
    return Variable.model_validate(values)


@read_only
def read_variable(work: UnitOfWork, id: UUID) -> Variable:
    """Read a variable."""
    return Variable.model_validate(_read(work, id=id))


@read_only
def read_variable_by_name(work: UnitOfWork, name: str) -> Variable:
    """Read a variable by name."""
    return Variable.model_validate(_read(work, name=name))


def update_variable(work: UnitOfWork, id: UUID, body: VariableUpdate) -> None:
    """Change the fields of a variable that were given."""
    _update(work, _read(work, id=id), body)


def update_variable_by_name(work: UnitOfWork, name: str, body: VariableUpdate) -> None:
    """Change the fields of a variable that were given."""
    _update(work, _read(work, name=name), body)


def delete_variable(work: UnitOfWork, id: UUID) -> None:
    """Delete a variable."""
    _delete(work, _read(work, id=id))


def delete_variable_by_name(work: UnitOfWork, name: str) -> None:
    """Delete a variable."""
    _delete(work, _read(work, name=name))


def _delete(work: UnitOfWork, variable: dict[str, Any]) -> None:
    records.remove(work.connection, tables.variable, id=variable["id"])
    tell_of_record(work, "variable", "deleted", variable)


@read_only
def read_variables(
    work: UnitOfWork,
    variables: VariableFilter | None = None,
    sort: VariableSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Variable]:
    """List the selected variables."""
    variable = tables.variable
    order = records.order(variable, "NAME_ASC" if sort is None else sort.value)
    statement = select(variable).where(*filters.rows_where(variable, variables)).order_by(*order)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [Variable.model_validate(row) for row in records.read_all(work.connection, variable, page)]


@read_only
def count_variables(work: UnitOfWork, variables: VariableFilter | None = None) -> int:
    """Count the selected variables."""
    return records.count(work.connection, tables.variable, filters.rows_where(tables.variable, variables))
