"""Which flow is meant."""

from __future__ import annotations

import sys

import pytest

from prefect.cli.errors import CliError
from prefect.cli.finding import load_flow


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


ONE = "from prefect import flow\n@flow(name='the-one')\ndef one(): ...\n"
TWO = ONE + "@flow\ndef two(): ...\nnumber = 1\nclass Group:\n    @flow\n    def three(self): ...\n"


def test_the_only_flow_of_a_file(place):
    (place / "only_flow.py").write_text(ONE)
    assert load_flow("only_flow.py").name == "the-one"
    assert load_flow(str(place / "only_flow.py")).name == "the-one"


def test_a_flow_of_a_file_by_function_or_by_name(place):
    (place / "two_flows.py").write_text(TWO)
    assert load_flow("two_flows.py:two").name == "two"
    assert load_flow("two_flows.py:one").name == "the-one"
    assert load_flow("two_flows.py:the-one").name == "the-one"
    assert load_flow("two_flows.py:Group.three").name == "three"


def test_a_flow_of_a_module(place):
    package = place / "flows_of_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "daily.py").write_text(TWO)
    assert load_flow("flows_of_test.daily:two").name == "two"


def test_imported_flows_are_not_meant_if_there_are_others(place):
    (place / "lib_flows.py").write_text(ONE)
    (place / "main_flows.py").write_text(
        "from lib_flows import one\nfrom prefect import flow\n@flow\ndef mine(): one()\n"
    )
    assert load_flow("main_flows.py").name == "mine"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("two_flows.py", "There are 2 flows in two_flows.py: one, two. Say which: two_flows.py:one"),
        ("two_flows.py:tow", "There is no flow 'tow' in two_flows.py. Flows there: one, two. Did you mean 'two'?"),
        ("two_flows.py:number", "'number' in two_flows.py is not a flow, but a int. Decorate it with @flow."),
        ("none.py", "There is no flow in none.py"),
        ("nowhere.py", "There is no file 'nowhere.py'"),
        ("nowhere", "There is no file and no module 'nowhere' here"),
        ("needs.py", "No module named 'not_installed_at_all'"),
    ],
)
def test_what_is_wrong_is_said(place, target, message):
    (place / "two_flows.py").write_text(TWO)
    (place / "none.py").write_text("x = 1\n")
    (place / "needs.py").write_text("import not_installed_at_all\n")
    with pytest.raises(CliError) as caught:
        load_flow(target)
    assert message in str(caught.value)


def test_errors_of_a_script_are_shown_from_its_first_line_on(place):
    (place / "raises.py").write_text("def helper():\n    raise ValueError('no such day')\nhelper()\n")
    with pytest.raises(CliError) as caught:
        load_flow("raises.py")
    lines = str(caught.value).splitlines()
    assert lines[0] == "raises.py cannot be loaded:"
    assert "raises.py" in lines[2]
    assert "importlib" not in str(caught.value)
    assert lines[-1] == "ValueError: no such day"
