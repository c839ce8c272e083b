"""Addresses of code: which are allowed, which storage they mean, and which steps lead there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect.deployments.storage.git_urls import (
    checked_ref,
    checked_sha,
    checked_url,
    credential_header,
    repository_name,
)
from prefect.exceptions import InvalidRepositoryURLError
from prefect.runner.storage import (
    GitRepository,
    LocalStorage,
    RemoteStorage,
    RunnerStorage,
    create_storage_from_source,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://h/o/r.git",
        "ssh://git@h/o/r.git",
        "git@h:o/r.git",
        "git://h/r",
        "file:///r.git",
        "/srv/r.git",
        "../r.git",
    ],
)
def test_addresses_of_repositories(url: str) -> None:
    assert checked_url(url) == url
    assert repository_name(url) == "r"


@pytest.mark.parametrize(
    "url", ["", "--upload-pack=touch x", "ext::sh -c touch% x", "fd::17", "ftp://h/r.git", "https://h/\nr.git"]
)
def test_addresses_that_git_must_not_be_given(url: str) -> None:
    with pytest.raises(InvalidRepositoryURLError, match="Invalid repository"):
        checked_url(url)


@pytest.mark.parametrize("branch", ["", "--all", "+main", "a:b", "a b", "a..b", "a^", "x@{1}"])
def test_what_is_no_branch(branch: str) -> None:
    with pytest.raises(ValueError, match="Invalid branch"):
        checked_ref(branch)


@pytest.mark.parametrize("sha", ["", "main", "--all", "abc"])
def test_what_is_no_commit(sha: str) -> None:
    with pytest.raises(ValueError, match="Invalid commit_sha"):
        checked_sha(sha)


@pytest.mark.parametrize(
    ("host", "user"),
    [
        ("github.com", "x-access-token"),
        ("gitlab.example.com", "oauth2"),
        ("bitbucket.org", "x-token-auth"),
        ("h", "git"),
    ],
)
def test_who_a_bare_token_belongs_to_depends_on_the_host(host: str, user: str) -> None:
    import base64

    found = credential_header(f"https://{host}/o/r.git", {"token": "t"})
    assert found is not None
    assert found[0] == f"https://{host}/"
    assert found[1] == f"Authorization: Basic {base64.b64encode(f'{user}:t'.encode()).decode()}"


def test_blocks_may_know_themselves_how_their_host_wants_credentials() -> None:
    class Credentials:
        def format_git_credentials(self, url: str) -> str:
            return url.replace("https://", "https://special:tok%2Fen@")

    found = credential_header("https://h/o/r.git", Credentials())
    assert found is not None
    assert "tok/en" in found[2]


@pytest.mark.parametrize(
    ("url", "credentials", "words"),
    [
        ("https://h/r.git", {"username": "me"}, "A username alone"),
        ("https://h/r.git", {}, "hold no secret"),
        ("git@h:r.git", {"token": "t"}, "ssh uses the keys"),
    ],
)
def test_credentials_that_prove_nothing(url: str, credentials: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        credential_header(url, credentials)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        GitRepository("https://h/r.git", branch="a", commit_sha="abcd")
    with pytest.raises(ValueError, match="a username is provided"):
        GitRepository("https://h/r.git", credentials={"username": "me"})
    with pytest.raises(ValueError, match="Invalid pull_interval: 0"):
        GitRepository("https://h/r.git", pull_interval=0)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("https://github.com/o/r.git", GitRepository),
        ("git@github.com:o/r.git", GitRepository),
        ("ssh://git@h/o/r", GitRepository),
        ("./x", LocalStorage),
        ("/abs", LocalStorage),
        ("file:///tmp/x", LocalStorage),
        ("memory://b/p", RemoteStorage),
        ("https://example.com/file", RemoteStorage),
    ],
)
def test_which_storage_an_address_means(source: str, kind: type[Any]) -> None:
    storage = create_storage_from_source(source)
    assert isinstance(storage, kind)
    assert isinstance(storage, RunnerStorage)


def test_an_address_that_nothing_reads() -> None:
    with pytest.raises(ValueError, match="fsspec knows no nonsense://"):
        create_storage_from_source("nonsense://x")


def test_steps_and_places() -> None:
    assert LocalStorage("/srv/x").to_pull_step() == {
        "prefect.deployments.steps.set_working_directory": {"directory": "/srv/x"}
    }
    storage = RemoteStorage("s3://bucket/p", key="k")
    storage.set_base_path(Path("/base"))
    assert storage.destination == Path("/base/bucket/p")
    assert storage.to_pull_step() == {
        "prefect.deployments.steps.pull_from_remote_storage": {"url": "s3://bucket/p", "key": "k", "requires": "s3fs"}
    }
    git = GitRepository("https://h/o/r.git", branch="main", include_submodules=True, directories=["a"])
    assert git.to_pull_step() == {
        "prefect.deployments.steps.git_clone": {
            "repository": "https://h/o/r.git",
            "branch": "main",
            "directories": ["a"],
            "include_submodules": True,
        }
    }


def test_storage_of_the_same_place_is_equal() -> None:
    assert GitRepository("https://h/r.git") == GitRepository("https://h/r.git")
    assert GitRepository("https://h/r.git") != GitRepository("https://h/r.git", branch="x")
    assert len({LocalStorage("/a"), LocalStorage("/a")}) == 1
    assert RemoteStorage("s3://a", key=1) != RemoteStorage("s3://a", key=2)
