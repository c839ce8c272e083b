"""The result store: writes results under keys, finds them again, and locks keys."""

import logging
import os
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator

from prefect.exceptions import ConfigurationError
from prefect.results.calls import Either, call_storage
from prefect.results.defaults import get_default_result_serializer, resolve_serializer
from prefect.results.locations import key_in, located
from prefect.results.lru import LRUCache
from prefect.results.records import ResultRecord, ResultRecordMetadata, parse_record, product_version
from prefect.results.storage import default_storage_steps, is_storage, resolve_steps
from prefect.results.writing import Write, write_steps
from prefect.serializers import JSONSerializer, PickleSerializer, Serializer, json_keeps
from prefect.types import DateTime
from prefect.utilities.dual import Dual, Run, Steps, adrive, asynchronous, drive, dual
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect.filesystems import WritableFileSystem
    from prefect.flows import Flow
    from prefect.locking.protocol import LockManager
    from prefect.tasks import Task
    from prefect.transactions import IsolationLevel

__all__ = ["DEFAULT_STORAGE_KEY_FN", "ResultStore", "default_cache", "get_result_store"]

logger = logging.getLogger("prefect.results")

_CACHED_RECORDS = 1000


def DEFAULT_STORAGE_KEY_FN() -> str:  # noqa: N802 - the contract's name
    """A key that nobody else has."""
    return uuid.uuid4().hex


def default_cache() -> LRUCache[str, ResultRecord[Any]]:
    """A cache for as many records as a store keeps in memory."""
    return LRUCache(maxsize=_CACHED_RECORDS)


def _formatted_key(template: str) -> str:
    """Fill in a user's storage key: `flow_run`, `task_run`, `deployment` of `prefect.runtime`, and `parameters`."""
    from prefect import runtime

    return template.format(
        flow_run=runtime.flow_run,
        task_run=runtime.task_run,
        deployment=runtime.deployment,
        parameters=runtime.task_run.parameters,  # type: ignore[attr-defined]
    )


@lru_cache(maxsize=1)
def _plain_json() -> JSONSerializer[Any]:
    return JSONSerializer()


def _uses_null_metadata(storage: Any) -> bool:
    return type(storage).__name__ == "NullFileSystem"


