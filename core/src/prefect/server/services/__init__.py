"""
The loops of a server: what happens although nobody asks for it.

A loop is a `Service`: now and then it looks whether there is something to do, and does a bounded part of it in one
transaction. A lease in the database lets one of several servers do so at a time; if that one dies, another takes over.
"""

from __future__ import annotations

from prefect.server.services.service import Service

__all__ = ["SERVICES"]

SERVICES: tuple[Service, ...] = ()
"""All loops."""
