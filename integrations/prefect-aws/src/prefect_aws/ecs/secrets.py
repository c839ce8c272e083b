"""Secrets of a flow run's environment: they are in Secrets Manager, and task definitions refer to them."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import anyio

from prefect.exceptions import InfrastructureError
from prefect_aws.ecs.calls import ask
from prefect_aws.ecs.errors import code_of, is_transient

__all__ = ["SECRET_VARIABLES", "SecretStore"]

SECRET_VARIABLES = frozenset(
    {
        "PREFECT_API_AUTH_STRING",
        "PREFECT_API_DATABASE_CONNECTION_URL",
        "PREFECT_API_DATABASE_PASSWORD",
        "PREFECT_API_KEY",
        "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL",
        "PREFECT_SERVER_DATABASE_PASSWORD",
    }
)
"""Environment variables that are never part of a request in clear."""


class SecretStore:
    """
    Keeps secrets for the tasks of a work pool.

    Each variable has one secret, and a task definition refers to one version of it: so definitions stay equal as long as
    the value does, and a new value does not change what tasks that are starting get.

    Args:
        client: A client of Secrets Manager.
        pool: The name of the work pool.
    """

    def __init__(self, client: Any, pool: str) -> None:
        self._client = client
        self._pool = re.sub(r"[^A-Za-z0-9/_+=.@-]+", "-", pool)
        self._known: dict[tuple[str, bytes], str] = {}
        self._lock = anyio.Lock()

    async def reference(self, variable: str, value: str) -> str:
        """
        What a task definition refers to a value by, which is stored unless it is.

        Args:
            variable: The environment variable.
            value: Its value.

        Raises:
            prefect.exceptions.InfrastructureError: It may not be stored.
        """
        key = (variable, hashlib.sha256(value.encode()).digest())
        async with self._lock:
            if key not in self._known:
                name = f"prefect/{self._pool}/{variable}"
                try:
                    self._known[key] = await self._stored(name, value)
                except Exception as error:
                    if is_transient(error):
                        raise
                    remedy = {
                        "PREFECT_API_KEY": " Or name one that is there: the job variable `prefect_api_key_secret_arn`.",
                        "PREFECT_API_AUTH_STRING": " Or name one that is there: the job variable "
                        "`prefect_api_auth_string_secret_arn`.",
                    }.get(variable, "")
                    raise InfrastructureError(
                        f"{variable} is a secret, and the worker could not store it as {name!r} in Secrets Manager. Let it "
                        f"create, read and update secrets that begin with 'prefect/'.{remedy} ({error})"
                    ) from error
            return self._known[key]

    async def _stored(self, name: str, value: str) -> str:
        try:
            found = await ask(self._client.get_secret_value, SecretId=name)
        except Exception as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            found = await ask(self._client.create_secret, Name=name, SecretString=value)
        else:
            if found.get("SecretString") != value:
                found = await ask(self._client.put_secret_value, SecretId=name, SecretString=value)
        return f"{found['ARN']}:::{found['VersionId']}"
