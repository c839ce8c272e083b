"""Projects that are packed where they are deployed, and unpacked where they run."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.integration.deployments.conftest import Project

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.steps.core import run_step
from prefect.deployments.storage import bundles
from prefect.deployments.storage.bundles import pack, unpack
from prefect.filesystems import LocalFileSystem, RemoteFileSystem
from prefect.settings import temporary_settings


@pytest.fixture
def shared(client: SyncPrefectClient, tmp_path: Path) -> Path:
    """Storage that workers share, and a work pool."""
    client.create_work_pool(WorkPoolCreate(name="pool", type="process"))
    (tmp_path / "shared").mkdir()
    RemoteFileSystem(basepath=f"file://{tmp_path / 'shared'}").save("shared")
    return tmp_path / "shared"


def test_a_run_elsewhere_needs_no_further_storage(
    project: Project, client: SyncPrefectClient, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(".prefectignore", "*.secret\n")
    project.write("key.secret", "s3cr3t")
    with temporary_settings({"PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "remote-file-system/shared"}):
        made = project.load("greet").deploy("packed", work_pool_name="pool")
        again = project.load("greet").deploy("packed", work_pool_name="pool")
    assert made == again
    (stored,) = (shared / "code").glob("*.zip")
    assert f"stored as 'code/{stored.name}'" in capsys.readouterr().out
    assert client.read_deployment(made).path is None
    project.folder.rename(tmp_path / "gone")
    run = client.create_flow_run_from_deployment(made, parameters={"name": "elsewhere"})
    (tmp_path / "worker").mkdir()
    command = [sys.executable, "-m", "prefect", "flow-run", "execute", str(run.id)]
    done = subprocess.run(
        command, cwd=tmp_path / "worker", env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert client.read_flow_run(run.id).state.is_completed()
    (folder,) = (tmp_path / "worker").iterdir()
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == [
        ".prefectignore",
        "flows.py",
    ]


@pytest.mark.usefixtures("shared")
def test_storage_that_workers_do_not_share_is_refused(
    project: Project, client: SyncPrefectClient, tmp_path: Path
) -> None:
    LocalFileSystem(basepath=str(tmp_path)).save("here")
    with (
        temporary_settings({"PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "local-file-system/here"}),
        pytest.raises(ValueError, match="stores on this machine"),
    ):
        project.load("greet").deploy("d", work_pool_name="pool")
    with pytest.raises(ValueError, match="let PREFECT_DEFAULT_RESULT_STORAGE_BLOCK name storage"):
        project.load("greet").deploy("d", work_pool_name="pool")
    assert client.read_deployments() == []


def test_what_was_changed_in_storage_is_not_run(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (shared / "code").mkdir()
    sha = "a" * 64
    (shared / f"code/{sha}.zip").write_bytes(b"something else")
    step = {"prefect.deployments.steps.pull_code_bundle": {"block": "remote-file-system/shared", "sha256": sha}}
    with pytest.raises(ValueError, match="not what was deployed"):
        asyncio.run(run_step(step))
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_the_same_files_make_the_same_bundle(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.py").write_text("x")
    (tmp_path / "a.py").write_text("a")
    first = pack(tmp_path)
    os.utime(tmp_path / "a.py", (1, 1))
    assert pack(tmp_path) == first
    target = tmp_path / "target"
    unpack(first, hashlib.sha256(first).hexdigest(), target)
    assert (target / "b/x.py").read_text() == "x"


def test_links_out_of_the_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "outside.txt").write_text("x")
    (tmp_path / "project/link.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(ValueError, match=r"'link\.txt' is a link"):
        pack(tmp_path / "project")


def test_projects_that_are_too_large_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "data.bin").open("wb") as file:
        file.truncate(bundles.LARGEST_BUNDLE + 1)
    with pytest.raises(ValueError, match=r"the largest are: data\.bin"):
        pack(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\x", "link"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo(name)
        if name == "link":
            entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc")
    content = made.getvalue()
    with pytest.raises(ValueError, match="leads out of its folder"):
        unpack(content, hashlib.sha256(content).hexdigest(), tmp_path / "in" / "target")
    assert list((tmp_path / "in").iterdir()) == []
