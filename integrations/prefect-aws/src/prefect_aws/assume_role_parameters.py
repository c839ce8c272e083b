"""How a role is assumed."""

from typing import Any, Optional

from pydantic import BaseModel, Field

__all__ = ["AssumeRoleParameters"]


class AssumeRoleParameters(BaseModel):
    """The arguments of AssumeRole of the Security Token Service, by its names; all of them may be left out."""

    RoleSessionName: Optional[str] = Field(default=None, description="A name by which the session is told from others.")
    DurationSeconds: Optional[int] = Field(default=None, description="For how many seconds credentials are valid.")
    Policy: Optional[str] = Field(default=None, description="A policy, as JSON, that limits what may be done.")
    PolicyArns: Optional[list[dict[str, str]]] = Field(
        default=None, description="Managed policies that limit what may be done."
    )
    Tags: Optional[list[dict[str, str]]] = Field(default=None, description="Tags of the session.")
    TransitiveTagKeys: Optional[list[str]] = Field(default=None, description="Tags that further sessions inherit.")
    ExternalId: Optional[str] = Field(default=None, description="What the owner of the role wants to be told.")
    SerialNumber: Optional[str] = Field(default=None, description="The device of multi-factor authentication.")
    TokenCode: Optional[str] = Field(default=None, description="What that device shows.")
    SourceIdentity: Optional[str] = Field(default=None, description="Who assumes the role.")
    ProvidedContexts: Optional[list[dict[str, str]]] = Field(
        default=None, description="Assertions of trusted context providers."
    )

    def get_params_override(self) -> dict[str, Any]:
        """What was given, as arguments of AssumeRole."""
        return self.model_dump(exclude_none=True)
