"""Bundles: what goes into them, and what comes out in another process."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from prefect import flow
from prefect._contract.objects import FlowRun
from prefect.bundles import create_bundle_for_flow_run, extract_flow_from_bundle
from prefect.bundles._zip_extractor import ZipExtractor
from prefect.bundles.dependencies import install_missing
from prefect.bundles.making import context_of_bundle
from prefect.bundles.places import bundled_flow, keep_bundle
from prefect.flows import bind_flow_to_infrastructure
from prefect.workers.process import ProcessWorker


def run_of(_) -> FlowRun:
    return FlowRun(flow_id=uuid4(), name="one")


PACKAGE = {
    "shop/__init__.py": "",
    "shop/prices.py": "def price(n):\n    return n * 3\n",
    "shop/flows.py": "from prefect import flow\nfrom shop.prices import price\n\n\n@flow\ndef order(n: int = 1):\n"
    "    return price(n)\n",
}


def test_the_code_of_the_modules_beside_a_flow_goes_along(tmp_path, monkeypatch):
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    from shop.flows import order

    made = create_bundle_for_flow_run(order, run_of(order))
    assert made["zip_path"] is None
    (tmp_path / "bundle.json").write_text(json.dumps(made["bundle"]))
    code = (
        "import json, sys; from prefect.bundles import extract_flow_from_bundle; "
        "print(extract_flow_from_bundle(json.load(open(sys.argv[1]))).fn(n=4), 'shop' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bundle.json")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("12 False\n", "")


def test_a_bundle_names_the_run_and_the_installed_packages_and_no_settings(monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "sesame-open")

    @flow
    def greet():
        return "hi"

    run = run_of(greet)
    bundle = create_bundle_for_flow_run(greet, run, context={"tags_context": {"current_tags": {"a"}}})["bundle"]
    assert bundle["flow_run"]["id"] == str(run.id)
    assert bundle["files_key"] is None
    assert any(line.startswith("cloudpickle==") for line in bundle["dependencies"].splitlines())
    assert not any(line.startswith("prefect") for line in bundle["dependencies"].splitlines())
    assert context_of_bundle(bundle) == {"tags_context": {"current_tags": {"a"}}}
    assert "sesame-open" not in repr([extract_flow_from_bundle(bundle).__dict__, bundle["flow_run"]])


def test_a_bound_flow_is_bundled_without_its_infrastructure_and_keeps_its_result():
    @flow(retries=2)
    def greet():
        return "hi"

    bound = bind_flow_to_infrastructure(greet, "pool", ProcessWorker)
    loaded = extract_flow_from_bundle(create_bundle_for_flow_run(bound, run_of(bound))["bundle"])
    assert (type(loaded).__name__, loaded.retries, loaded.persist_result) == ("Flow", 2, True)


def test_what_cannot_be_sent_is_named():
    lock = threading.Lock()

    @flow
    def hold():
        return lock

    with pytest.raises(ValueError, match=r"Flow 'hold' cannot be bundled.*lock"):
        create_bundle_for_flow_run(hold, run_of(hold))


# -- files --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("data/a.csv", "data/deep/b.csv", "notes.txt", "secret.key"):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(name)
    (tmp_path / "project" / ".prefectignore").write_text("*.key\n")
    return tmp_path / "project"


def bound_with(project: Path, *include: str):
    @flow
    def read():
        pass

    return bind_flow_to_infrastructure(
        read, "pool", ProcessWorker, include_files=list(include), include_files_base_dir=project
    )


def test_files_folders_and_patterns_go_along(project):
    bound = bound_with(project, "data/", "*.txt", "*.key")
    made, again = (create_bundle_for_flow_run(bound, run_of(bound)) for _ in range(2))
    assert made["bundle"]["files_key"] == again["bundle"]["files_key"]
    with zipfile.ZipFile(made["zip_path"]) as archive:
        assert archive.namelist() == ["data/a.csv", "data/deep/b.csv", "notes.txt"]
    extractor = ZipExtractor(made["zip_path"])
    written = extractor.extract(project.parent / "there")
    assert [path.read_text() for path in written] == ["data/a.csv", "data/deep/b.csv", "notes.txt"]
    extractor.cleanup()
    again["zip_path"].unlink()
    assert not made["zip_path"].exists()


@pytest.mark.parametrize(
    ("pattern", "said"), [("nothing", "nothing named 'nothing'"), ("../x", "leads out"), ("/etc", "leads out")]
)
def test_files_that_are_not_there_are_named(project, pattern, said):
    bound = bound_with(project, pattern)
    with pytest.raises(ValueError, match=said):
        create_bundle_for_flow_run(bound, run_of(bound))


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "link"])
def test_an_archive_that_leads_out_is_not_unpacked(tmp_path, name):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.txt", "x")
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16 if name == "link" else 0
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(ValueError, match="leads out"):
        ZipExtractor(path).extract(tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []


def test_a_file_does_not_replace_a_folder(tmp_path):
    (tmp_path / "in" / "data").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("data", "x")
    with pytest.raises(ValueError, match="has a folder of that name"):
        ZipExtractor(tmp_path / "bad.zip").extract(tmp_path / "in")


# -- packages -----------------------------------------------------------------------------------------------------------


def test_packages_that_are_there_are_not_installed_again(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    install_missing("pydantic==0.1\nTyping_Extensions==0.1")


def test_packages_that_are_not_there_are_installed(tmp_path, monkeypatch):
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    install_missing("pydantic==0.1\nno-such-package==1.0")
    assert (tmp_path / "asked").read_text().split() == [
        "pip", "install", "--python", sys.executable, "no-such-package==1.0"
    ]  # fmt: skip


# -- where they are -----------------------------------------------------------------------------------------------------


def test_a_bundle_that_was_changed_or_is_gone_is_not_executed(tmp_path, monkeypatch):
    @flow
    def greet():
        return "hi"

    made = create_bundle_for_flow_run(greet, run_of(greet))
    (tmp_path / "bundles").mkdir()
    path = keep_bundle(made["bundle"], tmp_path / "bundles")
    monkeypatch.setenv("PREFECT__FLOW_BUNDLE", str(path.with_name("other.json")))
    with pytest.raises(ValueError, match="shared with the machine"):
        bundled_flow()
    monkeypatch.setenv("PREFECT__FLOW_BUNDLE", str(path))
    content = path.read_text()
    path.write_text(content + " ")
    with pytest.raises(ValueError, match="another hash"):
        bundled_flow()
    path.write_text(content)
    loaded, context = bundled_flow()
    assert (loaded.fn(), context) == ("hi", {})
