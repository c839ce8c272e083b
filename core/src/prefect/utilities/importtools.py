"""Imports: of objects by their names, of scripts, lazily, and under other names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Optional

from prefect.exceptions import ScriptError

__all__ = [
    "AliasedModuleDefinition",
    "AliasedModuleFinder",
    "AliasedModuleLoader",
    "DelayedImportErrorModule",
    "from_qualified_name",
    "import_object",
    "lazy_import",
    "load_module",
    "load_script_as_module",
    "safe_load_namespace",
    "to_qualified_name",
]

_loading = threading.RLock()


def to_qualified_name(obj: Any) -> str:
    """The name that `from_qualified_name` finds a class or function by: `module.name`."""
    return f"{obj.__module__}.{obj.__qualname__}"


def from_qualified_name(name: str) -> Any:
    """
    The object of a name: a module, or something in one, in a class of one and so on.

    Raises:
        ModuleNotFoundError: There is no such module.
        AttributeError: The module has no such attribute.
    """
    steps = name.split(".")
    for count in range(len(steps), 0, -1):
        module_name = ".".join(steps[:count])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # Only if this very module is missing: one that it imports is another matter.
            if count == 1 or not (error.name and f"{module_name}.".startswith(f"{error.name}.")):
                raise
            continue
        for step in steps[count:]:
            found = getattr(found, step)
        return found
    message = f"{name!r} is no name of a module."
    raise ModuleNotFoundError(message)


def load_script_as_module(path: str) -> ModuleType:
    """
    Run a file as a module, anew each time. What lies beside it can be imported by it, also later.

    Args:
        path: The file.

    Raises:
        ScriptError: It raised an exception, or cannot be read.
    """
    file = Path(path).resolve()
    with _loading:
        directory = str(file.parent)
        if directory not in sys.path:
            # Functions of the script may import from there when they are called, so it stays.
            sys.path.insert(0, directory)
        name = _script_module_name(file)
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ScriptError(user_exc=ImportError(f"{file.name} is not a Python file"), path=path)
        module = importlib.util.module_from_spec(spec)
        before = sys.modules.get(name)
        # Pickles and dataclasses look for the module of a class there.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            if before is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = before
            raise ScriptError(user_exc=error, path=path) from error
        return module


def _script_module_name(file: Path) -> str:
    """The name of a file's module: its own, by which other processes find it too, unless another module has it."""
    name = file.stem
    loaded = sys.modules.get(name)
    origin = getattr(loaded, "__file__", None)
    if name.isidentifier() and (loaded is None or (origin is not None and Path(origin).resolve() == file)):
        spec = importlib.util.find_spec(name) if loaded is None else None
        if loaded is not None or spec is None or (spec.origin is not None and Path(spec.origin).resolve() == file):
            return name
    from prefect.utilities.hashing import stable_hash

    return f"__prefect_loader_{stable_hash(str(file))[:16]}__"


def load_module(module_name: str) -> ModuleType:
    """
    Import a module, which may also lie in the working directory.

    Raises:
        ModuleNotFoundError: There is none.
    """
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    return importlib.import_module(module_name)


def import_object(import_path: str) -> Any:
    """
    Import something from a file (`path/to/file.py:name`) or from a module (`module.name` or `module:name`).

    Raises:
        ValueError: The path is of another form.
        ScriptError: The file raised an exception.
        ModuleNotFoundError: There is no such module.
        AttributeError: There is no such name in it.
    """
    if ".py:" in import_path:
        script, _, name = import_path.rpartition(":")
        found: Any = load_script_as_module(script)
    else:
        module_name, separator, name = import_path.rpartition(":" if ":" in import_path else ".")
        if not separator:
            message = (
                f"Invalid format for object import. Received {import_path!r}. "
                "Give 'path/to/file.py:name', 'module:name' or 'module.name'."
            )
            raise ValueError(message)
        found = load_module(module_name)
    for step in name.split("."):
        found = getattr(found, step)
    return found


class DelayedImportErrorModule(ModuleType):
    """
    Stands for a module that is missing: using it raises.

    Args:
        error_message: What is missing.
        help_message: What to do.
    """

    def __init__(self, error_message: str, help_message: Optional[str] = None) -> None:
        super().__init__("DelayedImportErrorModule")
        self.__error_message = error_message
        self.__help_message = help_message

    def __getattr__(self, attr: str) -> Any:
        if attr.startswith("__"):  # what Python itself looks for in any module
            raise AttributeError(attr)
        message = self.__error_message + (f"\n{self.__help_message}" if self.__help_message else "")
        raise ModuleNotFoundError(message)


