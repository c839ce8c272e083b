"""Code in git repositories."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import anyio
from pydantic import SecretStr

from prefect.blocks.core import Block
from prefect.deployments.storage.git_urls import (
    checked_ref,
    checked_sha,
    checked_url,
    credential_header,
    redacted,
    repository_name,
)
from prefect.deployments.storage.protocol import checked_interval, placeholder
from prefect.logging.loggers import get_logger

__all__ = ["GitCredentials", "GitRepository"]


class GitCredentials(TypedDict, total=False):
    """Proves to the host of a repository who asks."""

    username: str
    access_token: str | Block


class GitRepository:
    """
    A git repository.

    Args:
        url: Its address: `https://github.com/owner/name.git`, `git@host:owner/name.git`, or a folder.
        credentials: For private ones: a block, or a mapping with `access_token` (a saved `Secret`, or text) and, where the
            host wants it, `username`. They reach git through its environment: no process list, log, error or file of the
            clone shows them.
        name: Names the folder that it is cloned into; made from the address and branch without.
        branch: The branch or tag; the default one of the repository without.
        commit_sha: A commit, instead of a branch.
        include_submodules: Whether its submodules are cloned, too.
        pull_interval: Seconds after which a runner brings the code up to date; None for never.
        directories: The only folders of it that are wanted; all without.

    Raises:
        ValueError: A branch and a commit are given, or one of the arguments cannot be what it should.
        InvalidRepositoryURLError: The address is none of a repository.
    """

    def __init__(
        self,
        url: str,
        credentials: GitCredentials | Block | dict[str, Any] | None = None,
        name: str | None = None,
        branch: str | None = None,
        commit_sha: str | None = None,
        include_submodules: bool = False,
        pull_interval: int | None = 60,
        directories: list[str] | None = None,
    ) -> None:
        if branch is not None and commit_sha is not None:
            raise ValueError("Both a branch and a commit_sha were given. A commit needs no branch: give one of them.")
        self._url = checked_url(url)
        self._branch = checked_ref(branch) if branch is not None else None
        self._commit_sha = checked_sha(commit_sha) if commit_sha is not None else None
        if isinstance(credentials, Mapping) and credentials.get("username") and not _has_secret(credentials):
            raise ValueError("If a username is provided, an access token or password must also be provided.")
        self._credentials = credentials
        self._include_submodules = include_submodules
        self._directories = directories
        self._given_name = name
        suffix = (branch or commit_sha or "").replace("/", "-")
        self._name = name or "-".join(filter(None, (repository_name(url), suffix)))
        self._pull_interval = checked_interval(pull_interval)
        self._base = Path.cwd()
        self._logger = get_logger(f"runner.storage.git-repository.{self._name}")

    @property
    def destination(self) -> Path:
        """The folder that the repository is in, once it was pulled."""
        return self._base / self._name

    def set_base_path(self, path: Path) -> None:
        """Say in which folder of this machine the repository is put."""
        self._base = path

    @property
    def pull_interval(self) -> int | None:
        """Seconds after which a runner brings the code up to date; None for never."""
        return self._pull_interval

    # -- what is there

    async def is_sparsely_checked_out(self) -> bool:
        """Whether only some folders of the repository are there."""
        return await self._says("config", "--get", "core.sparseCheckout") == "true"

    async def is_shallow_clone(self) -> bool:
        """Whether the history of the repository is not there."""
        return await self._says("rev-parse", "--is-shallow-repository") == "true"

    async def is_current_commit(self) -> bool:
        """
        Whether the wanted commit is there already.

        Raises:
            ValueError: No commit is wanted, but a branch.
        """
        if self._commit_sha is None:
            raise ValueError("This repository names no commit_sha to compare with.")
        head = await self._says("rev-parse", "HEAD")
        return head.startswith(self._commit_sha.lower())

    async def _says(self, *arguments: str) -> str:
        answer = await self._run(self.destination, *arguments, check=False)
        return answer.strip()

    # -- getting it

    async def pull_code(self) -> None:
        """
        Clone the repository, or bring the clone up to date.

        What was changed in the clone by hand is lost. A clone that fails leaves nothing behind.

        Raises:
            RuntimeError: Git says no; or it is not installed.
            ValueError: The folder holds something else.
        """
        if self._is_missing():
            await self._clone(self.destination)
            return
        there = await self._says("config", "--get", "remote.origin.url")
        if there != self._url:
            raise ValueError(
                f"'{self.destination}' should hold the repository {redacted(self._url)!r}, and holds "
                f"{redacted(there) or 'something else'!r}. Remove it, or give the repository another name."
            )
        if self._commit_sha is not None and await self.is_current_commit():
            return
        self._logger.debug("Bringing %s up to date", redacted(self._url))
        await self._check_out(self.destination)

    def _is_missing(self) -> bool:
        target = self.destination
        if target.exists() and any(target.iterdir()) and not (target / ".git").exists():
            raise ValueError(
                f"'{target}' should hold the repository {redacted(self._url)!r}, and holds something else."
            )
        return not target.exists() or not any(target.iterdir())

    async def _clone(self, target: Path) -> None:
        self._logger.debug("Cloning %s to '%s'", redacted(self._url), target)
        aside = self._room_beside(target)
        try:
            await self._run(aside, "init", "--quiet", "clone")
            await self._run(aside / "clone", "remote", "add", "--", "origin", self._url)
            await self._check_out(aside / "clone")
            _move(aside / "clone", target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _room_beside(self, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{self._name}-", dir=target.parent))

    async def _check_out(self, folder: Path) -> None:
        fetch = ["fetch", "--quiet", "--depth", "1", "--no-tags"]
        if self._directories:
            await self._run(folder, "sparse-checkout", "set", "--cone", "--stdin", stdin="\n".join(self._directories))
            fetch.append("--filter=blob:none")
        wanted = self._commit_sha or self._branch or "HEAD"
        if self._commit_sha is None or len(self._commit_sha) >= 40:
            await self._run(folder, *fetch, "--", "origin", wanted)
            wanted = "FETCH_HEAD"
        else:  # only whole hashes can be asked for, so the short one is looked up in the whole history
            await self._run(folder, "fetch", "--quiet", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
        onto = ["-B", self._branch] if self._branch else ["--detach"]
        await self._run(folder, "checkout", "--quiet", "--force", *onto, wanted, "--")
        if self._include_submodules:
            await self._run(folder, "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1")

    async def _run(self, folder: Path, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        header = credential_header(self._url, self._credentials)
        environment = _environment(header)
        try:
            done = await anyio.run_process(
                ["git", *arguments],
                cwd=folder,
                env=environment,
                check=False,
                input=stdin.encode() if stdin is not None else b"",
            )
        except FileNotFoundError as error:
            if error.filename != "git":
                raise
            raise RuntimeError("Code in git repositories needs git, which is not installed on this machine.") from None
        if check and done.returncode != 0:
            said = _without(done.stderr.decode(errors="replace").strip(), header[2] if header else ())
            raise RuntimeError(
                f"Failed to get the repository {redacted(self._url)!r}: git {arguments[0]} ended with exit code "
                f"{done.returncode}: {said}"
            )
        return done.stdout.decode(errors="replace")

    # -- getting it elsewhere

    def to_pull_step(self) -> dict[str, Any]:
        """
        The step that clones the repository elsewhere. Blocks of credentials are named in it, not written out.

        Raises:
            BlockNotSavedError: A block of credentials was not saved.
            ValueError: A secret is given as text, which would be written into the deployment.
        """
        optional = {
            "commit_sha": self._commit_sha,
            "clone_directory_name": self._given_name,
            "directories": self._directories,
            "include_submodules": self._include_submodules or None,
            "credentials": self._credentials_to_name(),
        }
        inputs: dict[str, Any] = {"repository": self._url, "branch": self._branch}
        inputs |= {name: value for name, value in optional.items() if value is not None}
        return {"prefect.deployments.steps.git_clone": inputs}

    def _credentials_to_name(self) -> Any:
        if self._credentials is None:
            return None
        if isinstance(self._credentials, Block):
            return placeholder(self._credentials)
        named: dict[str, Any] = {}
        for name, value in self._credentials.items():
            if name != "username" and isinstance(value, (str, SecretStr)):
                raise ValueError(
                    f"The {name} of the repository {redacted(self._url)!r} would be written into the deployment. Save it "
                    "as a Secret block, and give that block instead."
                )
            named[name] = placeholder(value) if isinstance(value, Block) else value
        return named

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GitRepository) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return (self._url, self._branch, self._commit_sha, self._name)

    def __repr__(self) -> str:
        return f"GitRepository(name={self._name!r} repository={redacted(self._url)!r}, branch={self._branch!r})"


def _move(clone: Path, target: Path) -> None:
    if target.exists():  # and empty
        target.rmdir()
    clone.rename(target)


def _has_secret(credentials: Mapping[str, Any]) -> bool:
    return any(credentials.get(name) for name in ("access_token", "token", "password"))


def _environment(header: tuple[str, str, tuple[str, ...]] | None) -> dict[str, str]:
    """Git's environment: it never asks, runs no helper of an address, and hears of credentials here only."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file"}
    if header is not None:
        address, proof, _ = header
        number = int(environment.get("GIT_CONFIG_COUNT") or 0)
        environment |= {
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"http.{address}.extraHeader",
            f"GIT_CONFIG_VALUE_{number}": proof,
        }
    return environment


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return redacted(text)
