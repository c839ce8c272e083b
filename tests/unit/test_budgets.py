"""The budgets of the code base: sizes, what an import loads and costs, and how much is installed."""

from __future__ import annotations

import ast
import json
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "core/src/prefect").rglob("*.py"))

MAY_BE_LONG = {
    "tasks.py": "one class whose signatures the contract fixes, three times over",
    "transactions.py": "both colours of one protocol, with the contract's docstrings",
}
"""Modules beyond the limit, each with its reason."""


def functions_of(path: Path) -> list[tuple[str, int]]:
    """Names and lengths of the functions of a module, docstrings and signatures not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            found.append((node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1))
    return found


def test_modules_are_small() -> None:
    lengths = {path: path.read_text().count("\n") for path in MODULES}
    long = {
        str(path.relative_to(ROOT)): length
        for path, length in lengths.items()
        if length > 600 and path.name not in MAY_BE_LONG
    }
    assert not long
    assert statistics.median(lengths.values()) < 150


def test_functions_are_small() -> None:
    lengths = [(f"{path.name}:{name}", length) for path in MODULES for name, length in functions_of(path)]
    assert [(name, length) for name, length in lengths if length > 60] == []
    assert statistics.median(length for _, length in lengths) < 10


HEAVY = {"sqlalchemy", "httpx", "typer", "fastapi", "jinja2", "cryptography", "yaml", "rich", "pluggy", "cloudpickle"}

PROBE = """
import json, sys, time
began = time.process_time()
{statement}
cost = time.process_time() - began
print(json.dumps({{"cost": cost, "modules": sorted({{name.partition(".")[0] for name in sys.modules}}),
                   "count": len(sys.modules)}}))
"""


def probe(statement: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_import_loads_nothing_heavy() -> None:
    loaded = probe("from prefect import flow, task")
    assert HEAVY.isdisjoint(loaded["modules"])
    assert "importlib_metadata" not in loaded["modules"]


def test_the_import_costs_little_more_than_what_it_builds_on() -> None:
    # Taken in turns, the least of several: other processes share the machine.
    floor, ours = [], []
    for _ in range(5):
        floor.append(probe("import pydantic, anyio; pydantic.BaseModel; pydantic.TypeAdapter")["cost"])
        ours.append(probe("from prefect import flow, task")["cost"])
    assert min(ours) <= 1.5 * min(floor), f"{min(ours):.3f} s against {min(floor):.3f} s"


def requirements(name: str, seen: set[str]) -> None:
    """Add a distribution and all that it requires, without extras."""
    from packaging.requirements import Requirement

    key = name.lower().replace("_", "-").replace(".", "-")
    if key in seen:
        return
    try:
        found = distribution(name)
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed")
    seen.add(key)
    for text in found.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            requirements(requirement.name, seen)


def test_few_distributions_are_installed() -> None:
    seen: set[str] = set()
    requirements("prefect-core", seen)
    assert len(seen) <= 42, sorted(seen)


def test_few_more_make_the_whole_product() -> None:
    seen: set[str] = set()
    requirements("prefect", seen)
    assert len(seen) <= 55, sorted(seen)
