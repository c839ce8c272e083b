"""Every schema of the published REST contract has its model: the same fields, types, defaults, and what is required."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

SCHEMAS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "facts" / "schemas.json").read_text(encoding="utf-8")
)
"""For each schema where it is used (`in` requests, `out` in answers) and its fields: type, required, default if any."""

CONTRACT = [
    "state",
    "objects",
    "artifacts",
    "blocks",
    "administration",
    "concurrency",
    "deployments",
    "work_pools",
    "schedules",
    "sorting",
    "actions",
    "filters",
    "responses",
    "events",
    "triggers",
    "automation_actions",
    "automations",
]
PUBLIC = [
    *(
        f"client.schemas.{name}"
        for name in ("objects", "actions", "filters", "responses", "schedules", "sorting", "events")
    ),
    *(f"server.schemas.{name}" for name in ("core", "graph", "responses", "filters", "statuses")),
]

# Names of the published contract that are found in modules which are not there yet: events, automations, user interface.
NOT_PUBLIC_YET = re.compile(
    "Automation(?!Sort)|Event(?!Page)|Trigger|Resource|Countable|TimeUnit|TaskRunCount|TaskWorkerFilter"
    "|^(Call|Cancel|Change|Delete|Do|Pause|Resume|Run|Send|Suspend)[A-Z]"
)


def found_in(homes: Iterable[str], name: str) -> Any:
    wanted = re.sub("-(In|Out)put$", "", name)
    for home in homes:
        module = importlib.import_module(f"prefect.{home}")
        if wanted in module.__all__:
            return getattr(module, wanted)
    raise LookupError(f"No module offers {wanted!r}.")


def model_of(name: str) -> Any:
    """The model or enumeration of a schema."""
    return found_in([f"_contract.{home}" for home in CONTRACT], name)


# -- how a JSON schema is written for short ---------------------------------------------------------------------------


def union(parts: Iterable[str]) -> str:
    """Types of which one fits. If anything fits, it does not matter what else does."""
    distinct = dict.fromkeys(parts)
    return "any" if "any" in distinct else "|".join(distinct)


def type_text(node: Any) -> str:
    """A JSON schema in the words of the facts: `array[string<uuid>]|null`, `@Flow`."""
    if not node or node is True:
        return "any"
    if "$ref" in node:
        return "@" + node["$ref"].rsplit("/", 1)[-1]
    if "const" in node:
        return f"const({json.dumps(node['const'])})"
    if "enum" in node:
        return "enum(" + ",".join(json.dumps(value) for value in node["enum"]) + ")"
    for choice in ("anyOf", "oneOf"):
        if choice in node:
            return union(type_text(part) for part in node[choice])
    if node.get("type") == "array":
        if "prefixItems" in node:
            return "tuple[" + ",".join(type_text(item) for item in node["prefixItems"]) + "]"
        return f"array[{type_text(node.get('items'))}]"
    if node.get("type") == "object":
        values = node.get("additionalProperties")
        return f"map[{type_text(values)}]" if isinstance(values, dict) and values else "object"
    kind = node.get("type", "any")
    return f"{kind}<{node['format']}>" if "format" in node else kind


def fields_of(schema: dict[str, Any]) -> dict[str, list[Any]]:
    """For each field its type, whether it is required, and its default unless that is null."""
    required = schema.get("required", ())
    return {
        name: [type_text(node), name in required, *([node["default"]] if node.get("default") is not None else [])]
        for name, node in schema.get("properties", {}).items()
    }


@cache
def schema_of(name: str, use: str) -> dict[str, Any]:
    """The JSON schema of the model of a schema, as requests (`in`) or answers (`out`) have it."""
    adapter: TypeAdapter[Any] = TypeAdapter(model_of(name))
    schema = adapter.json_schema(mode="validation" if use == "in" else "serialization")
    return schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


# -- what differs on purpose ------------------------------------------------------------------------------------------

ALL_TRIGGERS = "@EventTrigger|@MetricTrigger|@CompoundTrigger|@SequenceTrigger"
ALL_ACTIONS = (
    "array[@DoNothing|@RunDeployment|@PauseDeployment|@ResumeDeployment|@CancelFlowRun|@DeleteFlowRun"
    "|@ChangeFlowRunState|@PauseWorkQueue|@ResumeWorkQueue|@SendNotification|@CallWebhook|@PauseAutomation"
    "|@ResumeAutomation|@SuspendFlowRun|@ResumeFlowRun|@PauseWorkPool|@ResumeWorkPool|@DeclareIncident]"
)
ALL_SCHEDULES = "@IntervalSchedule|@CronSchedule|@RRuleSchedule|@NoSchedule"

DIFFERENCES: dict[str, dict[str, list[Any]]] = {
    "The published orchestrator refuses metric triggers, and this one evaluates them.": {
        "AutomationCreate.trigger": [ALL_TRIGGERS, True],
        "AutomationUpdate.trigger": [ALL_TRIGGERS, True],
    },
    "The published client makes these without the field, or with null, and leaves the value to its orchestrator.": {
        "BlockSchemaCreate.block_type_id": ["string<uuid>|null", False],
        "CompoundTrigger-Input.within": ["number|null", False],
        "DeploymentCreate.enforce_parameter_schema": ["boolean|null", False],
        "DeploymentCreate.paused": ["boolean|null", False],
        "DeploymentFlowRunCreate.name": ["string|null", False],
        "DeploymentResponse.status": ["@DeploymentStatus|null", False],
        "DeploymentScheduleUpdate.parameters": ["object|null", False],
        "DeploymentUpdate.paused": ["boolean|null", False],
        "DeploymentUpdate.schedules": ["array[@DeploymentScheduleUpdate]|null", False],
        "Event.id": ["string<uuid>", False],
        "Event.occurred": ["string<date-time>", False],
        "EventTrigger.posture in": ['enum("Reactive","Proactive")', False, "Reactive"],
        "EventTrigger.posture out": ['enum("Reactive","Proactive")', True, "Reactive"],
        "FlowRunCreate.name": ["string|null", False],
        "FlowRunUpdate.parameters": ["object|null", False],
        "SequenceTrigger-Input.within": ["number|null", False],
        "StateDetails.deferred": ["boolean|null", False],
        "TaskRunCreate.name": ["string|null", False],
        "TaskRunUpdate.name": ["string|null", False],
        "VariableCreate.tags": ["array[string]|null", False],
        "WorkQueueCreate.description": ["string|null", False],
    },
    "The published client knows these fields, its own orchestrator does not.": {
        "Automation.owner_resource": ["string|null", False],
        "DeploymentCreate.base": ["string<uuid>|null", False],
        "DeploymentCreate.branch": ["string|null", False],
        "DeploymentCreate.root": ["string<uuid>|null", False],
        "DeploymentResponse.base": ["string<uuid>|null", False],
        "DeploymentResponse.branch": ["string|null", False],
        "DeploymentResponse.root": ["string<uuid>|null", False],
        "DeploymentResponse.version_id": ["string<uuid>|null", False],
        "DeploymentResponse.version_info": ["@VersionInfo|null", False],
        "FlowRun.work_pool_id": ["string<uuid>|null", False],
        "FlowRun.work_pool_name": ["string|null", False],
        "LogCreate.worker_id": ["string<uuid>|null", False],
        "State.created": ["string<date-time>|null", True],
        "State.updated": ["string<date-time>|null", True],
        "WorkQueue.active_slots": ["integer|null", False],
        "WorkQueue.status": ["@WorkQueueStatus|null", False],
        "WorkQueue.work_pool_name": ["string|null", False],
    },
    "The published client knows one more kind than its own orchestrator, which refuses it.": {
        "Automation.actions": [ALL_ACTIONS, True],
        "Automation.actions_on_resolve": [ALL_ACTIONS, False],
        "Automation.actions_on_trigger": [ALL_ACTIONS, False],
        "Automation.trigger": [ALL_TRIGGERS, True],
        "CompoundTrigger-Input.triggers": [f"array[{ALL_TRIGGERS}]", True],
        "CompoundTrigger-Output.triggers": [f"array[{ALL_TRIGGERS}]", True],
        "DeploymentSchedule.schedule": [ALL_SCHEDULES, True],
        "DeploymentScheduleCreate.schedule": [ALL_SCHEDULES, True],
        "DeploymentScheduleUpdate.schedule": [f"{ALL_SCHEDULES}|null", False],
        "SequenceTrigger-Input.triggers": [f"array[{ALL_TRIGGERS}]", True],
        "SequenceTrigger-Output.triggers": [f"array[{ALL_TRIGGERS}]", True],
    },
    "It is an addition of ours.": {
        "DeploymentSchedule.catchup": ["@CatchUp", False, "none"],
        "DeploymentScheduleCreate.catchup": ["@CatchUp", False, "none"],
        "DeploymentScheduleUpdate.catchup": ["@CatchUp|null", False],
    },
    "It is always answered.": {
        "Artifact.created": ["string<date-time>|null", True],
        "Artifact.id": ["string<uuid>", True],
        "Artifact.updated": ["string<date-time>|null", True],
    },
    "It is a flow run, whose model has all fields of the other one; null labels are read as none.": {
        "FlowRunPaginationResponse.results": ["array[@FlowRun]", True],
        "FlowRunResponse.labels": ["map[boolean|integer|number|string]|null", False],
    },
}

OTHER_VALUES = {
    # The published client knows more of them than its own orchestrator.
    "DeploymentSort": [
        "CREATED_DESC",
        "UPDATED_DESC",
        "NAME_ASC",
        "NAME_DESC",
        "CONCURRENCY_LIMIT_ASC",
        "CONCURRENCY_LIMIT_DESC",
    ],
    "DeploymentStatus": ["READY", "NOT_READY", "DISABLED"],
}


def differences_of(name: str, use: str) -> dict[str, list[Any]]:
    """The fields of a schema that differ on purpose, as ours are."""
    return {
        key.removesuffix(f" {use}").partition(".")[2]: ours
        for group in DIFFERENCES.values()
        for key, ours in group.items()
        if key.partition(".")[0] == name and not key.endswith(" in" if use == "out" else " out")
    }


def published_fields(name: str) -> dict[str, list[Any]]:
    """The fields of a schema as they are published; one model serves for what is sent and for what is answered."""
    fields = SCHEMAS[name]["fields"].items()
    return {
        field: ["any" if "any" in type_.split("|") else re.sub("-(In|Out)put", "", type_), *rest]
        for field, (type_, *rest) in fields
    }


# -- tests ------------------------------------------------------------------------------------------------------------

CASES = [(name, use) for name, fact in SCHEMAS.items() for use in ("in", "out") if use in fact["use"]]
OBJECTS = [(name, use) for name, use in CASES if "fields" in SCHEMAS[name]]
PLAIN = [(name, use) for name, use in CASES if "fields" not in SCHEMAS[name]]


@pytest.mark.parametrize(("name", "use"), OBJECTS)
def test_a_model_has_the_fields_of_its_schema(name, use):
    assert fields_of(schema_of(name, use)) == published_fields(name) | differences_of(name, use)


@pytest.mark.parametrize(("name", "use"), OBJECTS)
def test_a_model_refuses_unknown_fields_where_its_schema_does(name, use):
    closed = schema_of(name, use).get("additionalProperties") is False
    assert closed is SCHEMAS[name].get("closed", False)


@pytest.mark.parametrize(("name", "use"), PLAIN)
def test_a_type_has_the_values_of_its_schema(name, use):
    values = OTHER_VALUES.get(name)
    expected = SCHEMAS[name]["type"] if values is None else f"enum({','.join(map(json.dumps, values))})"
    assert type_text(schema_of(name, use)) == expected


def test_no_difference_is_listed_that_there_is_not():
    for reason, group in DIFFERENCES.items():
        for key, ours in group.items():
            name, _, field = key.partition(".")
            assert published_fields(name).get(field.split(" ")[0]) != ours, f"{reason} {key}"
            assert any(field.split(" ")[0] in fields_of(schema_of(name, use)) for at, use in CASES if at == name), key
    for name, values in OTHER_VALUES.items():
        assert SCHEMAS[name]["type"] != f"enum({','.join(map(json.dumps, values))})"


def test_no_difference_is_explained_twice():
    keys = [key for group in DIFFERENCES.values() for key in group]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if not NOT_PUBLIC_YET.search(name)])
def test_a_model_is_offered_in_public(name):
    assert found_in(PUBLIC, name) is model_of(name)
