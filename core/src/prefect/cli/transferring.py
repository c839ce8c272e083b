"""
Carries records from one orchestrator to another.

A record is made in the target unless one of its name is there. What records say of each other by id is said by the ids
that the others have in the target. Those that refer to what is not there yet wait for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._contract.actions.blocks import BlockDocumentCreate, BlockSchemaCreate, BlockTypeCreate
from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import FlowCreate
from prefect._contract.actions.settings import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    VariableCreate,
    WorkPoolCreate,
    WorkQueueCreate,
)
from prefect._contract.automations import AutomationCreate
from prefect._contract.endpoints import (
    automations,
    block_documents,
    block_schemas,
    block_types,
    concurrency_limits,
    deployments,
    flows,
    global_concurrency_limits,
    variables,
    work_pools,
    work_queues,
)
from prefect._contract.filters.automations import AutomationFilter, AutomationFilterName
from prefect.cli.asking import pages
from prefect.cli.errors import explain
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from prefect._contract.blocks import BlockDocument, BlockSchema
    from prefect._contract.call import Call
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect.client.base import Transport

__all__ = ["Outcome", "Record", "carry", "collect"]

R = TypeVar("R")

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_OF_TAG = "tag:"
_OF_DEPLOYMENT = "deployment:"


@dataclass(frozen=True)
class Record:
    """
    A record of the source.

    Args:
        kind: What it is, in the singular: `work-pool`.
        name: What people call it.
        id: Its id in the source.
        wanted: What to ask the target for, with ids of the source in it.
        find: Looks for it in the target.
        make: Makes it in the target.
        needs: Ids of the source without which it cannot be made, beside those that `wanted` mentions.
    """

    kind: str
    name: str
    id: str
    wanted: BaseModel
    find: Callable[[Any], Call[Any]]
    make: Callable[[Any], Call[Any]]
    needs: frozenset[str] = frozenset()

    def mentioned(self) -> frozenset[str]:
        """The ids in what is wanted."""
        return frozenset(_ID.findall(_text(self.wanted)))


@dataclass(frozen=True)
class Outcome:
    """What became of a record: `transferred`, `skipped` or `failed`, and why."""

    record: Record
    status: str
    detail: str = ""


def _text(wanted: BaseModel) -> str:
    return json.dumps(wanted.model_dump(mode="json"))


def _all(source: Transport, page: Callable[[int, int], Call[list[R]]]) -> Iterator[R]:
    return pages(page, send=source.send)


def _like(model: type[BaseModel], record: BaseModel, **changes: Any) -> BaseModel:
    """What to ask for to have a record like one that there is."""
    return model.model_validate({**record.model_dump(mode="json", include=set(model.model_fields)), **changes})


def collect(source: Transport) -> list[Record]:
    """All that can be carried, those first that others refer to."""
    return [
        *_variables(source),
        *_limits(source),
        *_blocks(source),
        *_places(source),
        *_deployments(source),
        *_automations(source),
    ]


def _variables(source: Transport) -> Iterator[Record]:
    for each in _all(source, variables.read_variables):
        yield Record(
            "variable",
            each.name,
            str(each.id),
            _like(VariableCreate, each),
            lambda new: variables.read_variable_by_name(new.name),
            variables.create_variable,
        )


def _limits(source: Transport) -> Iterator[Record]:
    tags = list(_all(source, concurrency_limits.read_concurrency_limits))
    for each in _all(source, global_concurrency_limits.read_global_concurrency_limits):
        if not each.name.startswith((_OF_TAG, _OF_DEPLOYMENT)):
            yield Record(
                "concurrency-limit",
                each.name,
                str(each.id),
                _like(ConcurrencyLimitV2Create, each, active_slots=0),
                lambda new: global_concurrency_limits.read_global_concurrency_limit(new.name),
                global_concurrency_limits.create_global_concurrency_limit,
            )
    for limit in tags:
        yield Record(
            "concurrency-limit",
            _OF_TAG + limit.tag,
            str(limit.id),
            _like(ConcurrencyLimitCreate, limit),
            lambda new: concurrency_limits.read_concurrency_limit_by_tag(new.tag),
            concurrency_limits.create_concurrency_limit,
        )


def _blocks(source: Transport) -> Iterator[Record]:
    documents = list(_all(source, lambda most, at: block_documents.read_block_documents(limit=most, offset=at)))
    stored = {
        each.checksum: each for each in _all(source, lambda most, at: block_schemas.read_block_schemas(None, most, at))
    }
    used = {document.block_schema_id for document in documents}
    schemas = {each.checksum: each for each in stored.values() if each.id in used}
    while (
        further := {checksum for each in schemas.values() for checksum in _held(each)} & stored.keys() - schemas.keys()
    ):
        schemas |= {checksum: stored[checksum] for checksum in further}
    types = {each.block_type_id for each in schemas.values()}
    for each in _all(source, lambda most, at: block_types.read_block_types(limit=most, offset=at)):
        if each.id in types:
            yield Record(
                "block-type",
                each.slug,
                str(each.id),
                _like(BlockTypeCreate, each),
                lambda new: block_types.read_block_type_by_slug(new.slug),
                block_types.create_block_type,
            )
    for schema in schemas.values():
        yield Record(
            "block-schema",
            schema.checksum,
            str(schema.id),
            _like(BlockSchemaCreate, schema),
            partial(_find_schema, schema.checksum),
            block_schemas.create_block_schema,
            frozenset(str(schemas[checksum].id) for checksum in _held(schema) if checksum in schemas),
        )
    yield from map(_block_document, documents)


def _find_schema(checksum: str, new: Any) -> Call[BlockSchema]:
    return block_schemas.read_block_schema_by_checksum(checksum, new.version)


def _held(schema: BlockSchema) -> set[str]:
    """The checksums of the schemas of blocks that blocks of a schema hold."""
    return set(_CHECKSUM.findall(json.dumps(schema.fields.get("block_schema_references", {})))) - {schema.checksum}


def _block_document(document: BlockDocument) -> Record:
    data = dict(document.data)
    for name, reference in document.block_document_references.items():
        data[name] = {"$ref": {"block_document_id": str(reference["block_document"]["id"])}}
    slug = document.block_type.slug if document.block_type is not None else ""
    return Record(
        "block-document",
        f"{slug}/{document.name}",
        str(document.id),
        _like(BlockDocumentCreate, document, data=data),
        lambda new: block_types.read_block_document_by_name(new.name, slug),
        block_documents.create_block_document,
    )


def _places(source: Transport) -> Iterator[Record]:
    for pool in _all(source, work_pools.read_work_pools):
        yield Record(
            "work-pool",
            pool.name,
            str(pool.id),
            _like(WorkPoolCreate, pool),
            lambda new: work_pools.read_work_pool(new.name),
            work_pools.create_work_pool,
        )
        yield from _queues(source, pool.name, str(pool.id))


def _queues(source: Transport, pool: str, pool_id: str) -> Iterator[Record]:
    for queue in _all(source, lambda most, at: work_queues.read_work_pool_queues(pool, limit=most, offset=at)):
        yield Record(
            "work-queue",
            f"{pool}/{queue.name}",
            str(queue.id),
            _like(WorkQueueCreate, queue),
            lambda new: work_queues.read_work_pool_queue(pool, new.name),
            lambda new: work_queues.create_work_pool_queue(pool, new),
            frozenset({pool_id}),
        )


def _deployments(source: Transport) -> Iterator[Record]:
    names: dict[Any, str] = {}
    for each in _all(source, lambda limit, offset: deployments.read_deployments(limit=limit, offset=offset)):
        if each.flow_id not in names:
            flow = source.send(flows.read_flow(each.flow_id))
            names[flow.id] = flow.name
            yield Record(
                "flow",
                flow.name,
                str(flow.id),
                _like(FlowCreate, flow),
                lambda new: flows.read_flow_by_name(new.name),
                flows.create_flow,
            )
        yield _deployment(each, names[each.flow_id])


def _deployment(each: DeploymentResponse, flow: str) -> Record:
    shown = {"active", "schedule", "max_scheduled_runs", "parameters", "slug", "catchup"}
    changes: dict[str, Any] = {
        "branch": None,
        "base": None,
        "root": None,
        "schedules": [schedule.model_dump(mode="json", include=shown) for schedule in each.schedules],
    }
    limit = each.global_concurrency_limit
    if limit is not None and limit.name.startswith(_OF_DEPLOYMENT):
        changes["concurrency_limit"] = limit.limit
    elif limit is not None:
        changes |= {"concurrency_limit": None, "global_concurrency_limit_id": str(limit.id)}
    return Record(
        "deployment",
        f"{flow}/{each.name}",
        str(each.id),
        _like(DeploymentCreate, each, **changes),
        lambda new: deployments.read_deployment_by_name(flow, new.name),
        deployments.create_deployment,
        frozenset({str(each.work_queue_id)} if each.work_queue_id else ()),
    )


def _automations(source: Transport) -> Iterator[Record]:
    for each in _all(source, lambda most, at: automations.read_automations(limit=most, offset=at)):
        yield Record(
            "automation",
            each.name,
            str(each.id),
            _like(AutomationCreate, each),
            lambda new: automations.read_automations(
                automations=AutomationFilter(name=AutomationFilterName(any_=[new.name]))
            ),
            automations.create_automation,
        )


def carry(records: Sequence[Record], target: Transport) -> Iterator[Outcome]:
    """Make records in the target, one by one, unless they are there, and tell what became of each."""
    known = {record.id for record in records}
    needs = {record.id: (record.needs | record.mentioned()) & known - {record.id} for record in records}
    ids: dict[str, str] = {}
    waiting = list(records)
    while ready := [record for record in waiting if needs[record.id] <= ids.keys()]:
        for record in ready:
            yield _carry(record, target, ids)
        waiting = [record for record in waiting if record not in ready]
    for record in waiting:
        lacking = ", ".join(f"{each.kind}/{each.name}" for each in records if each.id in needs[record.id] - ids.keys())
        yield Outcome(record, "failed", f"It refers to what is not in the target: {lacking}.")


def _carry(record: Record, target: Transport, ids: dict[str, str]) -> Outcome:
    text = _ID.sub(lambda found: ids.get(found[0], found[0]), _text(record.wanted))
    wanted = type(record.wanted).model_validate_json(text)
    try:
        there = _find(record, target, wanted)
        if there is not None:
            ids[record.id] = str(there.id)
            return Outcome(record, "skipped", "It is there already.")
        ids[record.id] = str(target.send(record.make(wanted)).id)
    except PrefectHTTPStatusError as error:
        return Outcome(record, "failed", explain(error) or str(error))
    return Outcome(record, "transferred")


def _find(record: Record, target: Transport, wanted: Any) -> Any:
    try:
        found = target.send(record.find(wanted))
    except ObjectNotFound:
        return None
    return next(iter(found), None) if isinstance(found, list) else found
