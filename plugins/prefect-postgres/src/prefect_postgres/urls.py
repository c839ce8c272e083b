"""
Reads connection URLs in all the forms in use: SQLAlchemy's with any driver, asyncpg's options, libpq's own.

What comes out are the parameters of libpq, which psycopg takes by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import psycopg
from psycopg.conninfo import make_conninfo

from prefect.exceptions import ConfigurationError

__all__ = ["Target", "read_url"]

SETTING = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


@dataclass(frozen=True)
class Target:
    """
    What to connect to.

    Args:
        parameters: The parameters of libpq.
        timeout: Seconds that a statement may take, if the URL says it.
        prepares: Whether the server may be asked to keep statements; not behind a pool that switches connections.
    """

    parameters: dict[str, Any] = field(repr=False)
    timeout: float | None = None
    prepares: bool = True

    @property
    def place(self) -> str:
        """The database, for people; without the password."""
        host = self.parameters.get("host") or "the default socket"
        port = self.parameters.get("port")
        at = f"{host}:{port}" if port and not str(host).startswith("/") else str(host)
        return f"the Postgres database '{self.parameters.get('dbname', '')}' at {at}"


_SSL = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}


def _ssl(value: str) -> tuple[str, str]:
    return "sslmode", _SSL.get(value.lower(), value)


_TRANSLATED: dict[str, Callable[[str], tuple[str, str]]] = {
    "ssl": _ssl,
    "timeout": lambda value: ("connect_timeout", str(max(1, round(float(value))))),
    "database": lambda value: ("dbname", value),
    "username": lambda value: ("user", value),
    "passwd": lambda value: ("password", value),
}
"""Options of asyncpg and SQLAlchemy that libpq knows by another name."""

_CACHES = frozenset({"prepared_statement_cache_size", "statement_cache_size"})


def read_url(url: str) -> Target:
    """
    What a connection URL names. The driver that it asks for is replaced by psycopg.

    Raises:
        prefect.exceptions.ConfigurationError: The URL cannot be read. The message does not contain it, as there may be
            a password in it.
    """
    try:
        return _read(url)
    except (ValueError, psycopg.Error) as error:
        raise ConfigurationError(
            f"{SETTING} cannot be read: {_without_values(error)}. Use postgresql://user:password@host:5432/database, "
            "with special characters percent-encoded, or postgresql:///database?host=/directory/of/the/socket."
        ) from None


def _without_values(error: Exception) -> str:
    """What is wrong, without what libpq quotes of the URL."""
    return str(error).partition(":")[0].strip().rstrip(".") or type(error).__name__


def _read(url: str) -> Target:
    rest = url.partition("://")[2]
    address, _, query = rest.partition("?")
    credentials, _, location = address.rpartition("@")  # the last one: in a password it may not have been encoded
    user, _, password = credentials.partition(":")
    servers, _, name = location.partition("/")
    parts = {"user": user, "password": password, "dbname": name}
    parameters: dict[str, Any] = {name: unquote(part) for name, part in parts.items() if part}
    hosts, ports = _hosts(servers)
    timeout, prepares = None, True
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if name == "host":
            more_hosts, more_ports = _hosts(value)
            hosts, ports = [*hosts, *more_hosts], [*ports, *more_ports]
        elif name == "port":
            ports = value.split(",")
        elif name == "command_timeout":
            timeout = float(value)
        elif name in _CACHES:
            prepares = prepares and value != "0"
        elif name != "async_fallback":  # of the driver that is replaced
            known, text = _TRANSLATED[name](value) if name in _TRANSLATED else (name, value)
            parameters[known] = text
    if hosts:
        parameters["host"] = ",".join(hosts)
    if any(ports):
        parameters["port"] = ",".join(ports)
    make_conninfo("", **parameters)  # names what libpq does not know
    return Target(parameters, timeout, prepares)


def _hosts(text: str) -> tuple[list[str], list[str]]:
    """The hosts of `one:5432,two:5433`, of `[::1]:5432`, or the directory of a socket; and their ports."""
    hosts: list[str] = []
    ports: list[str] = []
    for part in filter(None, text.split(",")):
        if part.startswith(("/", "%2F", "%2f")):
            hosts.append(unquote(part))
            ports.append("")
        elif part.startswith("["):
            host, _, rest = part[1:].partition("]")
            hosts.append(host)
            ports.append(rest.removeprefix(":"))
        else:
            host, _, port = part.partition(":")
            if port and not port.isdecimal():
                raise ValueError("a port is not a number")
            if host:
                hosts.append(unquote(host))
            ports.append(port)
    return hosts, ports
