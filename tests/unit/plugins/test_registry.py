import subprocess
import sys

import pytest

from prefect.plugins.errors import UnknownNameError
from prefect.plugins.families import FAMILIES
from prefect.plugins.loading import builtin_specs
from prefect.plugins.registry import Registry

COLLECTION = """
    import collected_by_tests
    collected_by_tests.defined["NAME"] = "MODULE"
"""


@pytest.fixture
def defined(site):
    site.install("collected", "")
    (site.folder / "collected_by_tests.py").write_text("defined = {}\n")
    site.modules.append("collected_by_tests")

    def source():
        module = sys.modules.get("collected_by_tests")
        return module.defined if module else {}

    return source


def test_what_is_registered_in_this_process_is_found(start):
    registry = start().blocks
    registry.register("mine", int)
    assert registry.get("mine") is int
    assert "mine" in registry.names()
    registry.unregister("mine")
    with pytest.raises(UnknownNameError):
        registry.get("mine")


def test_a_registered_name_is_not_replaced(start):
    registry = start().blocks
    registry.register("mine", int)
    for name in ("mine", "secret"):
        with pytest.raises(ValueError, match=f"'{name}' is registered already"):
            registry.register(name, str)


def test_sources_are_consulted_first(start):
    registry = start().blocks
    registry.add_source(lambda: {"secret": "theirs"})
    assert registry.get("secret") == "theirs"


def test_collections_are_imported_one_at_a_time_until_one_defines_the_name(site, start, defined):
    first = site.install("prefect-alpha", COLLECTION.replace("NAME", "a"), group="prefect.collections")
    second = site.install("prefect-beta", COLLECTION.replace("NAME", "b"), group="prefect.collections")
    third = site.install("prefect-gamma", COLLECTION.replace("NAME", "c"), group="prefect.collections")
    registry = start().blocks
    registry.add_source(defined)
    assert registry.get("b") == second
    assert first in sys.modules
    assert third not in sys.modules


def test_the_likely_collection_is_imported_first(site, start, defined):
    other = site.install("prefect-alpha", COLLECTION.replace("NAME", "a"), group="prefect.collections")
    known = site.install("prefect-slack", COLLECTION.replace("NAME", "slack-credentials"), group="prefect.collections")
    registry = start().blocks
    registry.add_source(defined)
    assert registry.get("slack-credentials") == known
    assert other not in sys.modules


def test_a_broken_collection_is_named_when_a_name_is_missing(site, start, defined):
    site.install("prefect-slack", "import no_such_thing", group="prefect.collections", version="0.4")
    registry = start().blocks
    with pytest.raises(UnknownNameError, match=r"prefect-slack 0\.4 failed at import: ModuleNotFoundError") as caught:
        registry.get("slack-credentials")
    assert "pip install" not in str(caught.value)


def test_collections_stay_available_in_safe_mode_but_can_be_denied(site, start, defined):
    site.install("prefect-alpha", COLLECTION.replace("NAME", "a"), group="prefect.collections")
    registry = start(deny=frozenset({"alpha"})).blocks
    registry.add_source(defined)
    with pytest.raises(UnknownNameError):
        registry.get("a")
    registry = start(safe_mode=True).blocks
    registry.add_source(defined)
    assert registry.get("a")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_registry(family):
    from prefect.plugins import registries

    registry = getattr(registries, family)
    assert isinstance(registry, Registry)
    assert registry.family is FAMILIES[family]


def test_builtin_names_are_unique_and_their_records_well_formed():
    for key, family in FAMILIES.items():
        for name, spec in builtin_specs(key).items():
            assert name in spec.provides()
            assert family.from_json(family.to_json(spec)) == spec


def test_asking_for_builtins_loads_nothing_heavy():
    code = """
import sys
from prefect.plugins.registries import serializers, blocks
assert serializers.spec("json") and blocks.spec("secret")
heavy = {"pydantic", "pluggy", "importlib.metadata", "importlib_metadata", "anyio"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
