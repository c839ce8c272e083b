"""The commands of storage steps, and what starts them."""

from __future__ import annotations

import sys

import pytest

import prefect
from prefect._internal.launchers import get_launcher_for_side, resolve_bundle_step_with_launcher
from prefect.bundles import convert_step_to_command

PYTHON = ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"]


def test_a_step_is_run_by_uv_with_what_it_requires():
    step = {"prefect_aws.bundles.upload": {"requires": "prefect-aws", "bucket": "b", "block_name": "c", "region": None}}
    with_ = ["--with", f"prefect-aws,prefect=={prefect.__version__}"]
    rest = ["-m", "prefect_aws.bundles.upload", "--bucket", "b", "--block-name", "c", "--key", "K"]
    assert convert_step_to_command(step, "K") == ["uv", "run", *with_, *PYTHON, *rest]
    assert convert_step_to_command(step, "K", quiet=True)[:3] == ["uv", "run", "--quiet"]


def test_a_step_that_requires_nothing_brings_nothing():
    assert convert_step_to_command({"json.tool": {"n": 3}}, "K") == [
        "uv", "run", *PYTHON, "-m", "json.tool", "--n", "3", "--key", "K"
    ]  # fmt: skip


def test_a_launcher_takes_the_place_of_uv():
    step = resolve_bundle_step_with_launcher({"store": {"requires": ["x", "y"], "n": 3}}, ["py", "-I"], "upload")
    assert step == {"store": {"n": 3, "launcher": ["py", "-I"]}}
    assert convert_step_to_command(step, "K") == ["py", "-I", "-m", "store", "--n", "3", "--key", "K"]


def test_a_launcher_may_be_for_one_side_alone():
    step = {"store": {"requires": "x"}}
    assert resolve_bundle_step_with_launcher(step, {"upload": ["py"]}, "execution") is step
    assert get_launcher_for_side({"upload": ["a"], "execution": ["b"]}, "execution") == ["b"]
    assert get_launcher_for_side(None, "upload") is None


@pytest.mark.parametrize(
    ("launcher", "error", "said"),
    [
        ("python", TypeError, "list"),
        ([], ValueError, "non-empty"),
        ({}, ValueError, "at least one of 'upload' or 'execution'"),
        ({"foo": ["x"]}, ValueError, "foo"),
        (["x", ""], ValueError, r"launcher\[1\]"),
        ({"upload": "x"}, TypeError, "upload"),
    ],
)
def test_what_is_no_launcher_is_refused(launcher, error, said):
    with pytest.raises(error, match=said):
        get_launcher_for_side(launcher, "upload")


@pytest.mark.parametrize(
    ("step", "error"), [({}, ValueError), ({"a": {}, "b": {}}, ValueError), ({"a": None}, TypeError)]
)
def test_what_is_no_step_is_refused(step, error):
    with pytest.raises(error, match=r"step"):
        convert_step_to_command(step, "K")
