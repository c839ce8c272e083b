"""File systems: blocks that read and write bytes under paths."""

import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, field_validator

from prefect.blocks.core import Block
from prefect.filesystems.local_files import has_links, write_all
from prefect.utilities.dual import Run, Steps, asynchronous, dual
from prefect.utilities.filesystem import filter_files

__all__ = [
    "SMB",
    "LocalFileSystem",
    "NullFileSystem",
    "PathNotFoundError",
    "ReadableDeploymentStorage",
    "ReadableFileSystem",
    "RemoteFileSystem",
    "WritableDeploymentStorage",
    "WritableFileSystem",
    "fsspec_storage",
    "knows_scheme",
    "local_storage",
]


class PathNotFoundError(FileNotFoundError, ValueError):
    """There is nothing under a path."""


class ReadableFileSystem(Block, ABC):
    """Reads bytes."""

    _block_schema_capabilities = ["read-path"]  # noqa: RUF012 - a class variable of `Block`

    @abstractmethod
    async def read_path(self, path: str) -> bytes:
        """What is stored under a path."""


class WritableFileSystem(Block, ABC):
    """Reads and writes bytes."""

    _block_schema_capabilities = ["read-path", "write-path"]  # noqa: RUF012

    @abstractmethod
    async def read_path(self, path: str) -> bytes:
        """What is stored under a path."""

    @abstractmethod
    async def write_path(self, path: str, content: bytes) -> Any:
        """Store bytes under a path."""


class ReadableDeploymentStorage(Block, ABC):
    """Holds the code of deployments."""

    _block_schema_capabilities = ["get-directory"]  # noqa: RUF012

    @abstractmethod
    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder from the storage to this machine."""


class WritableDeploymentStorage(Block, ABC):
    """Holds the code of deployments, and takes it."""

    _block_schema_capabilities = ["get-directory", "put-directory"]  # noqa: RUF012

    @abstractmethod
    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder from the storage to this machine."""

    @abstractmethod
    async def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Any:
        """Copy a folder from this machine to the storage."""


def _files_of(folder: Path, ignore_file: str | None) -> list[str]:
    """The files of a folder, relative to it and with slashes, that an ignore file does not leave out."""
    patterns = Path(ignore_file).read_text(encoding="utf-8").splitlines() if ignore_file else []
    return sorted(filter_files(str(folder), patterns, include_dirs=False, as_posix=True))


# This machine


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@lru_cache(maxsize=128)
def _real_folder(path: str) -> str:
    return os.path.realpath(Path(path).expanduser())


class LocalFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """
    Stores files in a folder of this machine.

    Attributes:
        basepath: The folder. Paths outside of it are refused. Without it, relative paths start at the current folder
            and all paths are allowed.
    """

    _block_type_name = "Local File System"
    _block_type_slug = "local-file-system"
    _resolves_once: ClassVar[bool] = True

    basepath: str | None = Field(
        default=None, description="The folder for files. Without it, relative paths start at the current folder."
    )

    @field_validator("basepath", mode="before")
    @classmethod
    def _text_of_path(cls, value: Any) -> Any:
        return str(value) if isinstance(value, Path) else value

    def _base(self) -> str:
        return _real_folder(self.basepath) if self.basepath is not None else os.getcwd()  # noqa: PTH109

    def _resolve_path(self, path: str | Path) -> str:
        """
        The absolute path that a path means, by its text alone.

        Raises:
            ValueError: It lies outside of the base path.
        """
        text = str(path)
        if "\0" in text:
            raise ValueError(f"A path cannot contain a NUL character: {text!r}.")
        base = self._base()
        whole = os.path.normpath(os.path.join(base, os.path.expanduser(text)))  # noqa: PTH118, PTH111
        if self.basepath is not None and whole != base and not whole.startswith(base.rstrip(os.sep) + os.sep):
            raise ValueError(f"The path '{text}' lies outside of the base path '{base}'.")
        return whole

    def _real_path(self, path: str) -> str:
        """The same, symbolic links followed: they too must not lead out of the base path."""
        whole = self._resolve_path(path)
        if self.basepath is None:
            return whole
        base = self._base()
        if not has_links(base, whole):
            return whole
        real = os.path.realpath(whole)
        if real != base and not real.startswith(base.rstrip(os.sep) + os.sep):
            raise ValueError(f"The path '{path}' leads outside of the base path '{base}', to '{real}'.")
        return real

    def _read(self, path: str) -> bytes:
        file = self._real_path(path)
        try:
            with open(file, "rb", buffering=0) as opened:  # noqa: PTH123
                return opened.readall()
        except FileNotFoundError:
            raise PathNotFoundError(f"Path {file} does not exist.") from None
        except IsADirectoryError:
            raise ValueError(f"Path {file} is not a file.") from None

    def _write(self, path: str, content: bytes) -> str:
        """Write a file in one step: readers see what was there before, or all of it."""
        file = self._real_path(path)
        folder = os.path.dirname(file)  # noqa: PTH120
        draft = os.path.join(folder, f".{secrets.token_hex(8)}.part")  # noqa: PTH118
        try:
            handle = os.open(draft, _NEW, 0o666)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            handle = os.open(draft, _NEW, 0o666)
        try:
            try:
                write_all(handle, content)
            finally:
                os.close(handle)
            os.replace(draft, file)  # noqa: PTH105
        except BaseException as error:
            os.unlink(draft)  # noqa: PTH108
            if isinstance(error, IsADirectoryError):
                raise ValueError(f"Path {file} already exists and is not a file.") from None
            raise
        return file

    def _remove(self, path: str) -> None:
        Path(self._real_path(path)).unlink(missing_ok=True)

    def _get(self, from_path: str | None, local_path: str | None) -> None:
        source = Path(self._real_path(from_path or ""))
        target = Path(local_path or ".").resolve()
        if not source.is_dir():
            raise PathNotFoundError(f"There is no folder '{source}'.")
        if source != target:
            shutil.copytree(source, target, dirs_exist_ok=True)

    def _put(self, local_path: str | None, to_path: str | None, ignore_file: str | None) -> None:
        source = Path(local_path or ".").resolve()
        target = Path(self._real_path(to_path or ""))
        if not source.is_dir():
            raise PathNotFoundError(f"There is no folder '{source}'.")
        if source == target:
            return
        for file in _files_of(source, ignore_file):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / file, target / file)

    def _read_steps(self, path: str) -> Steps[bytes]:
        """
        What is stored under a path.

        Raises:
            ValueError: There is no such file, or it lies outside of the base path.
        """
        content: bytes = yield Run(lambda: self._read(path))
        return content

    def _write_steps(self, path: str, content: bytes) -> Steps[str]:
        """
        Store bytes under a path, in one step.

        Returns:
            The absolute path.

        Raises:
            ValueError: It lies outside of the base path, or is a folder.
        """
        file: str = yield Run(lambda: self._write(path, content))
        return file

    def _delete_steps_of_path(self, path: str) -> Steps[None]:
        yield Run(lambda: self._remove(path))

    def _get_steps(self, from_path: str | None = None, local_path: str | None = None) -> Steps[None]:
        """
        Copy a folder from the storage.

        Args:
            from_path: The folder in the storage; all of it by default.
            local_path: Where to; the current folder by default.
        """
        yield Run(lambda: self._get(from_path, local_path))

    def _put_steps(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Steps[None]:
        """
        Copy a folder to the storage.

        Args:
            local_path: The folder; the current one by default.
            to_path: Where to in the storage.
            ignore_file: A file with patterns of what to leave out, as in a `.gitignore`.
        """
        yield Run(lambda: self._put(local_path, to_path, ignore_file))

    _delete_path: ClassVar[Any] = dual(_delete_steps_of_path)

    if TYPE_CHECKING:

        def read_path(self, path: str) -> bytes: ...  # type: ignore[override]
        async def aread_path(self, path: str) -> bytes: ...
        def write_path(self, path: str, content: bytes) -> str: ...  # type: ignore[override]
        async def awrite_path(self, path: str, content: bytes) -> str: ...
        def get_directory(  # type: ignore[override]
            self, from_path: str | None = None, local_path: str | None = None
        ) -> None: ...
        async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None: ...
        def put_directory(  # type: ignore[override]
            self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
        ) -> None: ...
        async def aput_directory(
            self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
        ) -> None: ...

    else:
        read_path = dual(_read_steps)
        aread_path = asynchronous(read_path)
        write_path = dual(_write_steps)
        awrite_path = asynchronous(write_path)
        get_directory = dual(_get_steps)
        aget_directory = asynchronous(get_directory)
        put_directory = dual(_put_steps)
        aput_directory = asynchronous(put_directory)


# Everywhere else


class _FsspecFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """What blocks have in common that keep files by fsspec. They say where (`basepath`), and by which settings."""

    _resolves_once: ClassVar[bool] = True

    _filesystem: Any = PrivateAttr(None)

    if TYPE_CHECKING:

        @property
        def basepath(self) -> str: ...

    def _settings(self) -> dict[str, Any]:
        """Settings of the fsspec file system."""
        raise NotImplementedError

    @property
    def filesystem(self) -> Any:
        """The fsspec file system. It is made when it is first asked for."""
        if self._filesystem is None:
            import fsspec

            scheme = self.basepath.partition("://")[0]
            try:
                self._filesystem = fsspec.filesystem(scheme, **self._settings())
            except ImportError as error:
                raise RuntimeError(f"Files at '{scheme}://' take a package that is not installed: {error}") from error
        return self._filesystem

    def _resolve_path(self, path: str) -> str:
        """
        The URL that a path means.

        Raises:
            ValueError: It lies outside of the base path.
        """
        base = self.basepath.rstrip("/")
        if path == base or path.startswith(f"{base}/"):
            path = path[len(base) :]
        elif "://" in path:
            raise ValueError(f"The path '{path}' lies outside of the base path '{base}'.")
        parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
        if ".." in parts or "\0" in path:
            raise ValueError(
                f"The path '{path}' lies outside of the base path '{base}', or may do so: it contains '..'."
            )
        return "/".join([base, *parts])

    def _read(self, path: str) -> bytes:
        url = self._resolve_path(path)
        try:
            content: bytes = self.filesystem.cat_file(url)
        except FileNotFoundError:
            raise PathNotFoundError(f"Path {url} does not exist.") from None
        return content

    def _write(self, path: str, content: bytes) -> str:
        url = self._resolve_path(path)
        self.filesystem.makedirs(url.rpartition("/")[0], exist_ok=True)
        self.filesystem.pipe_file(url, content)
        return url

    def _remove(self, path: str) -> None:
        try:
            self.filesystem.rm_file(self._resolve_path(path))
        except FileNotFoundError:
            return

    def _get(self, from_path: str | None, local_path: str | None) -> None:
        url = self._resolve_path(from_path or "")
        root = self.filesystem._strip_protocol(url)
        target = Path(local_path or ".").resolve()
        for found in self.filesystem.find(url):
            file = target / found[len(root) :].lstrip("/")
            if not file.resolve().is_relative_to(target):
                raise ValueError(f"'{found}' would be written outside of '{target}'.")
            file.parent.mkdir(parents=True, exist_ok=True)
            self.filesystem.get_file(found, str(file))

    def _put(self, local_path: str | None, to_path: str | None, ignore_file: str | None, overwrite: bool) -> int:
        source = Path(local_path or ".").resolve()
        if not source.is_dir():
            raise PathNotFoundError(f"There is no folder '{source}'.")
        count = 0
        for file in _files_of(source, ignore_file):
            url = self._resolve_path(f"{to_path or ''}/{file}")
            if overwrite or not self.filesystem.exists(url):
                self.filesystem.makedirs(url.rpartition("/")[0], exist_ok=True)
                self.filesystem.put_file(str(source / file), url)
                count += 1
        return count

    def _read_steps(self, path: str) -> Steps[bytes]:
        """
        What is stored under a path.

        Raises:
            ValueError: There is no such file, or it lies outside of the base path.
        """
        content: bytes = yield Run(lambda: self._read(path))
        return content

    def _write_steps(self, path: str, content: bytes) -> Steps[str]:
        """
        Store bytes under a path.

        Returns:
            The URL.

        Raises:
            ValueError: It lies outside of the base path.
        """
        url: str = yield Run(lambda: self._write(path, content))
        return url

    def _delete_steps_of_path(self, path: str) -> Steps[None]:
        yield Run(lambda: self._remove(path))

    def _get_steps(self, from_path: str | None = None, local_path: str | None = None) -> Steps[None]:
        """
        Download a folder.

        Args:
            from_path: The folder in the storage; all of it by default.
            local_path: Where to; the current folder by default.
        """
        yield Run(lambda: self._get(from_path, local_path))

    def _put_steps(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> Steps[int]:
        """
        Upload a folder.

        Args:
            local_path: The folder; the current one by default.
            to_path: Where to in the storage.
            ignore_file: A file with patterns of what to leave out, as in a `.gitignore`.
            overwrite: Whether to replace what is there.

        Returns:
            How many files were uploaded.
        """
        count: int = yield Run(lambda: self._put(local_path, to_path, ignore_file, overwrite))
        return count

    _delete_path: ClassVar[Any] = dual(_delete_steps_of_path)

    if TYPE_CHECKING:

        def read_path(self, path: str) -> bytes: ...  # type: ignore[override]
        async def aread_path(self, path: str) -> bytes: ...
        def write_path(self, path: str, content: bytes) -> str: ...  # type: ignore[override]
        async def awrite_path(self, path: str, content: bytes) -> str: ...
        def get_directory(  # type: ignore[override]
            self, from_path: str | None = None, local_path: str | None = None
        ) -> None: ...
        async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None: ...
        def put_directory(  # type: ignore[override]
            self,
            local_path: str | None = None,
            to_path: str | None = None,
            ignore_file: str | None = None,
            overwrite: bool = True,
        ) -> int: ...
        async def aput_directory(
            self,
            local_path: str | None = None,
            to_path: str | None = None,
            ignore_file: str | None = None,
            overwrite: bool = True,
        ) -> int: ...

    else:
        read_path = dual(_read_steps)
        aread_path = asynchronous(read_path)
        write_path = dual(_write_steps)
        awrite_path = asynchronous(write_path)
        get_directory = dual(_get_steps)
        aget_directory = asynchronous(get_directory)
        put_directory = dual(_put_steps)
        aput_directory = asynchronous(put_directory)


class RemoteFileSystem(_FsspecFileSystem):
    """
    Stores files anywhere that fsspec knows: S3, GCS, Azure, SFTP, memory and many more.

    Attributes:
        basepath: The URL of the folder, such as `s3://bucket/folder`. Paths outside of it are refused.
        settings: Settings of the fsspec file system, such as credentials.
    """

    _block_type_name = "Remote File System"
    _block_type_slug = "remote-file-system"

    basepath: str = Field(description="The URL of the folder for files, such as s3://bucket/folder.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the fsspec file system.")

    @field_validator("basepath")
    @classmethod
    def _check_basepath(cls, value: str) -> str:
        scheme, separator, place = value.partition("://")
        if not (scheme and separator and place):
            raise ValueError(
                f"The base path must be a URL with a scheme and a place, such as 's3://bucket'; it is {value!r}."
            )
        return value

    def _settings(self) -> dict[str, Any]:
        return self.settings


class SMB(_FsspecFileSystem):
    """
    Stores files on a share of Windows or Samba. It takes the package `smbprotocol`.

    Attributes:
        share_path: The share, and perhaps a folder in it: `share/folder`.
        smb_username: Who logs in.
        smb_password: The password.
        smb_host: The name or address of the host.
        smb_port: Its port, if not 445.
    """

    _block_type_name = "SMB"
    _block_type_slug = "smb"

    share_path: str = Field(description="The share, and perhaps a folder in it: share/folder.")
    smb_username: SecretStr | None = Field(default=None, title="SMB Username", description="Who logs in.")
    smb_password: SecretStr | None = Field(default=None, title="SMB Password", description="The password.")
    smb_host: str = Field(title="SMB Host", description="The name or address of the host.")
    smb_port: int | None = Field(default=None, title="SMB Port", description="Its port, if not 445.")

    @property
    def basepath(self) -> str:
        """The URL of the folder."""
        return f"smb://{self.smb_host.rstrip('/')}/{self.share_path.strip('/')}"

    def _settings(self) -> dict[str, Any]:
        login = {"username": self.smb_username, "password": self.smb_password}
        known = {name: secret.get_secret_value() for name, secret in login.items() if secret is not None}
        return {"host": self.smb_host, **known, **({} if self.smb_port is None else {"port": self.smb_port})}


class NullFileSystem(BaseModel):
    """Keeps nothing. As metadata storage it means that results have no metadata."""

    async def read_path(self, path: str) -> bytes:
        """Raise, as there never is anything."""
        raise PathNotFoundError(f"Nothing is kept here, so there is no '{path}'.")

    async def write_path(self, path: str, content: bytes) -> None:
        """Drop the content."""

    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """Copy nothing."""

    async def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """Drop the files."""


# What URLs mean


def local_storage(url: str) -> LocalFileSystem:
    """The storage for a `file://` URL."""
    from urllib.parse import unquote

    return LocalFileSystem(basepath=unquote(url.partition("://")[2]))


def fsspec_storage(url: str) -> RemoteFileSystem:
    """The storage for any URL whose scheme fsspec knows."""
    return RemoteFileSystem(basepath=url)


def knows_scheme(scheme: str) -> bool:
    """Whether fsspec knows a URL scheme; what it takes may still have to be installed."""
    from fsspec import available_protocols

    protocols: Callable[[], list[str]] = available_protocols
    return scheme in protocols()
