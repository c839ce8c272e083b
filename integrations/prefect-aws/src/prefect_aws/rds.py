"""How a server logs in to its database in RDS without a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from prefect_aws.settings import AwsSettings

__all__ = ["connection_params"]

_PORT = 5432


def connection_params(connection_url: str, *, is_encrypted: bool = False) -> dict[str, Any]:
    """
    Parameters of the database's driver: a password that is a token of IAM, made anew for each connection, as it is valid for
    15 minutes.

    Args:
        connection_url: The database. Nothing is done for one that is no PostgreSQL.
        is_encrypted: Whether something else says how connections are encrypted.

    Raises:
        ValueError: The URL does not say which host and which user.
    """
    settings, parts = AwsSettings().rds.iam, urlsplit(connection_url)
    if not settings.enabled or not parts.scheme.startswith("postgresql"):
        return {}
    if not parts.hostname or not parts.username:
        raise ValueError(
            "IAM authentication needs the host and the user of the database: postgresql://USER@HOST:PORT/NAME. "
            f"The URL is for host {parts.hostname!r} and user {parts.username!r}."
        )
    from boto3 import Session

    client = Session(region_name=settings.region_name).client("rds")
    whom = {"DBHostname": parts.hostname, "Port": parts.port or _PORT, "DBUsername": unquote(parts.username)}
    token = {"password": lambda: client.generate_db_auth_token(**whom)}
    # RDS refuses such a login without encryption; what says more about it must not be weakened.
    return token if is_encrypted or "sslmode" in parse_qs(parts.query) else {**token, "sslmode": "require"}
