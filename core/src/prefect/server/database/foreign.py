"""Databases of Prefect 3, which may already be where ours would be: they are left as they are."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from sqlalchemy.engine import make_url

__all__ = ["is_foreign", "own_url"]

OWN_NAME = "prefect-4.db"

logger = logging.getLogger("prefect.database")


def is_foreign(path: Path) -> bool:
    """Whether a file is a database that another product has laid out."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return False  # what is wrong with it is said by whoever opens it
    try:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    return "alembic_version" in names and "schema_version" not in names


def own_url(url: str, home: Path) -> str:
    """
    The URL of the database to use: another file in the home if the usual one belongs to Prefect 3.

    Args:
        url: The URL that settings say.
        home: The home directory. Only its own `prefect.db` is replaced; a file that somebody chose is not.
    """
    parsed = make_url(url)
    usual = home / "prefect.db"
    if parsed.get_backend_name() != "sqlite" or not parsed.database or Path(parsed.database) != usual:
        return url
    if not is_foreign(usual):
        return url
    logger.info("%s belongs to Prefect 3 and is left as it is; runs are recorded in %s.", usual, home / OWN_NAME)
    return parsed.set(database=str(home / OWN_NAME)).render_as_string(hide_password=False)
