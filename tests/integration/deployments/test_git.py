"""Code from real git repositories, as it is cloned, kept up to date and refused."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.integration.deployments.conftest import Repository

from prefect.blocks.system import Secret
from prefect.deployments.steps import agit_clone, git_clone
from prefect.runner.storage import GitRepository


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def pull(storage: GitRepository, target: Path) -> Path:
    storage.set_base_path(target)
    asyncio.run(storage.pull_code())
    return storage.destination


def test_the_default_branch_is_cloned_and_brought_up_to_date(repository: Repository, target: Path) -> None:
    storage = GitRepository(repository.url)
    place = pull(storage, target)
    assert place == target / "origin"
    assert (place / "first/a.txt").read_text() == "a"
    assert asyncio.run(storage.is_shallow_clone())
    assert not asyncio.run(storage.is_sparsely_checked_out())
    (place / "first/a.txt").write_text("changed by hand")
    repository.commit({"first/a.txt": "new"})
    assert (pull(storage, target) / "first/a.txt").read_text() == "new"
    assert [path.name for path in target.iterdir()] == ["origin"]


def test_history_that_was_rewritten_is_no_trouble(repository: Repository, target: Path) -> None:
    storage = GitRepository(repository.url)
    pull(storage, target)
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit({"first/a.txt": "rewritten"}, branch="main")
    assert (pull(storage, target) / "first/a.txt").read_text() == "rewritten"


def test_a_branch_a_tag_and_commits(repository: Repository, target: Path) -> None:
    first = repository.commit({"first/a.txt": "one"})
    repository.git("tag", "v1")
    repository.git("push", "--quiet", "origin", "v1")
    repository.commit({"first/a.txt": "two"})
    repository.commit({"first/a.txt": "of a branch"}, branch="feature/x")
    branch = pull(GitRepository(repository.url, branch="feature/x"), target)
    assert branch.name == "origin-feature-x"
    assert (branch / "first/a.txt").read_text() == "of a branch"
    assert (pull(GitRepository(repository.url, branch="v1"), target) / "first/a.txt").read_text() == "one"
    for sha in (first, first[:10]):
        storage = GitRepository(repository.url, commit_sha=sha)
        assert (pull(storage, target) / "first/a.txt").read_text() == "one"
        assert asyncio.run(storage.is_current_commit())
        pull(storage, target)


def test_only_some_folders(repository: Repository, target: Path) -> None:
    storage = GitRepository(repository.url, directories=["first"])
    place = pull(storage, target)
    assert (place / "first/a.txt").exists()
    assert not (place / "second").exists()
    assert asyncio.run(storage.is_sparsely_checked_out())


def test_submodules(repository: Repository, tmp_path: Path, target: Path) -> None:
    (tmp_path / "inner").mkdir()
    inner = Repository(tmp_path / "inner")
    inner.commit({"inner.txt": "inner"})
    repository.git("submodule", "--quiet", "add", inner.url, "sub")
    repository.commit({})
    assert not (pull(GitRepository(repository.url, name="without"), target) / "sub/inner.txt").exists()
    storage = GitRepository(repository.url, name="with", include_submodules=True)
    assert (pull(storage, target) / "sub/inner.txt").read_text() == "inner"


def test_a_clone_that_fails_leaves_nothing_behind(repository: Repository, target: Path) -> None:
    for storage in (GitRepository(f"{repository.url}-not"), GitRepository(repository.url, branch="nothing")):
        with pytest.raises(RuntimeError, match=r"Failed to get the repository 'file://.*exit code 128"):
            pull(storage, target)
    assert list(target.iterdir()) == []


def test_a_folder_that_holds_something_else_is_left_alone(repository: Repository, target: Path) -> None:
    pull(GitRepository(repository.url), target)
    other = GitRepository("https://example.com/origin.git")
    with pytest.raises(ValueError, match="holds 'file://"):
        pull(other, target)
    (target / "mine").mkdir()
    (target / "mine/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        pull(GitRepository(repository.url, name="mine"), target)
    assert (target / "mine/notes.txt").read_text() == "mine"


def test_the_step_clones_into_the_working_directory(
    repository: Repository, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(target)
    assert git_clone(repository.url) == {"directory": "origin"}
    assert asyncio.run(agit_clone(repository.url, clone_directory_name="other")) == {"directory": "other"}
    assert (target / "other/flows.py").exists()
    with pytest.raises(ValueError, match="Give one of them"):
        git_clone(repository.url, access_token="t", credentials={"token": "t"})  # type: ignore[arg-type]


class Host(BaseHTTPRequestHandler):
    """A host of repositories that has none, and notes who asks."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        self.send_response(403)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def host() -> Iterator[Any]:
    class Noting(Host):
        seen: list[str] = []  # noqa: RUF012 - of this class

    server = HTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/owner/name.git", Noting.seen
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        ({"access_token": "s3cr3t"}, "git"),
        ({"username": "me", "password": "s3cr3t"}, "me"),
        ({"token": "owner:s3cr3t"}, "owner"),
        (Secret(value="s3cr3t"), "git"),
        ({"access_token": Secret(value="s3cr3t")}, "git"),
    ],
)
def test_credentials_reach_the_host_and_nobody_else(
    host: Any, target: Path, credentials: Any, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    url, seen = host
    storage = GitRepository(url, credentials=credentials)
    with caplog.at_level("DEBUG"), pytest.raises(RuntimeError, match="403") as caught:
        pull(storage, target)
    proof = base64.b64encode(f"{user}:s3cr3t".encode()).decode()
    assert seen == [f"Basic {proof}"]
    for text in (str(caught.value), repr(storage), caplog.text):
        assert "s3cr3t" not in text
        assert proof not in text
    assert caught.value.__cause__ is None


def test_credentials_are_not_kept_in_the_clone(repository: Repository, target: Path) -> None:
    """Nor those of an address: what errors show has none."""
    storage = GitRepository("https://me:s3cr3t@127.0.0.1:9/owner/name.git")
    with pytest.raises(RuntimeError) as caught:
        pull(storage, target)
    assert "s3cr3t" not in str(caught.value) + repr(storage)


@pytest.mark.usefixtures("home")
def test_steps_name_blocks_of_credentials() -> None:
    token = Secret(value="s3cr3t")
    token.save("token")
    storage = GitRepository("https://github.com/o/r.git", credentials={"username": "me", "access_token": token})
    assert storage.to_pull_step() == {
        "prefect.deployments.steps.git_clone": {
            "repository": "https://github.com/o/r.git",
            "branch": None,
            "credentials": {"username": "me", "access_token": "{{ prefect.blocks.secret.token }}"},
        }
    }
    written = GitRepository("https://github.com/o/r.git", credentials={"access_token": "s3cr3t"})
    with pytest.raises(ValueError, match="Save it as a Secret block"):
        written.to_pull_step()
