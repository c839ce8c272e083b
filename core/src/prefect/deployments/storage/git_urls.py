"""Addresses of git repositories: which are allowed, and how credentials go with them without being seen."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from prefect.blocks.core import Block
from prefect.exceptions import InvalidRepositoryURLError

__all__ = ["checked_ref", "checked_sha", "checked_url", "credential_header", "redacted", "repository_name"]

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_SCP_LIKE = re.compile(r"[\w.+-]+@[\w.-]+:[^:]\S*")
_SHA = re.compile(r"[0-9a-fA-F]{4,64}")
_NO_REF = re.compile(r"[\s\x00-\x1f\x7f~^:?*\[\\]|\.\.|@\{")

_USERS = {"gitlab": "oauth2", "bitbucket": "x-token-auth", "github": "x-access-token"}
"""Who a bare token belongs to, by a part of the name of the host."""


def checked_url(url: str) -> str:
    """
    The address of a repository.

    Raises:
        InvalidRepositoryURLError: It is none that git may be given: other schemes, such as `ext::`, run commands.
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    known = scheme in _SCHEMES if scheme else "::" not in url
    if not url or url.startswith("-") or not known or any(ord(character) < 32 for character in url):
        raise InvalidRepositoryURLError(
            f"Invalid repository {redacted(url)!r}. Give an address that begins with https://, ssh:// or another of "
            f"{', '.join(sorted(_SCHEMES))}, one such as git@host:owner/name.git, or a folder."
        )
    return url


def checked_ref(branch: str) -> str:
    """
    The name of a branch or tag.

    Raises:
        ValueError: No branch can have that name.
    """
    if not branch or branch.startswith(("-", "+", "/")) or _NO_REF.search(branch):
        raise ValueError(f"Invalid branch: {branch!r} is no name of a branch or tag.")
    return branch


def checked_sha(commit_sha: str) -> str:
    """
    The hash of a commit.

    Raises:
        ValueError: It is none.
    """
    if not _SHA.fullmatch(commit_sha):
        raise ValueError(f"Invalid commit_sha: {commit_sha!r}. Give the hash of a commit, in hexadecimal digits.")
    return commit_sha


def repository_name(url: str) -> str:
    """The last part of an address, without `.git`."""
    path = url.partition(":")[2] if _SCP_LIKE.fullmatch(url) else urlsplit(url).path
    return path.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository"


def redacted(url: str) -> str:
    """An address without the user and password in it."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", url)


def credential_header(url: str, credentials: Any) -> tuple[str, str, tuple[str, ...]] | None:
    """
    What proves to the host of a repository who asks.

    Args:
        url: The repository.
        credentials: A block, or fields by name: `username`, and `password`, `access_token` or `token`.

    Returns:
        The part of the address that it is for, the HTTP header, and the secrets in it that nobody may see. None without
        credentials.

    Raises:
        ValueError: There is a user without a secret, or the repository is not asked over HTTP.
    """
    if credentials is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(
            f"Credentials are for https:// and http:// addresses, and {redacted(url)!r} is none: ssh uses the keys of "
            "the machine."
        )
    user, secret = _user_and_secret(parts, url, credentials)
    proof = base64.b64encode(f"{user}:{secret}".encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/", f"Authorization: Basic {proof}", tuple(filter(None, (secret, proof)))


def _user_and_secret(parts: SplitResult, url: str, credentials: Any) -> tuple[str, str]:
    fields = credentials if isinstance(credentials, Mapping) else _fields_of(url, credentials)
    user = fields.get("username")
    found = (plain(fields.get(name)) for name in ("access_token", "token", "password"))
    secret = next((value for value in found if value), None)
    if secret is None:
        if user:
            raise ValueError("A username alone proves nothing: give an access token or a password, too.")
        raise ValueError(
            "The credentials of the repository hold no secret: give `access_token`, `token` or `password`."
        )
    if user:
        return plain(user), secret
    if ":" in secret:  # `user:token`, as some hosts hand tokens out
        owner, _, token = secret.partition(":")
        return owner, token
    host = parts.hostname or ""
    return next((name for part, name in _USERS.items() if part in host), "git"), secret


def _fields_of(url: str, block: Any) -> Mapping[str, Any]:
    """What a block of credentials says; it may know itself how its host wants them."""
    format_credentials = getattr(block, "format_git_credentials", None)
    if callable(format_credentials):
        said = urlsplit(format_credentials(url))
        secret = unquote(said.password or "")
        return {"username": unquote(said.username or ""), "password": secret} if secret else {"token": said.username}
    get = getattr(block, "get", None)
    if callable(get):
        return {"token": get()}
    return {name: getattr(block, name) for name in type(block).model_fields}


def plain(value: Any) -> Any:
    """A secret as text."""
    if isinstance(value, Block):
        get = getattr(value, "get", None)
        return str(get()) if callable(get) else None
    return value.get_secret_value() if isinstance(value, SecretStr) else value
