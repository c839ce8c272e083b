"""What blocks of a kind have in common, so that one can stand for another: credentials, jobs, databases, storage."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, Union

from typing_extensions import TypeAlias

from prefect.blocks.core import Block
from prefect.exceptions import MissingContextError

__all__ = [
    "CredentialsBlock",
    "DatabaseBlock",
    "JobBlock",
    "JobRun",
    "LoggerOrAdapter",
    "LoggingAdapter",
    "NotificationBlock",
    "NotificationError",
    "ObjectStorageBlock",
    "SecretBlock",
]

T = TypeVar("T")

LoggingAdapter: TypeAlias = "logging.LoggerAdapter[logging.Logger]"
LoggerOrAdapter: TypeAlias = "Union[logging.Logger, logging.LoggerAdapter[logging.Logger]]"


def _logger_of(owner: object) -> LoggerOrAdapter:
    """The logger of the current run; outside of runs one named after the class."""
    from prefect.logging.loggers import get_logger, get_run_logger

    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger(type(owner).__name__)


class CredentialsBlock(Block, ABC):
    """What it takes to be let in somewhere, and a client that is let in."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """A client that uses the credentials."""


class NotificationError(Exception):
    """
    A notification was not delivered.

    Args:
        log: What the sender logged.
    """

    def __init__(self, log: str) -> None:
        self.log = log
        super().__init__(log)


class NotificationBlock(Block, ABC):
    """A way to notify people."""

    _block_schema_capabilities = ["notify"]  # noqa: RUF012 - a class variable of `Block`
    _raise_on_failure: bool = False

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def notify(self, body: str, subject: str | None = None) -> None:
        """
        Send a notification.

        Args:
            body: The text.
            subject: The subject, where there is such a thing.
        """

    @contextmanager
    def raise_on_failure(self) -> Generator[None, None, None]:
        """Within it, a notification that is not delivered raises `NotificationError` instead of a line in the log."""
        before = self._raise_on_failure
        self._raise_on_failure = True
        try:
            yield
        finally:
            self._raise_on_failure = before


class JobRun(ABC, Generic[T]):
    """A run of a job elsewhere."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def wait_for_completion(self) -> None:
        """Wait until the job run has ended."""

    @abstractmethod
    async def fetch_result(self) -> T:
        """The result of the job run."""


class JobBlock(Block, ABC, Generic[T]):
    """A job elsewhere that can be run."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def trigger(self) -> JobRun[T]:
        """Start a run of the job."""


class DatabaseBlock(Block, ABC):
    """A connection to a database."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def fetch_one(
        self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any
    ) -> tuple[Any, ...] | None:
        """
        The next row of a query.

        Args:
            operation: The query.
            parameters: Its parameters.
            execution_kwargs: For the driver.
        """

    @abstractmethod
    async def fetch_many(
        self, operation: str, parameters: dict[str, Any] | None = None, size: int | None = None, **execution_kwargs: Any
    ) -> list[tuple[Any, ...]]:
        """
        The next rows of a query.

        Args:
            operation: The query.
            parameters: Its parameters.
            size: How many rows.
            execution_kwargs: For the driver.
        """

    @abstractmethod
    async def fetch_all(
        self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any
    ) -> list[tuple[Any, ...]]:
        """
        All rows of a query.

        Args:
            operation: The query.
            parameters: Its parameters.
            execution_kwargs: For the driver.
        """

    @abstractmethod
    async def execute(self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any) -> None:
        """
        Carry out a statement that gives no rows.

        Args:
            operation: The statement.
            parameters: Its parameters.
            execution_kwargs: For the driver.
        """

    @abstractmethod
    async def execute_many(
        self, operation: str, seq_of_parameters: list[dict[str, Any]], **execution_kwargs: Any
    ) -> None:
        """
        Carry out a statement several times.

        Args:
            operation: The statement.
            seq_of_parameters: The parameters of each time.
            execution_kwargs: For the driver.
        """

    async def __aenter__(self) -> "DatabaseBlock":
        """Connect. Subclasses that can be used with `async with` implement it."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used with `async with`.")

    async def __aexit__(self, *args: object) -> None:
        """Disconnect."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used with `async with`.")

    def __enter__(self) -> "DatabaseBlock":
        """Connect. Subclasses that can be used with `with` implement it."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used with `with`.")

    def __exit__(self, *args: object) -> None:
        """Disconnect."""
        raise NotImplementedError(f"{type(self).__name__} cannot be used with `with`.")


class ObjectStorageBlock(Block, ABC):
    """A place for objects under paths, such as a bucket."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def download_object_to_path(self, from_path: str, to_path: str | Path, **download_kwargs: Any) -> Path:
        """
        Download an object to a file.

        Args:
            from_path: The object.
            to_path: The file.
            download_kwargs: For the storage's client.

        Returns:
            The file.
        """

    @abstractmethod
    async def download_object_to_file_object(
        self, from_path: str, to_file_object: BinaryIO, **download_kwargs: Any
    ) -> BinaryIO:
        """
        Download an object into an open file.

        Args:
            from_path: The object.
            to_file_object: The open file.
            download_kwargs: For the storage's client.

        Returns:
            The open file.
        """

    @abstractmethod
    async def download_folder_to_path(self, from_folder: str, to_folder: str | Path, **download_kwargs: Any) -> Path:
        """
        Download all objects of a folder.

        Args:
            from_folder: The folder in the storage.
            to_folder: The local folder.
            download_kwargs: For the storage's client.

        Returns:
            The local folder.
        """

    @abstractmethod
    async def upload_from_path(self, from_path: str | Path, to_path: str, **upload_kwargs: Any) -> str:
        """
        Upload a file.

        Args:
            from_path: The file.
            to_path: The object.
            upload_kwargs: For the storage's client.

        Returns:
            The object.
        """

    @abstractmethod
    async def upload_from_file_object(self, from_file_object: BinaryIO, to_path: str, **upload_kwargs: Any) -> str:
        """
        Upload an open file.

        Args:
            from_file_object: The open file.
            to_path: The object.
            upload_kwargs: For the storage's client.

        Returns:
            The object.
        """

    @abstractmethod
    async def upload_from_folder(self, from_folder: str | Path, to_folder: str, **upload_kwargs: Any) -> str:
        """
        Upload all files of a folder.

        Args:
            from_folder: The local folder.
            to_folder: The folder in the storage.
            upload_kwargs: For the storage's client.

        Returns:
            The folder in the storage.
        """


class SecretBlock(Block, ABC):
    """A secret that lives elsewhere, such as in a cloud's secret store."""

    @property
    def logger(self) -> LoggerOrAdapter:
        """The logger of the current run; outside of runs one of this class."""
        return _logger_of(self)

    @abstractmethod
    async def read_secret(self) -> bytes:
        """The secret."""

    @abstractmethod
    async def write_secret(self, secret_data: bytes) -> str:
        """
        Store the secret.

        Returns:
            The name that it has there.
        """
