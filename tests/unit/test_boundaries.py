"""Distributions beside the core use what the core says is public, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("plugins", "integrations") for path in (ROOT / folder).glob("*/src/**/*.py"))


def imports_of(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def test_there_are_modules_to_look_at() -> None:
    assert any("prefect_postgres" in path.parts for path in MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_private_of_the_core_is_imported(path: Path) -> None:
    private = [name for name in imports_of(path) if name.startswith("prefect._")]
    assert private == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "plugin.py"], ids=lambda path: path.parent.name
)
def test_the_module_that_is_always_loaded_imports_nothing_that_costs(path: Path) -> None:
    assert {name.rpartition(".")[0] for name in imports_of(path)} <= {"__future__", "prefect.plugins"}
