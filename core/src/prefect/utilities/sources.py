"""Read what a file says of a function, without running the file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Definition", "find_definition"]


@dataclass(frozen=True, slots=True)
class Definition:
    """
    A function as it is written.

    Args:
        name: Its name.
        is_async: Whether it is `async def`.
        description: Its docstring.
        options: The keyword arguments of its decorator that are literals, by name.
        arguments: Its parameters.
        path: The file.
    """

    name: str
    is_async: bool
    description: str | None
    options: dict[str, Any]
    arguments: ast.arguments
    path: Path


def find_definition(entrypoint: str, decorator: str = "flow") -> Definition:
    """
    Find the function that an entrypoint names.

    Args:
        entrypoint: `path/to/file.py:function`, `path/to/file.py:Class.method` or `package.module:function`.
        decorator: The name of the decorator whose options are wanted.

    Raises:
        ValueError: There is no such file or module, or no such function in it.
    """
    place, separator, qualified_name = entrypoint.rpartition(":")
    if not separator:
        raise ValueError(f"The entrypoint {entrypoint!r} names no function: write 'path/to/file.py:function'.")
    path = _file_of(place)
    node: ast.AST = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for part in qualified_name.split("."):
        node = _member(node, part, entrypoint)
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise ValueError(f"{qualified_name!r} in {path} is not a function.")
    return Definition(
        name=node.name,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        description=ast.get_docstring(node),
        options=_options(node, decorator),
        arguments=node.args,
        path=path,
    )


def _file_of(place: str) -> Path:
    path = Path(place)
    if path.suffix == ".py" or path.exists():
        if not path.exists():
            raise ValueError(f"There is no file {place!r} here ({Path.cwd()}).")
        return path
    try:
        spec = find_spec(place)
    except (ImportError, ValueError) as error:
        raise ValueError(f"There is no module {place!r}: {error}") from error
    if spec is None or spec.origin is None:
        raise ValueError(f"There is no module {place!r} with a file.")
    return Path(spec.origin)


def _member(node: ast.AST, name: str, entrypoint: str) -> ast.AST:
    for child in getattr(node, "body", []):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and child.name == name:
            return child
    raise ValueError(f"Could not find {name!r} of the entrypoint {entrypoint!r}.")


def _options(node: ast.FunctionDef | ast.AsyncFunctionDef, decorator: str) -> dict[str, Any]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == decorator:
            return {keyword.arg: _literal(keyword.value) for keyword in call.keywords if keyword.arg is not None}
    return {}


def _literal(node: ast.expr) -> Any:
    """The value of a literal; the source of anything else."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
