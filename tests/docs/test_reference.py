"""The pages of the reference say what the code says, and their examples are a plugin that works."""

from __future__ import annotations

import importlib
import inspect
import logging
import re
import runpy
import typing
from pathlib import Path
from uuid import uuid4

import pytest

import prefect.hookspecs
import prefect.plugins.types
from prefect.filesystems import WritableFileSystem
from prefect.hookspecs import HookSpec
from prefect.plugins import HookContext, JobContext, RuntimeContext
from prefect.plugins.families import FAMILIES
from prefect.plugins.loading import PluginConfig, PluginHost, call_with
from prefect.settings.legacy import known_settings

DOCS = Path(__file__).parents[2] / "docs"
GENERATE = runpy.run_path(str(DOCS / "generate.py"), run_name="generate")
HOOKS = [name for name, value in vars(HookSpec).items() if hasattr(value, "prefect_spec")]
JOB = JobContext("ecs", uuid4(), "cloud")


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATE["PAGES"])
def test_a_page_of_the_reference_is_what_the_code_says(name):
    assert page(name) == GENERATE["PAGES"][name](), "Run `python docs/generate.py`."


def test_every_hook_has_one_section():
    assert re.findall(r"^## (.*)", page("hooks.md"), re.MULTILINE) == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_typed_and_shown_with_its_types(name):
    """Everything that it takes and answers is annotated, with types that exist; the page shows just these."""
    hook = getattr(HookSpec, name)
    parameters = list(inspect.signature(hook).parameters)[1:]
    names = {**vars(prefect.plugins.types), "types": prefect.plugins.types, "WritableFileSystem": WritableFileSystem}
    assert typing.get_type_hints(hook, {**vars(prefect.hookspecs), **names, "Path": Path}).keys() == {
        *parameters,
        "return",
    }
    [shown] = re.findall(rf"^```text\n(def {name}\(.*)", page("hooks.md"), re.MULTILINE)
    annotations = {key: value.replace("types.", "") for key, value in hook.__annotations__.items()}
    taken = ", ".join(f"{each}: {annotations[each]}" for each in parameters)
    assert shown == f"def {name}({taken}) -> {annotations['return']}"


def test_every_setting_is_on_the_page_under_each_of_its_names():
    found = re.findall(r"`(PREFECT_\w+)`", page("settings.md"))
    assert {name for name in found if name in known_settings()} == known_settings().keys()


@pytest.fixture
def example_plugin():
    module = importlib.import_module("generators.every_hook")
    host = PluginHost(PluginConfig(), path=[])
    host.register(module, "every-hook")
    return host


def test_the_examples_of_hooks_are_a_plugin_that_implements_all_of_them(example_plugin):
    [(_, record)] = example_plugin.records()
    assert sorted(record.hooks) == sorted(HOOKS)
    assert record.specs.keys() == FAMILIES.keys()
    assert example_plugin.failures == []


@pytest.mark.parametrize(
    ("hook", "arguments", "expected"),
    [
        ("prefect_resolve_result_storage", {"reference": "elsewhere://x"}, None),
        ("prefect_classify_infrastructure_failure", {"ctx": JOB, "error": OSError("ThrottlingException")}, "transient"),
        ("prefect_send_notification", {"target": "matrix:ops", "subject": None, "body": "hi"}, "2 characters"),
        ("prefect_job_environment", {"ctx": JOB}, "eu-west-1"),
        ("set_database_connection_params", {"connection_url": "postgresql://", "settings": None}, "verify-full"),
        ("setup_environment", {"ctx": HookContext("4", None, logging.getLogger)}, "ARROW_DEFAULT_MEMORY_POOL"),
        ("prefect_startup", {"ctx": RuntimeContext("4", "worker")}, None),
        ("prefect_diagnose", {}, "arrow"),
    ],
)
def test_the_examples_answer_what_their_hooks_ask(example_plugin, hook, arguments, expected):
    [function] = [each for entry, each in example_plugin.implementations(hook) if entry.name == "every-hook"]
    answer = call_with(function, arguments)
    assert (answer is None) if expected is None else (expected in str(answer))


def test_hooks_that_only_the_core_asks_later_are_said_to_be_so():
    """The page tells which hooks nothing asks yet: those whose name no other part of the product mentions."""
    hooks = importlib.import_module("generators.hooks")
    idle = {name for name in HOOKS if hooks.askers(name) == []}
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page("hooks.md"), re.MULTILINE | re.DOTALL))
    assert {name for name, text in sections.items() if "No part of this version" in text} == idle
    assert not idle & {
        "prefect_serializers",
        "prefect_resolve_result_storage",
        "prefect_task_runners",
        "prefect_blocks",
    }
