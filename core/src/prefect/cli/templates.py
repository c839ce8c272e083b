"""Job templates: those of files, and those of the types of workers that are installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect.cli.errors import CliError

__all__ = ["default_template", "read_template", "worker_class"]


def read_template(path: Path) -> dict[str, Any]:
    """
    The job template in a file.

    Raises:
        CliError: It cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CliError(f"What is in {str(path)!r} is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise CliError(f"{str(path)!r} must be a JSON object, with `job_configuration` and `variables`.")
    return content


def worker_class(kind: str) -> Any:
    """
    The class of workers of a type.

    Raises:
        prefect.plugins.errors.UnknownNameError: None is installed.
    """
    from prefect.plugins import registries

    return registries.workers.get(kind)


def default_template(kind: str) -> dict[str, Any]:
    """
    The job template of work pools of a type, unless somebody makes another.

    Raises:
        prefect.plugins.errors.UnknownNameError: No worker of this type is installed, so nobody here knows it.
    """
    template: dict[str, Any] = worker_class(kind).get_default_base_job_template()
    return template
