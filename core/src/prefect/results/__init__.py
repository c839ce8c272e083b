"""Results: what runs return, kept where others can read it."""

from prefect.results.defaults import (
    ResultSerializer,
    get_default_persist_setting,
    get_default_persist_setting_for_tasks,
    get_default_result_serializer,
    resolve_serializer,
    should_persist_result,
)
from prefect.results.lru import LRUCache
from prefect.results.records import ResultRecord, ResultRecordMetadata
from prefect.results.storage import (
    ResultStorage,
    aget_default_result_storage,
    aresolve_result_storage,
    get_default_result_storage,
    get_or_create_default_task_scheduling_storage,
    resolve_builtin_storage,
    resolve_result_storage,
    result_storage_discriminator,
)
from prefect.results.store import DEFAULT_STORAGE_KEY_FN, ResultStore, default_cache, get_result_store

__all__ = [
    "DEFAULT_STORAGE_KEY_FN",
    "LRUCache",
    "ResultRecord",
    "ResultRecordMetadata",
    "ResultSerializer",
    "ResultStorage",
    "ResultStore",
    "aget_default_result_storage",
    "aresolve_result_storage",
    "default_cache",
    "get_default_persist_setting",
    "get_default_persist_setting_for_tasks",
    "get_default_result_serializer",
    "get_default_result_storage",
    "get_or_create_default_task_scheduling_storage",
    "get_result_store",
    "resolve_builtin_storage",
    "resolve_result_storage",
    "resolve_serializer",
    "result_storage_discriminator",
    "should_persist_result",
]
