"""Deployment steps."""

from pathlib import Path


def fetch(directory: str) -> dict[str, str]:
    """
    Make the folder that flows begin in. Replace it by what fetches code.

    Args:
        directory: The folder.

    Returns:
        `directory`, for later steps.
    """
    Path(directory).mkdir(parents=True, exist_ok=True)
    return {"directory": directory}
