"""The parameters of a connection: of the URL, of the options, of what each session needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg.pq

from prefect.server.database.dialects import ConnectionOptions, Encryption
from prefect_postgres.urls import Target

__all__ = ["parameters_of"]

_DEFAULTS: Mapping[str, Any] = {
    "application_name": "prefect",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}

_SESSION: Mapping[str, str] = {
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "DateStyle": "ISO",
    "idle_in_transaction_session_timeout": "60s",  # a process that is stopped must not keep others waiting
}

_TRUSTS_THE_SYSTEM = 160000
"""The version of libpq from which on it knows the authorities that the system trusts."""


def parameters_of(target: Target, options: ConnectionOptions) -> dict[str, Any]:
    """
    The parameters of libpq. What the URL says comes before what options say, and what plugins say before both.

    Values may be callable: then they are called for each connection.
    """
    parameters: dict[str, Any] = {**_DEFAULTS, **_of_options(options), **target.parameters, **options.extra()}
    session = dict(_SESSION)
    if options.search_path is not None:
        session["search_path"] = options.search_path
    timeout = options.timeout if target.timeout is None else target.timeout
    if timeout is not None:
        session["statement_timeout"] = f"{round(timeout * 1000)}"
        session["lock_timeout"] = f"{round(timeout * 500)}"  # sooner: then the transaction is tried again
    settings = " ".join(f"-c {name}={_quoted(value)}" for name, value in session.items())
    parameters["options"] = f"{settings} {parameters.get('options', '')}".strip()
    return parameters


def _quoted(value: str) -> str:
    """A value within `options`, where a space ends it."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _of_options(options: ConnectionOptions) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    if options.connection_timeout is not None:
        parameters["connect_timeout"] = max(1, round(options.connection_timeout))
    if options.application_name is not None:
        parameters["application_name"] = options.application_name
    if options.encryption is not None:
        parameters |= _of_encryption(options.encryption)
    return parameters


def _of_encryption(encryption: Encryption) -> dict[str, Any]:
    named = {"sslrootcert": encryption.ca_file, "sslcert": encryption.cert_file, "sslkey": encryption.key_file}
    parameters: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if encryption.ca_file is not None:
        parameters["sslmode"] = "verify-full" if encryption.check_hostname else "verify-ca"
    elif encryption.check_hostname and psycopg.pq.version() >= _TRUSTS_THE_SYSTEM:
        parameters |= {"sslmode": "verify-full", "sslrootcert": "system"}
    else:
        parameters["sslmode"] = "require"
    return parameters
