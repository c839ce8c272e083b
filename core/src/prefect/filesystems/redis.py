"""Files in Redis."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from pydantic import Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import Self

from prefect.filesystems import PathNotFoundError, WritableFileSystem
from prefect.utilities.dual import Run, Steps, asynchronous, dual

__all__ = ["RedisStorageContainer"]


class RedisStorageContainer(WritableFileSystem):
    """
    Stores files in Redis, each under its path as the key. It takes the package `redis`.

    Attributes:
        host: The host, unless there is a connection string.
        port: Its port.
        db: The number of the database.
        username: Who logs in.
        password: The password.
        connection_string: All of these as a URL: `redis://host:6379/0`.
    """

    _block_type_name = "RedisStorageContainer"
    _block_type_slug = "redisstoragecontainer"

    host: Optional[str] = Field(default=None, description="The host, unless there is a connection string.")
    port: int = Field(default=6379, description="Its port.")
    db: int = Field(default=0, description="The number of the database.")
    username: Optional[SecretStr] = Field(default=None, description="Who logs in.")
    password: Optional[SecretStr] = Field(default=None, description="The password.")
    connection_string: Optional[SecretStr] = Field(default=None, description="All of these as a URL.")

    _client: Any = PrivateAttr(None)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if not self.host and not self.connection_string:
            raise ValueError("Give a host, or a connection string such as 'redis://localhost:6379/0'.")
        return self

    @classmethod
    def from_host(
        cls,
        host: str,
        port: int = 6379,
        db: int = 0,
        username: Union[str, SecretStr, None] = None,
        password: Union[str, SecretStr, None] = None,
    ) -> Self:
        """
        A block for a host.

        Args:
            host: The host.
            port: Its port.
            db: The number of the database.
            username: Who logs in.
            password: The password.
        """
        return cls.model_validate({"host": host, "port": port, "db": db, "username": username, "password": password})

    @classmethod
    def from_connection_string(cls, connection_string: Union[str, SecretStr]) -> Self:
        """A block for a URL: `redis://user:password@host:6379/0`."""
        return cls.model_validate({"connection_string": connection_string})

    def block_initialization(self) -> None:
        """Make the client. It connects when it is first used."""
        try:
            from redis import Redis
        except ImportError:
            self._client = None
            return
        if self.connection_string is not None:
            self._client = Redis.from_url(self.connection_string.get_secret_value())
            return
        self._client = Redis(
            host=self.host or "localhost",
            port=self.port,
            db=self.db,
            username=None if self.username is None else self.username.get_secret_value(),
            password=None if self.password is None else self.password.get_secret_value(),
        )

    @property
    def client(self) -> Any:
        """
        Talks to Redis.

        Raises:
            RuntimeError: The package `redis` is not installed.
        """
        if self._client is None:
            raise RuntimeError("Files in Redis take a package that is not installed: pip install redis")
        return self._client

    def _read(self, path: str) -> bytes:
        content: Optional[bytes] = self.client.get(path)
        if content is None:
            raise PathNotFoundError(f"Path {path} does not exist.")
        return content

    def _read_steps(self, path: Union[Path, str]) -> Steps[bytes]:
        """
        What is stored under a path.

        Raises:
            ValueError: There is no such file.
        """
        content: bytes = yield Run(lambda: self._read(str(path)))
        return content

    def _write_steps(self, path: Union[Path, str], content: bytes) -> Steps[None]:
        """Store bytes under a path."""
        yield Run(lambda: self.client.set(str(path), content))

    if TYPE_CHECKING:

        def read_path(self, path: Union[Path, str]) -> bytes: ...  # type: ignore[override]
        async def aread_path(self, path: Union[Path, str]) -> bytes: ...
        def write_path(self, path: Union[Path, str], content: bytes) -> None: ...  # type: ignore[override]
        async def awrite_path(self, path: Union[Path, str], content: bytes) -> None: ...

    else:
        read_path = dual(_read_steps)
        aread_path = asynchronous(read_path)
        write_path = dual(_write_steps)
        awrite_path = asynchronous(write_path)
