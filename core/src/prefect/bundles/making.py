"""Flows in bundles: the flow by value, the run, and what both need, as one JSON document."""

from __future__ import annotations

import base64
import gzip
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typing_extensions import NotRequired, TypedDict

from prefect.bundles.files import pack_files

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.flows import Flow

__all__ = [
    "BundleCreationResult",
    "SerializedBundle",
    "context_of_bundle",
    "create_bundle_for_flow_run",
    "extract_flow_from_bundle",
]


class SerializedBundle(TypedDict):
    """
    A flow run that can be executed where neither the flow's code nor what it was submitted from is.

    `function` and `context` are pickled, compressed and in base64; `dependencies` has a line `name==version` for each
    package that was installed; `files_key` says what the files that go with it are called in storage.
    """

    function: str
    context: str
    flow_run: dict[str, Any]
    dependencies: str
    files_key: NotRequired[str | None]


class BundleCreationResult(TypedDict):
    """A bundle, and the ZIP file of the files that go with it; who made it removes that."""

    bundle: SerializedBundle
    zip_path: Path | None


def create_bundle_for_flow_run(
    flow: Flow[Any, Any], flow_run: FlowRun, context: dict[str, Any] | None = None
) -> BundleCreationResult:
    """
    Bundle a flow with one of its runs.

    The modules beside the flow's own are taken along by value, those of installed packages are named. Settings are left
    out: those where the run is executed count, and secrets among them would lie in storage.

    Args:
        flow: The flow.
        flow_run: Its run.
        context: What `serialize_context()` returned, for runs that are to continue in that.

    Raises:
        ValueError: The flow holds something that cannot be sent elsewhere, or `include_files` names what is not there.
    """
    plain: Flow[Any, Any] = getattr(flow, "unbound", lambda: flow)()
    included = pack_files(flow)
    with _by_value(plain.fn):
        function = _packed(plain, f"Flow {flow.name!r}")
    bundle: SerializedBundle = {
        "function": function,
        "context": _packed(context or {}, "The context"),
        "flow_run": flow_run.model_dump(mode="json"),
        "dependencies": "\n".join(_installed()),
        "files_key": None if included is None else included.key,
    }
    return {"bundle": bundle, "zip_path": None if included is None else included.path}


def extract_flow_from_bundle(bundle: SerializedBundle) -> Flow[Any, Any]:
    """
    The flow of a bundle.

    Raises:
        ImportError: It needs a package that is not installed here.
    """
    return _unpacked(bundle["function"])  # type: ignore[no-any-return]


def context_of_bundle(bundle: SerializedBundle) -> dict[str, Any]:
    """What the run of a bundle continues in."""
    return _unpacked(bundle["context"])  # type: ignore[no-any-return]


def _packed(thing: Any, what: str) -> str:
    import cloudpickle

    try:
        pickled = cloudpickle.dumps(thing)
    except Exception as error:
        raise ValueError(
            f"{what} cannot be bundled: {type(error).__name__}: {error}. Make within the flow what cannot be sent "
            "elsewhere, such as connections and locks."
        ) from error
    return base64.b64encode(gzip.compress(pickled, mtime=0)).decode()


def _unpacked(text: str) -> Any:
    import cloudpickle

    return cloudpickle.loads(gzip.decompress(base64.b64decode(text)))


# -- code that is nowhere else ------------------------------------------------------------------------------------------


@contextmanager
def _by_value(function: Any) -> Iterator[None]:
    """While this lasts, what is defined in the modules beside a function is pickled with its code."""
    import cloudpickle

    modules = [
        module for module in _beside(function) if module.__name__ not in cloudpickle.list_registry_pickle_by_value()
    ]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _beside(function: Any) -> list[ModuleType]:
    own = sys.modules.get(getattr(function, "__module__", None) or "")
    file = getattr(own, "__file__", None)
    if own is None or file is None:
        return []
    root = Path(file).resolve().parents[own.__name__.count(".") + (Path(file).name == "__init__.py")]
    found = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    near = [name for name, path in found.items() if path and name != "__main__" and _is_local(name, path, root)]
    return [sys.modules[name] for name in near]


def _is_local(name: str, file: str, root: Path) -> bool:
    path = Path(file).resolve()
    is_ours = name.partition(".")[0] == "prefect"
    return not is_ours and path.is_relative_to(root) and not any(path.is_relative_to(each) for each in _LIBRARIES)


_LIBRARIES = [
    Path(path).resolve() for name, path in sysconfig.get_paths().items() if name in {"stdlib", "purelib", "platlib"}
]


def _installed() -> list[str]:
    """The installed packages that an index has: not this product, nor what comes from a folder."""
    from importlib.metadata import distributions

    found = {
        each.metadata["Name"]: each.version for each in distributions() if not (each.read_text("direct_url.json") or "")
    }
    return sorted(f"{name}=={version}" for name, version in found.items() if name not in {"prefect", "prefect-core"})
