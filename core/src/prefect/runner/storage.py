"""Where the code of deployments is kept, and how it is brought to where it runs."""

from prefect.deployments.storage.blocks import BlockStorageAdapter
from prefect.deployments.storage.choosing import create_storage_from_source
from prefect.deployments.storage.git import GitCredentials, GitRepository
from prefect.deployments.storage.local import LocalStorage
from prefect.deployments.storage.protocol import RunnerStorage
from prefect.deployments.storage.remote import RemoteStorage

__all__ = [
    "BlockStorageAdapter",
    "GitCredentials",
    "GitRepository",
    "LocalStorage",
    "RemoteStorage",
    "RunnerStorage",
    "create_storage_from_source",
]