def lazy_import(name: str, error_on_import: bool = False, help_message: Optional[str] = None) -> ModuleType:
    """
    A module that is imported when it is first used.

    Args:
        name: The module.
        error_on_import: Whether to raise at once if it is missing; else using it does.
        help_message: What to do if it is missing.

    Raises:
        ModuleNotFoundError: It is missing, and `error_on_import` is on.
    """
    if name in sys.modules:
        return sys.modules[name]
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the package that it would be in
        spec = None
    if spec is None or spec.loader is None:
        error_message = f"No module named {name!r}."
        if error_on_import:
            raise ModuleNotFoundError(error_message + (f"\n{help_message}" if help_message else ""))
        return DelayedImportErrorModule(error_message, help_message)
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


class AliasedModuleDefinition(NamedTuple):
    """
    A name under which a module can be imported, besides its own.

    Args:
        alias: That name.
        real: Its own.
        callback: Called with the alias when the module is imported under it.
    """

    alias: str
    real: str
    callback: Optional[Callable[[str], None]]


class AliasedModuleFinder(MetaPathFinder):
    """
    Finds modules under other names. It works once it is in `sys.meta_path`.

    Args:
        aliases: The names.
    """

    def __init__(self, aliases: Iterable[AliasedModuleDefinition]) -> None:
        self.aliases = list(aliases)

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        """The specification of an alias, or of a module below one; None for other names."""
        for definition in self.aliases:
            if fullname == definition.alias or fullname.startswith(f"{definition.alias}."):
                real = fullname.replace(definition.alias, definition.real, 1)
                real_spec = importlib.util.find_spec(real)
                if real_spec is None:
                    return None
                loader = AliasedModuleLoader(fullname, definition.callback, real_spec)
                return ModuleSpec(fullname, loader, origin=real_spec.origin, is_package=real_spec.loader is not None)
        return None


class AliasedModuleLoader(Loader):
    """
    Loads a module under another name.

    Args:
        alias: That name.
        callback: Called with it.
        real_spec: The module's own specification.
    """

    def __init__(self, alias: str, callback: Optional[Callable[[str], None]], real_spec: ModuleSpec) -> None:
        self.alias = alias
        self.callback = callback
        self.real_spec = real_spec

    def exec_module(self, module: ModuleType) -> None:
        """Import the module under its own name, and let the alias stand for it."""
        real = importlib.import_module(self.real_spec.name)
        if self.callback is not None:
            self.callback(self.alias)
        sys.modules[self.alias] = real


def safe_load_namespace(source_code: str, filepath: Optional[str] = None) -> dict[str, Any]:
    """
    Define what a source defines, as far as that is possible: what fails, such as missing imports, is left out.

    Statements that define nothing, and what is under `if __name__ == "__main__"`, are not executed.

    Args:
        source_code: The source.
        filepath: The file that it is from: what lies beside it can be imported.

    Returns:
        The names that it defines, with their values.
    """
    import ast

    namespace: dict[str, Any] = {"__name__": "prefect_safe_namespace_loader"}
    if filepath is not None:
        namespace["__file__"] = filepath
        namespace["__name__"] = Path(filepath).stem
    module = ModuleType(namespace["__name__"])
    directory = str(Path(filepath).resolve().parent) if filepath is not None else None
    before = sys.path[:]
    if directory is not None and directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        # Classes look for their module.
        with _in_sys_modules(module):
            for statement in ast.parse(source_code).body:
                if _defines(statement):
                    _execute(statement, namespace, filepath)
    finally:
        sys.path[:] = before
    return namespace


class _in_sys_modules:  # noqa: N801 - used like a function
    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __enter__(self) -> None:
        self._before = sys.modules.get(self._module.__name__)
        sys.modules[self._module.__name__] = self._module

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            sys.modules.pop(self._module.__name__, None)
        else:
            sys.modules[self._module.__name__] = self._before


def _defines(statement: Any) -> bool:
    import ast

    if isinstance(statement, ast.If):
        test = statement.test
        return not (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__")
    kinds = (
        *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
        *(ast.Assign, ast.AnnAssign, ast.Try, ast.With, *([ast.TypeAlias] if hasattr(ast, "TypeAlias") else [])),
    )
    return isinstance(statement, kinds)


def _execute(statement: Any, namespace: dict[str, Any], filepath: Optional[str]) -> None:
    import ast

    code = compile(ast.Module([statement], type_ignores=[]), filepath or "<source>", "exec")
    try:
        exec(code, namespace)  # noqa: S102 - the user's own source
    except Exception:
        return  # what depends on it is left out as well
