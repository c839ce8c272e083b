"""Steps that bring code to where a flow runs."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

from prefect._engine.effects import CallEither
from prefect.blocks.core import Block
from prefect.deployments.storage.blocks import BlockStorageAdapter
from prefect.deployments.storage.bundles import CodeBundle
from prefect.deployments.storage.git import GitRepository
from prefect.deployments.storage.protocol import RunnerStorage
from prefect.deployments.storage.remote import RemoteStorage
from prefect.logging.loggers import get_logger
from prefect.utilities.dual import Sleep, Steps, asynchronous, dual

__all__ = [
    "agit_clone",
    "git_clone",
    "pull_code_bundle",
    "pull_from_remote_storage",
    "pull_with_block",
    "set_working_directory",
]

_TROUBLE = (
    "could not resolve host",
    "timed out",
    "connection reset",
    "connection refused",
    "failed to connect",
    "early eof",
    "unexpected disconnect",
    "returned error: 5",
    "returned error: 429",
)
"""What git says, in lower case, when it may be worth trying again."""

_DELAYS = (1.0, 3.0)


def set_working_directory(directory: str) -> dict[str, str]:
    """
    Go to a folder, from which the flow is loaded and run.

    Returns:
        The `directory`.

    Raises:
        FileNotFoundError: It is not there.
    """
    os.chdir(Path(directory).expanduser())
    return {"directory": directory}


def _place_of(storage: RunnerStorage) -> dict[str, str]:
    return {"directory": os.path.relpath(storage.destination)}


@dual
def git_clone(
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: str | None = None,
    credentials: Block | None = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> Steps[dict[str, str]]:
    """
    Clone a git repository into the working directory, or bring the clone there up to date.

    Trouble with the network is tried again twice.

    Args:
        repository: Its address.
        branch: The branch or tag; the default one without.
        commit_sha: A commit, instead of a branch.
        include_submodules: Whether submodules are cloned, too.
        access_token: A token for private repositories.
        credentials: A block of credentials, or its fields by name; instead of a token.
        directories: The only folders that are wanted.
        clone_directory_name: The folder to clone into; made from the address and branch without.

    Returns:
        The `directory` of the clone, relative to the working directory.

    Raises:
        ValueError: A token and credentials are given, or something that git may not be given.
        RuntimeError: Git says no.
    """
    if access_token and credentials:
        raise ValueError("Both an access_token and credentials were given. Give one of them.")
    storage = GitRepository(
        url=repository,
        credentials={"access_token": access_token} if access_token else credentials,
        name=clone_directory_name,
        branch=branch,
        commit_sha=commit_sha,
        include_submodules=include_submodules,
        directories=directories,
    )
    for delay in (*_DELAYS, None):
        try:
            yield CallEither(storage.pull_code, ())
            break
        except RuntimeError as error:
            if delay is None or not any(sign in str(error).lower() for sign in _TROUBLE):
                raise
            get_logger("deployments.steps").warning("%s Trying again in %s seconds.", error, delay)
            yield Sleep(delay)
    return _place_of(storage)


agit_clone = asynchronous(git_clone)


async def pull_from_remote_storage(url: str, **settings: Any) -> dict[str, str]:
    """
    Copy a folder from anything that fsspec reads.

    Args:
        url: Where it is: `s3://bucket/folder`.
        settings: What the file system is made with, by fsspec's names.

    Returns:
        The `directory` of the copy, relative to the working directory.

    Raises:
        RuntimeError: It cannot be read.
    """
    storage = RemoteStorage(url, **settings)
    await storage.pull_code()
    return _place_of(storage)


async def pull_with_block(block_document_name: str, block_type_slug: str) -> dict[str, str]:
    """
    Copy the code that a storage block holds.

    Args:
        block_document_name: The name of the block.
        block_type_slug: Its type.

    Returns:
        The `directory` of the copy, relative to the working directory.

    Raises:
        ValueError: There is no such block.
        TypeError: The block cannot hold code.
    """
    loading: Any = Block.aload(f"{block_type_slug}/{block_document_name}")
    block = await loading if inspect.isawaitable(loading) else loading
    storage = BlockStorageAdapter(block)
    await storage.pull_code()
    return _place_of(storage)


async def pull_code_bundle(block: str, sha256: str) -> dict[str, str]:
    """
    Unpack the project that `deploy` has packed.

    Args:
        block: The `type/name` of the block that it is stored with.
        sha256: The hash of its content.

    Returns:
        The `directory` that it is in, relative to the working directory.

    Raises:
        ValueError: There is no such block, or what is stored is not what was deployed.
    """
    storage = CodeBundle(block, sha256)
    await storage.pull_code()
    return _place_of(storage)
