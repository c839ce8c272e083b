"""The command line: `prefect`."""

from __future__ import annotations

from prefect.cli.app import app, main

__all__ = ["app", "main"]
