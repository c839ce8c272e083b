"""
What packages offer, by kind, for those who choose among it: kinds of work pools, of blocks.

It is what is installed where the server runs, and nothing is asked of the network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["VIEWS"]

View = dict[str, Any]

_logger = logging.getLogger("prefect.server")


def _package(kind: type) -> str:
    """The name of the distribution that a class is in."""
    return kind.__module__.partition(".")[0].replace("_", "-")


def _installed(registry: Any) -> Iterator[tuple[str, Any]]:
    for name in registry.names():
        try:
            yield name, registry.get(name)
        except Exception:
            _logger.warning("%r is not shown among the %r, as it cannot be loaded.", name, registry, exc_info=True)


def _workers() -> View:
    from prefect.plugins import registries

    view: View = {}
    for name, worker in _installed(registries.workers):
        package = _package(worker)
        view.setdefault(package, {})[name] = {
            "type": name,
            "display_name": getattr(worker, "_display_name", None) or name.replace("-", " ").title(),
            "description": worker.get_description(),
            "documentation_url": worker.get_documentation_url(),
            "logo_url": worker.get_logo_url(),
            "install_command": f"pip install {package}",
            "is_beta": bool(getattr(worker, "_is_beta", False)),
            "default_base_job_configuration": worker.get_default_base_job_template(),
        }
    return view


def _blocks() -> View:
    from prefect.plugins import registries

    view: View = {}
    for slug, block in _installed(registries.blocks):
        fields = block.model_json_schema()
        types = view.setdefault(_package(block), {"block_types": {}})["block_types"]
        types[slug] = {
            "name": block.get_block_type_name(),
            "slug": slug,
            "logo_url": None if block._logo_url is None else str(block._logo_url),
            "documentation_url": None if block._documentation_url is None else str(block._documentation_url),
            "description": block.get_description(),
            "code_example": block.get_code_example(),
            "is_protected": False,
            "block_schema": {
                "checksum": block._calculate_schema_checksum(fields),
                "fields": fields,
                "capabilities": sorted(block.get_block_capabilities()),
                "version": block.get_block_schema_version(),
            },
        }
    return view


def _nothing() -> View:
    return {}


VIEWS: dict[str, Callable[[], View]] = {
    "aggregate-worker-metadata": _workers,
    "aggregate-block-metadata": _blocks,
    "aggregate-flow-metadata": _nothing,
    "demo-flows": _nothing,
}
"""The views that there are. Nothing that is installed offers flows to try out."""
