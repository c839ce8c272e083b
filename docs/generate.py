"""
Writes the pages of `reference/` that say what the code says: run `python docs/generate.py` after changing it.

A test fails when a page is not what would be written now. With `--check` nothing is written; pages that differ are named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generators import cli, hooks, python_api, rest, settings

REFERENCE = HERE / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli.render,
    "hooks.md": hooks.render,
    "settings.md": settings.render,
    "python-api.md": python_api.render,
    "rest-api.md": rest.render,
}
"""The pages, by file name, and what makes their text."""


def outdated() -> list[str]:
    """The pages that say something else than the code."""
    return [
        name
        for name, render in PAGES.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != render()
    ]


def main(arguments: list[str]) -> int:
    """Write the pages that are not up to date, or name them."""
    names = outdated()
    if "--check" in arguments:
        print("\n".join(f"docs/reference/{name} is not up to date: run `python docs/generate.py`" for name in names))
        return len(names)
    for name in names:
        (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