class ResultStore(BaseModel):
    """
    Writes results under keys and finds them again.

    Every run has one, made from its parent's: making one costs next to nothing, so storage that is only named (by a
    path, a URL, a block's name) is resolved when something is written or read.

    With the default serializer a value that JSON keeps exactly (text, numbers, lists, mappings of text) is written as
    JSON, all others are pickled. Each record says how it is to be read.

    Args:
        result_storage: Where results go: a storage block, or what `resolve_result_storage` takes. None for the default.
        metadata_storage: Where what is known of results goes; None to keep it with them. With `NullFileSystem()` it is
            not kept, then results never expire.
        lock_manager: Locks keys.
        cache_result_in_memory: Whether the latest records are kept in memory too.
        serializer: Turns values into bytes.
        storage_key_fn: Makes the key of results that are given none.
        cache: The records in memory.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, defer_build=True, extra="forbid", ignored_types=(Dual,))

    result_storage: Any = None
    metadata_storage: Any = None
    lock_manager: Any = None
    cache_result_in_memory: bool = True
    serializer: SerializeAsAny[Serializer[Any]] = Field(default_factory=get_default_result_serializer)
    storage_key_fn: Callable[[], str] = DEFAULT_STORAGE_KEY_FN
    cache: LRUCache[str, ResultRecord[Any]] = Field(default_factory=default_cache)

    @field_validator("serializer", mode="before")
    @classmethod
    def _serializer_from_type(cls, value: Any) -> Any:
        return resolve_serializer(value) if isinstance(value, str) else value

    # Making one for a run

    def for_flow(self, flow: "Flow[..., Any]") -> "ResultStore":
        """The store of a flow's runs: this one, unless the flow has wishes. Nothing is read or resolved for it."""
        changes: dict[str, Any] = {}
        if flow.result_storage is not None:
            changes["result_storage"] = flow.result_storage
        if flow.result_serializer is not None:
            changes["serializer"] = resolve_serializer(flow.result_serializer)
        if flow.cache_result_in_memory is not self.cache_result_in_memory:
            changes["cache_result_in_memory"] = flow.cache_result_in_memory
        return self.model_copy(update=changes) if changes else self

    def for_task(self, task: "Task[..., Any]") -> "ResultStore":
        """The store of a task's runs: this one, unless the task has wishes. Nothing is read or resolved for it."""
        changes: dict[str, Any] = {}
        if task.result_storage is not None:
            changes["result_storage"] = task.result_storage
        if task.result_serializer is not None:
            changes["serializer"] = resolve_serializer(task.result_serializer)
        if task.result_storage_key is not None:
            key = task.result_storage_key
            changes["storage_key_fn"] = key if callable(key) else partial(_formatted_key, key)
        elif type(self.storage_key_fn) is partial:  # a key that another task asked for
            changes["storage_key_fn"] = DEFAULT_STORAGE_KEY_FN
        if task.cache_result_in_memory is not self.cache_result_in_memory:
            changes["cache_result_in_memory"] = task.cache_result_in_memory
        policy = task.cache_policy
        if (key_storage := getattr(policy, "key_storage", None)) is not None:
            changes["metadata_storage"] = key_storage
        if (lock_manager := getattr(policy, "lock_manager", None)) is not None:
            changes["lock_manager"] = lock_manager
        return self.model_copy(update=changes) if changes else self

    @dual
    def update_for_flow(self, flow: "Flow[..., Any]") -> Steps["ResultStore"]:
        """
        The store of a flow's runs, its storage resolved.

        Raises:
            ValueError: The flow names a storage that does not exist.
        """
        store = self.for_flow(flow)
        yield from store._storage_steps()
        return store

    @dual
    def update_for_task(self, task: "Task[..., Any]") -> Steps["ResultStore"]:
        """
        The store of a task's runs, its storage resolved.

        Raises:
            ValueError: The task names a storage that does not exist.
        """
        store = self.for_task(task)
        yield from store._storage_steps()
        return store

    if TYPE_CHECKING:

        async def aupdate_for_flow(self, flow: "Flow[..., Any]") -> "ResultStore": ...
        async def aupdate_for_task(self, task: "Task[..., Any]") -> "ResultStore": ...

    else:
        aupdate_for_flow = asynchronous(update_for_flow)
        aupdate_for_task = asynchronous(update_for_task)

    # Storage

    @property
    def result_storage_block_id(self) -> uuid.UUID | None:
        """The id of the saved block that results go to; None if it is not saved."""
        return getattr(self.result_storage, "_block_document_id", None)

    def _storage_steps(self) -> Steps["WritableFileSystem"]:
        """The storage, resolved and kept."""
        if self.result_storage is None:
            self.__dict__["result_storage"] = yield from default_storage_steps()
        elif not is_storage(self.result_storage):
            self.__dict__["result_storage"] = yield from resolve_steps(self.result_storage)
        return cast("WritableFileSystem", self.result_storage)

    def _metadata_storage_steps(self) -> Steps[Any]:
        if self.metadata_storage is not None and not is_storage(self.metadata_storage):
            self.__dict__["metadata_storage"] = yield from resolve_steps(self.metadata_storage)
        return self.metadata_storage

    def _known_storage(self) -> Any:
        """The storage if it can be told without asking anybody, else None: then it is told when something is written."""
        return self.result_storage if is_storage(self.result_storage) else None

    def _serializer_for(self, value: Any) -> Serializer[Any]:
        """The serializer, or JSON for a value that it keeps, if nobody has chosen and the record can say so."""
        serializer: Serializer[Any] = self.serializer
        is_default = type(serializer) is PickleSerializer and serializer is get_default_result_serializer()
        if is_default and not _uses_null_metadata(self.metadata_storage) and json_keeps(value):
            return _plain_json()
        return serializer

    # Records

    def create_result_record(
        self, obj: Any, key: str | None = None, expiration: DateTime | None = None
    ) -> ResultRecord[Any]:
        """
        Make a record of a value. Nothing is written.

        Args:
            obj: The value.
            key: Its key; made by `storage_key_fn` without one.
            expiration: When it is no longer valid.
        """
        if key is None and self.storage_key_fn is not DEFAULT_STORAGE_KEY_FN:
            key = self.storage_key_fn()  # which may ask the run that is current now
        return ResultRecord(partial(self._metadata_of, obj, key, expiration), obj)

    def _metadata_of(self, obj: Any, key: str | None, expiration: DateTime | None) -> ResultRecordMetadata:
        storage = self._known_storage()
        return ResultRecordMetadata.model_construct(
            storage_key=located(storage, self.storage_key_fn() if key is None else key),
            expiration=expiration,
            serializer=self._serializer_for(obj),
            prefect_version=product_version(),
            storage_block_id=getattr(storage, "_block_document_id", None),
        )

    def _remember(self, key: str, record: ResultRecord[Any]) -> None:
        if self.cache_result_in_memory:
            self.cache[key] = record

    def plan_steps(
        self, record: ResultRecord[Any], holder: str | None = None, check_lock: bool = True
    ) -> Steps[list[Write]]:
        """
        Turn a record into bytes, and say where they go. Nothing is written.

        Args:
            record: The record.
            holder: Who writes; the current thread by default.
            check_lock: Whether a key that somebody else has locked is an error.

        Raises:
            RuntimeError: Somebody else has locked the key.
            prefect.exceptions.SerializationError: The value cannot be turned into bytes.
        """
        storage = yield from self._storage_steps()
        metadata_storage = yield from self._metadata_storage_steps()
        metadata = record.metadata
        if metadata.storage_key is None:
            raise ValueError("A result record without a storage key cannot be written.")
        path = located(storage, metadata.storage_key)
        if path != metadata.storage_key:
            block_id = getattr(storage, "_block_document_id", None)
            metadata = metadata.model_copy(update={"storage_key": path, "storage_block_id": block_id})
            record._metadata = metadata
        key = key_in(storage, path)
        if check_lock:
            self._check_writable(key, holder)

        def done() -> None:
            record.mark_persisted()
            self._remember(path, record)

        if metadata_storage is None:
            return [Write(storage, path, (yield Run(record.serialize)), done)]
        plan = [Write(storage, path, (yield Run(record.serialize_result)), done)]
        if not _uses_null_metadata(metadata_storage):
            plan.append(Write(metadata_storage, located(metadata_storage, key), record.serialize_metadata()))
        return plan

    def _persist_steps(self, record: ResultRecord[Any], holder: str | None) -> Steps[None]:
        plan = yield from self.plan_steps(record, holder)
        for write in plan:
            yield from write_steps(write)
        for write in plan:
            write.done()

    def _check_writable(self, key: str, holder: str | None) -> None:
        if self.lock_manager is None or not self.lock_manager.is_locked(key):
            return
        if not self.lock_manager.is_lock_holder(key, holder or self.generate_default_holder()):
            raise RuntimeError(f"The result '{key}' cannot be written: another holder has locked it.")

    def _fetch_steps(self, key: str) -> Steps[tuple[ResultRecordMetadata, Callable[[], ResultRecord[Any]]]]:
        """
        What is known of a stored result, and a function that reads the value.

        Raises:
            ValueError: There is no such result.
        """
        storage = yield from self._storage_steps()
        metadata_storage = yield from self._metadata_storage_steps()
        path = located(storage, key)
        if metadata_storage is None:
            data = yield from call_storage(storage, "read_path", path)
            metadata, blob = parse_record(data)
            return metadata, lambda: ResultRecord(metadata, metadata.serializer.loads(blob), is_persisted=True)
        if _uses_null_metadata(metadata_storage):
            blob = yield from call_storage(storage, "read_path", path)
            metadata = ResultRecordMetadata(storage_key=path, serializer=self.serializer)
        else:
            where = located(metadata_storage, key_in(storage, path))
            metadata = ResultRecordMetadata.load_bytes((yield from call_storage(metadata_storage, "read_path", where)))
            blob = yield from call_storage(storage, "read_path", metadata.storage_key or path)
        return metadata, lambda: ResultRecord(metadata, metadata.serializer.loads(blob), is_persisted=True)

    def _read_steps(self, key: str, holder: str | None) -> Steps[ResultRecord[Any]]:
        if self.lock_manager is not None and not self.is_lock_holder(key, holder):
            yield from self._wait_steps(key, None)
        storage = yield from self._storage_steps()
        path = located(storage, key)
        record = self.cache.get(path)
        if record is None:
            _, read = yield from self._fetch_steps(key)
            record = yield Run(read)
            self._remember(path, record)
        return record

    def find_steps(self, key: str) -> Steps[ResultRecord[Any] | None]:
        """The record under a key, None if there is none that is still valid and can be read."""
        storage = yield from self._storage_steps()
        path = located(storage, key)
        cached = self.cache.get(path)
        if cached is not None:
            return cached if _is_valid(cached.expiration) else None
        try:
            metadata, read = yield from self._fetch_steps(key)
        except Exception as error:
            _report_unless_missing(error, key)
            return None
        if not _is_valid(metadata.expiration):
            return None
        try:
            record: ResultRecord[Any] = yield Run(read)
        except Exception as error:
            logger.warning("The stored result '%s' cannot be read, it counts as missing: %r", key, error)
            return None
        self._remember(path, record)
        return record

    def _exists_steps(self, key: str) -> Steps[bool]:
        storage = yield from self._storage_steps()
        cached = self.cache.get(located(storage, key))
        if cached is not None:
            return _is_valid(cached.expiration)
        try:
            metadata, _ = yield from self._fetch_steps(key)
        except Exception as error:
            _report_unless_missing(error, key)
            return False
        return _is_valid(metadata.expiration)

    def exists(self, key: str) -> bool:
        """Whether there is a result under a key that is still valid."""
        return drive(self._exists_steps(key))

    async def aexists(self, key: str) -> bool:
        """Whether there is a result under a key that is still valid."""
        return await adrive(self._exists_steps(key))

    def read(self, key: str, holder: str | None = None) -> ResultRecord[Any]:
        """
        Read the record under a key. Waits while somebody else has locked it.

        Args:
            key: The key, or the whole path or URL.
            holder: Who asks; the current thread by default.

        Raises:
            ValueError: There is none.
        """
        return drive(self._read_steps(key, holder))

    async def aread(self, key: str, holder: str | None = None) -> ResultRecord[Any]:
        """Read the record under a key. See `read`."""
        return await adrive(self._read_steps(key, holder))

    def write(
        self, obj: Any, key: str | None = None, expiration: DateTime | None = None, holder: str | None = None
    ) -> None:
        """
        Write a value.

        Args:
            obj: The value.
            key: Its key; made by `storage_key_fn` without one.
            expiration: When it is no longer valid.
            holder: Who writes; the current thread by default.

        Raises:
            RuntimeError: Somebody else has locked the key.
            prefect.exceptions.SerializationError: The value cannot be turned into bytes.
        """
        self.persist_result_record(self.create_result_record(obj, key, expiration), holder)

    async def awrite(
        self, obj: Any, key: str | None = None, expiration: DateTime | None = None, holder: str | None = None
    ) -> None:
        """Write a value. See `write`."""
        await self.apersist_result_record(self.create_result_record(obj, key, expiration), holder)

    def persist_result_record(self, result_record: ResultRecord[Any], holder: str | None = None) -> None:
        """
        Write a record.

        Args:
            result_record: What `create_result_record` made.
            holder: Who writes; the current thread by default.

        Raises:
            RuntimeError: Somebody else has locked the key.
            prefect.exceptions.SerializationError: The value cannot be turned into bytes.
        """
        drive(self._persist_steps(result_record, holder))

    async def apersist_result_record(self, result_record: ResultRecord[Any], holder: str | None = None) -> None:
        """Write a record. See `persist_result_record`."""
        await adrive(self._persist_steps(result_record, holder))

    # Locks

    @staticmethod
    def generate_default_holder() -> str:
        """Who holds locks unless a holder is named: this thread of this process of this machine."""
        thread = threading.current_thread()
        return f"{_host()}:{os.getpid()}:{thread.ident}:{thread.name}"

    def supports_isolation_level(self, level: "IsolationLevel") -> bool:
        """Whether transactions of that isolation level are possible: SERIALIZABLE takes a lock manager."""
        if level.value == "READ_COMMITTED":
            return True
        if level.value == "SERIALIZABLE":
            return self.lock_manager is not None
        raise ValueError(f"There is no isolation level {level!r}.")

    def _locks(self) -> "LockManager":
        if self.lock_manager is None:
            raise ConfigurationError(
                "This result store has no lock manager, so keys cannot be locked. Give one when making the store "
                "(lock_manager=MemoryLockManager()), or in the cache policy: "
                "policy.configure(lock_manager=...)."
            )
        return cast("LockManager", self.lock_manager)

    def acquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """
        Lock a key.

        Args:
            key: The key.
            holder: Who asks; the current thread by default.
            timeout: Seconds to wait at most; None to wait for ever.

        Returns:
            Whether the lock was acquired.
        """
        return self._locks().acquire_lock(key, holder or self.generate_default_holder(), timeout)

    async def aacquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """Lock a key. See `acquire_lock`."""
        return await self._locks().aacquire_lock(key, holder or self.generate_default_holder(), timeout)

    def release_lock(self, key: str, holder: str | None = None) -> None:
        """
        Unlock a key.

        Raises:
            ValueError: The holder does not hold it.
        """
        self._locks().release_lock(key, holder or self.generate_default_holder())

    def is_locked(self, key: str) -> bool:
        """Whether anybody has locked a key."""
        return self._locks().is_locked(key)

    def is_lock_holder(self, key: str, holder: str | None = None) -> bool:
        """Whether this holder has locked a key."""
        return self._locks().is_lock_holder(key, holder or self.generate_default_holder())

    def _wait_steps(self, key: str, timeout: float | None) -> Steps[bool]:
        locks = self._locks()
        is_free: bool = yield Either(locks.wait_for_lock, locks.await_for_lock, (key, timeout))
        return is_free

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has locked a key, at most `timeout` seconds; whether that is so."""
        return self._locks().wait_for_lock(key, timeout)

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has locked a key. See `wait_for_lock`."""
        return await self._locks().await_for_lock(key, timeout)


def _means_missing(error: Exception) -> bool:
    """Whether a storage says that there is nothing, in the words of files, mappings, or an object store's client."""
    if isinstance(error, (FileNotFoundError, KeyError)):
        return True
    words = f"{type(error).__name__} {error}"
    return any(word in words for word in ("NotFound", "NoSuchKey", "404", "not exist"))


def _report_unless_missing(error: Exception, key: str) -> None:
    if not _means_missing(error):
        logger.warning(
            "The storage could not tell whether it has the result '%s', so it counts as missing: %r", key, error
        )


def _is_valid(expiration: datetime | None) -> bool:
    return expiration is None or expiration > now()


@lru_cache(maxsize=1)
def _host() -> str:
    import socket

    return socket.gethostname()


def get_result_store() -> ResultStore:
    """The store of the run that calls this; outside of runs, a new one with default storage."""
    from prefect.context import FlowRunContext, TaskRunContext

    context = TaskRunContext.get() or FlowRunContext.get()
    store = None if context is None else context.result_store
    return ResultStore() if store is None else store
