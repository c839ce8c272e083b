"""Each package is found, imported, and lists its blocks, whatever else it does."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution, version

import pytest

from prefect.blocks.core import Block
from prefect.testing.cli import invoke_and_assert

BLOCKS = {
    "prefect_bitbucket": ["bitbucket-credentials", "bitbucket-repository"],
    "prefect_databricks": ["databricks-credentials"],
    "prefect_docker": ["docker-host", "docker-registry-credentials"],
    "prefect_email": ["email-server-credentials"],
    "prefect_github": ["github-credentials", "github-repository"],
    "prefect_gitlab": ["gitlab-credentials", "gitlab-repository"],
    "prefect_shell": ["shell-operation"],
    "prefect_slack": ["slack-credentials", "slack-incoming-webhook"],
    "prefect_sqlalchemy": ["sqlalchemy-connector"],
}


def test_the_packages_are_satisfied_with_this_product():
    assert version("prefect") == version("prefect-core")
    assert distribution("prefect").read_text("INSTALLER")
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", BLOCKS)
def test_its_blocks_are_registered(module):
    invoke_and_assert(["block", "register", "-m", module], expected_output_contains=BLOCKS[module])


def test_blocks_are_found_by_name_whatever_was_imported_before():
    code = """
import sys
from prefect.blocks.core import Block

for slug in sys.argv[1:]:
    print(Block.get_block_class_from_key(slug).__module__)
"""
    slugs = [slug for slugs in BLOCKS.values() for slug in slugs]
    done = subprocess.run([sys.executable, "-c", code, *slugs], capture_output=True, text=True, check=True, timeout=60)
    owners = [module for module, slugs in BLOCKS.items() for _ in slugs]
    assert [line.partition(".")[0] for line in done.stdout.split()] == owners


def test_prefect_lists_them():
    listed = {
        each["name"]: each["failures"]
        for each in json.loads(invoke_and_assert(["plugins", "list", "-o", "json"]).stdout)
    }
    assert {module: listed[module] for module in BLOCKS} == dict.fromkeys(BLOCKS, [])


def test_every_class_of_block_can_be_described():
    for module, slugs in BLOCKS.items():
        importlib.import_module(module)
        for slug in slugs:
            assert Block.get_block_class_from_key(slug).model_json_schema()["block_type_slug"] == slug
