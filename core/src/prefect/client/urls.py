"""The addresses of objects: where the API answers for them, and where the web interface shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from uuid import UUID

from prefect.utilities.urls import convert_class_to_name

if TYPE_CHECKING:
    from pydantic import BaseModel

    from prefect.automations import Automation
    from prefect.blocks.core import Block
    from prefect.events.schemas.events import ReceivedEvent, Resource
    from prefect.futures import PrefectFuture
    from prefect.variables import Variable

__all__ = ["url_for"]

_PAGES = {
    "flow": "flows/flow/{id}",
    "flow-run": "runs/flow-run/{id}",
    "task-run": "runs/task-run/{id}",
    "block": "blocks/block/{id}",
    "block-document": "blocks/block/{id}",
    "deployment": "deployments/deployment/{id}",
    "automation": "automations/automation/{id}",
    "received-event": "events/event/{occurred:%Y-%m-%d}/{id}",
    "concurrency-limit": "concurrency-limits/concurrency-limit/{id}",
    "work-pool": "work-pools/work-pool/{id}",
    "work-queue": "work-queues/work-queue/{id}",
    "worker": "work-pools/work-pool/{work_pool_name}/worker/{id}",
}

_ROUTES = {
    "flow": "flows/{id}",
    "flow-run": "flow_runs/{id}",
    "task-run": "task_runs/{id}",
    "block": "block_documents/{id}",
    "block-document": "block_documents/{id}",
    "deployment": "deployments/{id}",
    "automation": "automations/{id}",
    "concurrency-limit": "concurrency_limits/{id}",
    "variable": "variables/name/{id}",
    "work-pool": "work_pools/{id}",
    "work-queue": "work_queues/{id}",
}

_KNOWN_BY_NAME = {"work-pool", "variable"}
"""Their names are in their addresses, not their ids."""


def url_for(
    obj: PrefectFuture[Any] | Block | Variable | Automation | Resource | ReceivedEvent | BaseModel | str,
    obj_id: str | UUID | None = None,
    url_type: Literal["ui", "api"] = "ui",
    default_base_url: str | None = None,
    **additional_format_kwargs: Any,
) -> str | None:
    """
    The address of an object: `url_for(flow_run)`, `url_for("flow-run", flow_run_id, url_type="api")`.

    Args:
        obj: An object that the orchestrator knows, a future of a task run, the resource of an event; or the kind of an object:
            `flow-run`, `work-pool`.
        obj_id: The object's id, or the name of a work pool or variable. It is wanted with a kind.
        url_type: `ui` for the page of the web interface, `api` for the address in the API.
        default_base_url: What the address begins with where PREFECT_UI_URL or PREFECT_API_URL are unset.
        additional_format_kwargs: What else is in the address: the `work_pool_name` of a worker.

    Returns:
        The address. None if there is none for such objects, if this one is not saved, or if no base is known.

    Raises:
        ValueError: `url_type` is neither, a kind is without an id, or a part of the address is not given.
    """
    if url_type not in {"ui", "api"}:
        raise ValueError(f"There is no URL type {url_type!r}. Use 'ui' or 'api'.")
    if isinstance(obj, str) and not obj_id:
        raise ValueError(f"url_for({obj!r}) needs the id of the object: url_for({obj!r}, obj_id).")
    kind = obj if isinstance(obj, str) else _kind_of(obj)
    pattern = (_PAGES if url_type == "ui" else _ROUTES).get(kind)
    base = _base(url_type) or default_base_url
    identity = obj_id or _identity_of(obj, kind)
    if pattern is None or base is None or identity is None:
        return None
    occurred = getattr(obj, "occurred", None)
    parts = {**({"occurred": occurred} if occurred else {}), **additional_format_kwargs, "id": identity}
    missing = [name for _, name, _, _ in Formatter().parse(pattern) if name and name not in parts]
    if missing:
        raise ValueError(f"The URL of a {kind} needs {', '.join(missing)}: url_for(..., {missing[0]}=...).")
    return f"{base.rstrip('/')}/{pattern.format_map({name: _quoted(part) for name, part in parts.items()})}"


def _base(url_type: str) -> str | None:
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    return settings.ui_url if url_type == "ui" else settings.api.url


def _kind_of(obj: Any) -> str:
    if hasattr(obj, "task_run_id") and hasattr(obj, "wait"):  # a future
        return "task-run"
    if hasattr(obj, "_block_document_id"):
        return "block"
    if _labels(obj):
        return _parts_of_resource(obj)[0]
    return convert_class_to_name(obj).removesuffix("-response")


def _identity_of(obj: Any, kind: str) -> Any:
    if isinstance(labels := _labels(obj), Mapping):
        found = labels.get("prefect.resource.name") if kind in _KNOWN_BY_NAME else None
        return found or (_parts_of_resource(obj)[1] if kind not in _KNOWN_BY_NAME else None)
    if kind in _KNOWN_BY_NAME:
        return getattr(obj, "name", None)
    names = ("task_run_id",) if hasattr(obj, "wait") else ("_block_document_id", "id")
    return next((found for name in names if (found := getattr(obj, name, None)) is not None), None)


def _labels(obj: Any) -> Mapping[str, str] | None:
    """The labels of a resource; None if the object is none."""
    root = getattr(obj, "root", None)
    return root if isinstance(root, Mapping) and "prefect.resource.id" in root else None


def _parts_of_resource(obj: Any) -> tuple[str, str | None]:
    """Kind and id of what a resource stands for: those of `prefect.flow-run.ID`."""
    origin, _, rest = obj.root["prefect.resource.id"].partition(".")
    kind, _, identity = rest.rpartition(".")
    return (kind, identity) if origin == "prefect" else ("", None)


def _quoted(part: Any) -> Any:
    return part if isinstance(part, datetime) else quote(str(part), safe="")
