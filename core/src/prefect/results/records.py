"""Result records: a value together with what is needed to read it again."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator

from prefect.exceptions import SerializationError
from prefect.serializers import PickleSerializer, Serializer, UnknownSerializer
from prefect.types import DateTime

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ResultRecord", "ResultRecordMetadata", "parse_record", "product_version"]

R = TypeVar("R")


def product_version() -> str:
    """The version that is written into new records."""
    import prefect

    return prefect.__version__


class ResultRecordMetadata(BaseModel):
    """
    What is known of a stored result without reading it. It is what the orchestrator keeps of a result.

    Args:
        storage_key: Where it is: the whole path or URL in its storage.
        expiration: When it is no longer valid; None for never.
        serializer: What reads it.
        prefect_version: The version that wrote it.
        storage_block_id: The block document of its storage; None when the storage is not saved as a block.
    """

    model_config = ConfigDict(defer_build=True)

    storage_key: str | None = None
    expiration: DateTime | None = None
    serializer: SerializeAsAny[Serializer[Any]] = Field(default_factory=PickleSerializer)
    prefect_version: str = Field(default_factory=product_version)
    storage_block_id: UUID | None = None

    def model_post_init(self, context: Any, /) -> None:
        """All of it is known, and written where only what was set is: who reads it has other defaults."""
        self.model_fields_set.update(type(self).model_fields)

    @field_validator("serializer", mode="before")
    @classmethod
    def _tolerate_unknown_serializer(cls, value: Any) -> Any:
        """Metadata can be looked at where its serializer is not installed."""
        if isinstance(value, Mapping) and isinstance(value.get("type"), str):
            from prefect.plugins.errors import PluginLoadError, UnknownNameError
            from prefect.plugins.registries import serializers

            try:
                serializers.get(value["type"])
            except (UnknownNameError, PluginLoadError):
                return UnknownSerializer.model_construct(**value)
        return value

    def dump_bytes(self) -> bytes:
        """As JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def load_bytes(cls, data: bytes) -> "Self":
        """Read the JSON of `dump_bytes`."""
        return cls.model_validate_json(data)


def parse_record(data: bytes) -> tuple[ResultRecordMetadata, bytes]:
    """
    Read the JSON of `ResultRecord.serialize`, but not yet the value.

    Returns:
        The metadata, and what its serializer wrote.

    Raises:
        ValueError: This is no record.
    """
    try:
        stored = json.loads(data)
        text = stored["result"]
        blob = base64.b64decode(text) if stored.get("encoding") == "base64" else text.encode()
        return ResultRecordMetadata.model_validate(stored["metadata"]), blob
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"The data is not a result record: {type(error).__name__}: {error}") from error


class ResultRecord(Generic[R]):
    """
    A value with the metadata to find and read it again.

    A record is made for each return value, most of them are never stored: so the metadata, which takes the storage to
    answer where the record would be, is made when it is first asked for.

    Args:
        metadata: The metadata, or a function that makes it.
        result: The value.
        is_persisted: Whether the value is in storage.
    """

    __slots__ = ("_metadata", "is_persisted", "result")

    def __init__(
        self,
        metadata: ResultRecordMetadata | Callable[[], ResultRecordMetadata],
        result: R,
        is_persisted: bool = False,
    ) -> None:
        self._metadata = metadata
        self.result = result
        self.is_persisted = is_persisted

    @property
    def metadata(self) -> ResultRecordMetadata:
        """What is needed to read the value again."""
        if not isinstance(self._metadata, ResultRecordMetadata):
            self._metadata = self._metadata()
        return self._metadata

    @property
    def expiration(self) -> DateTime | None:
        """When the value is no longer valid."""
        return self.metadata.expiration

    @property
    def serializer(self) -> Serializer[Any]:
        """What writes and reads the value."""
        return self.metadata.serializer

    def mark_persisted(self) -> None:
        """Note that the value is in storage."""
        self.is_persisted = True

    def __eq__(self, other: object) -> bool:
        """Whether both value and metadata are the same."""
        if not isinstance(other, ResultRecord):
            return NotImplemented
        return bool(self.metadata == other.metadata and self.result == other.result)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Where the record is, and its value."""
        return f"ResultRecord(storage_key={self.metadata.storage_key!r}, result={self.result!r})"

    def __getstate__(self) -> tuple[ResultRecordMetadata, R, bool]:
        """The metadata is made before a record leaves the process."""
        return (self.metadata, self.result, self.is_persisted)

    def __setstate__(self, state: tuple[ResultRecordMetadata, R, bool]) -> None:
        """Take what `__getstate__` gave."""
        self._metadata, self.result, self.is_persisted = state

    def serialize_metadata(self) -> bytes:
        """The metadata as JSON."""
        return self.metadata.dump_bytes()

    def serialize_result(self) -> bytes:
        """
        The value, as its serializer writes it.

        Raises:
            prefect.exceptions.SerializationError: The serializer cannot write it.
        """
        try:
            return self.serializer.dumps(self.result)
        except Exception as error:
            raise SerializationError(
                f"A result of type '{type(self.result).__name__}' cannot be written by the serializer "
                f"'{self.serializer.type}': {type(error).__name__}: {error}. Choose another one "
                '(result_serializer="json"), or do not keep the result (persist_result=False).'
            ) from error

    def serialize(self) -> bytes:
        """
        Metadata and value in one JSON object.

        Raises:
            prefect.exceptions.SerializationError: The serializer cannot write the value.
        """
        blob = self.serialize_result()
        try:
            text = f'"result":{json.dumps(blob.decode())}'
        except UnicodeDecodeError:  # a serializer that writes other bytes than text
            text = f'"encoding":"base64","result":"{base64.b64encode(blob).decode()}"'
        return b'{"metadata":%s,%s}' % (self.serialize_metadata(), text.encode())

    @classmethod
    def deserialize(cls, data: bytes, backup_serializer: Serializer[Any] | None = None) -> "ResultRecord[R]":
        """
        Read the JSON of `serialize`.

        Args:
            data: The JSON.
            backup_serializer: Reads data that has no metadata, as a value alone.

        Raises:
            ValueError: This is no record, and there is no backup serializer.
        """
        try:
            metadata, blob = parse_record(data)
        except ValueError:
            if backup_serializer is None:
                raise
            metadata, blob = ResultRecordMetadata(serializer=backup_serializer), data
        return cls(metadata, metadata.serializer.loads(blob), is_persisted=True)

    @classmethod
    def deserialize_from_result_and_metadata(cls, result: bytes, metadata: bytes) -> "ResultRecord[R]":
        """Read what `serialize_result` and `serialize_metadata` wrote."""
        known = ResultRecordMetadata.load_bytes(metadata)
        return cls(known, known.serializer.loads(result), is_persisted=True)

    @classmethod
    def from_metadata(cls, metadata: ResultRecordMetadata) -> "ResultRecord[R]":
        """
        Read a stored result, wherever its metadata says that it is.

        Raises:
            ValueError: It is not there.
        """
        from prefect.results.reading import read_by_metadata
        from prefect.utilities.dual import drive

        return drive(read_by_metadata(metadata))
