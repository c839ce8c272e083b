"""Variables: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.artifacts import Variable
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

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


def create_variable(variable: VariableCreate) -> Call[Variable]:
    """Create a variable."""
    return Call("POST", "/variables/", Variable, body=variable)


def read_variable(variable_id: UUID) -> Call[Variable]:
    """Read a variable by id."""
    return Call("GET", "/variables/{id}", Variable, {"id": variable_id})


def read_variable_by_name(name: str) -> Call[Variable]:
    """Read a variable by name."""
    return Call("GET", "/variables/name/{name}", Variable, {"name": name})


def update_variable(variable_id: UUID, variable: VariableUpdate) -> Call[None]:
    """Change a variable, found by id."""
    return Call("PATCH", "/variables/{id}", None, {"id": variable_id}, body=variable)


def update_variable_by_name(name: str, variable: VariableUpdate) -> Call[None]:
    """Change a variable, found by name."""
    return Call("PATCH", "/variables/name/{name}", None, {"name": name}, body=variable)


def delete_variable(variable_id: UUID) -> Call[None]:
    """Delete a variable by id."""
    return Call("DELETE", "/variables/{id}", None, {"id": variable_id})


def delete_variable_by_name(name: str) -> Call[None]:
    """Delete a variable by name."""
    return Call("DELETE", "/variables/name/{name}", None, {"name": name})


def read_variables(
    limit: int | None = None,
    offset: int = 0,
    variable_filter: VariableFilter | None = None,
    sort: VariableSort | None = None,
) -> Call[list[Variable]]:
    """List the selected variables."""
    body = given(variables=variable_filter, limit=limit, offset=offset, sort=sort)
    return Call("POST", "/variables/filter", list[Variable], body=body)


def count_variables(variable_filter: VariableFilter | None = None) -> Call[int]:
    """Count the selected variables."""
    return Call("POST", "/variables/count", int, body=given(variables=variable_filter))
