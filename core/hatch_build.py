"""Puts the template of plugins into the wheel: from the repository, or from the sdist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling asks it before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """
        Add the template.

        Args:
            version: How the wheel is built; an editable one needs no copy.
            build_data: What is built.

        Raises:
            FileNotFoundError: The template is in neither place.
        """
        if version == "editable":
            return
        places = [Path(self.root, name) for name in ("cookiecutter", "../cookiecutter")]
        for place in places:
            if (place / "cookiecutter.json").is_file():
                build_data["force_include"][str(place)] = "prefect/_plugin_template"
                return
        raise FileNotFoundError(f"The template of plugins is in none of {', '.join(map(str, places))}.")
