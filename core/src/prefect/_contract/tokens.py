"""API tokens: who may ask an orchestrator what. An addition to the public contract."""

from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import ActionBaseModel, Moment, ObjectBaseModel, PrefectBaseModel
from prefect.types.names import Name

__all__ = ["ApiToken", "ApiTokenCreate", "ApiTokenCreated", "AuditEntry", "TokenScope"]


class TokenScope(str, Enum):
    """
    What a token allows. Each scope includes those before it.

    - read: see everything but secrets;
    - run: what it takes to run flows: create runs, report states, logs and artifacts, read secrets;
    - write: change deployments, blocks, variables, work pools, automations and limits, and delete things;
    - admin: the settings of the server, its tokens and its audit trail.
    """

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"

    def is_among(self, scopes: "Iterable[TokenScope]") -> bool:
        """Whether some scopes include this one."""
        order = list(TokenScope)
        return any(order.index(scope) >= order.index(self) for scope in scopes)


class ApiTokenCreate(ActionBaseModel):
    """
    Asks for a token.

    Args:
        name: What the audit trail calls who has it.
        scopes: What it allows.
        work_pool_name: The only work pool that it may be used for.
        expires_at: When it is good no longer; never if None.
    """

    name: Name
    scopes: Annotated[list[TokenScope], Field(min_length=1)]
    work_pool_name: str | None = None
    expires_at: Moment | None = None


class ApiToken(ObjectBaseModel):
    """A token, without its secret."""

    name: str
    scopes: list[TokenScope]
    work_pool_name: str | None = None
    expires_at: Moment | None = None
    last_used: Moment | None = None


class ApiTokenCreated(ApiToken):
    """A token that was just made. Its secret is told this once, and cannot be found out again."""

    secret: Annotated[str, Field(repr=False)]


class AuditEntry(PrefectBaseModel):
    """
    One change that somebody has made.

    Args:
        id: Names the entry.
        occurred: When it was made.
        actor: By whom: the name of a token or user; `anonymous` where nobody needs to say who it is.
        action: Which operation made it: `update_deployment`.
        address: From which address it was asked for.
        resource: The path of what was changed: `/deployments/<id>`.
        details: `before` and `after`: what of the record was changed, as far as it can be read.
    """

    id: UUID
    occurred: Moment
    actor: str
    action: str
    address: str | None = None
    resource: str | None = None
    details: dict[str, Any] | None = None
