"""Where settings are found when nothing else is said."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEFAULT_PREFECT_HOME", "DEFAULT_PROFILES_PATH"]

DEFAULT_PREFECT_HOME = Path("~/.prefect")
"""The directory for everything that is kept: profiles, the database, results."""

DEFAULT_PROFILES_PATH = Path(__file__).parent / "profiles.toml"
"""The profiles that come with the product."""
