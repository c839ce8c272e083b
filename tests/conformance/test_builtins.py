"""The conformance suites, on everything that the core provides itself."""

import datetime as dt
import decimal
import pathlib
import uuid

import pytest
from pydantic import BaseModel

from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem
from prefect.locking.filesystem import FileSystemLockManager
from prefect.locking.memory import MemoryLockManager
from prefect.plugins import registries
from prefect.plugins.families import FAMILIES
from prefect.plugins.loading import builtin_specs, current_host
from prefect.plugins.targets import import_target
from prefect.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
)
from prefect.testing.conformance import (
    BlockContract,
    LockManagerContract,
    NotifierContract,
    PluginContract,
    ResultStorageContract,
    SerializerContract,
)
from prefect.testing.conformance.serializer import PLAIN


class Model(BaseModel):
    number: int = 1
    when: dt.date = dt.date(2020, 1, 1)


JSON_VALUES = [
    *PLAIN,
    Model(),
    {1, 2},
    b"bytes",
    uuid.UUID(int=7),
    dt.timedelta(days=1),
    dt.date(2020, 1, 1),
    decimal.Decimal("1.50"),
    pathlib.PosixPath("/a"),
]


class TestPickleSerializer(SerializerContract):
    values = [*JSON_VALUES, object, len, (1, 2), {1: {2: 3}}]

    @pytest.fixture
    def serializer(self):
        return PickleSerializer()


class TestJSONSerializer(SerializerContract):
    values = JSON_VALUES

    @pytest.fixture
    def serializer(self):
        return JSONSerializer()


class TestCompressedSerializer(SerializerContract):
    @pytest.fixture
    def serializer(self):
        return CompressedSerializer(serializer="json", compressionlib="zlib")


class TestCompressedPickleSerializer(SerializerContract):
    values = [*JSON_VALUES, object]

    @pytest.fixture
    def serializer(self):
        return CompressedPickleSerializer()


class TestCompressedJSONSerializer(SerializerContract):
    values = JSON_VALUES

    @pytest.fixture
    def serializer(self):
        return CompressedJSONSerializer(compressionlib="gzip")


class TestMemoryLockManager(LockManagerContract):
    @pytest.fixture
    def locks(self):
        return MemoryLockManager()


class TestFileSystemLockManager(LockManagerContract):
    across_processes = True

    @pytest.fixture
    def locks(self, tmp_path):
        return FileSystemLockManager(tmp_path / "locks" / "below")

    def expression(self, locks):
        return (
            "from pathlib import Path\nfrom prefect.locking.filesystem import FileSystemLockManager\n"
            f"locks = FileSystemLockManager(Path({str(locks.lock_files_directory)!r}))"
        )


class TestLocalFileSystemAsResultStorage(ResultStorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        return LocalFileSystem(basepath=tmp_path / "results")


class TestRemoteFileSystemAsResultStorage(ResultStorageContract):
    @pytest.fixture
    def storage(self):
        return RemoteFileSystem(basepath=f"memory://results-{uuid.uuid4().hex}/folder")


class AsyncOnlyStorage(WritableFileSystem):
    """A storage as users write them: with coroutine functions, and nothing else."""

    folder: str

    async def read_path(self, path):
        return await LocalFileSystem(basepath=self.folder).aread_path(path)

    async def write_path(self, path, content):
        await LocalFileSystem(basepath=self.folder).awrite_path(path, content)


class TestCoroutinesAsResultStorage(ResultStorageContract):
    large = 1024 * 1024

    @pytest.fixture
    def storage(self, tmp_path):
        return AsyncOnlyStorage(folder=str(tmp_path / "results"))


class TestSecret(BlockContract):
    slug = "secret"

    @pytest.fixture
    def block(self):
        return Secret(value="the secret text")


class TestSecretMapping(BlockContract):
    slug = "secret"

    @pytest.fixture
    def block(self):
        return Secret(value={"user": "the user", "password": "the password"})


class TestLocalFileSystemBlock(BlockContract):
    slug = "local-file-system"

    @pytest.fixture
    def block(self, tmp_path):
        return LocalFileSystem(basepath=str(tmp_path))


class TestRemoteFileSystemBlock(BlockContract):
    slug = "remote-file-system"

    @pytest.fixture
    def block(self):
        return RemoteFileSystem(basepath="memory://x", settings={"a": 1})


class TestExamplePlugin(PluginContract):
    @pytest.fixture
    def module(self, tmp_path, monkeypatch):
        (tmp_path / "example_plugin_for_tests.py").write_text(
            "from prefect.plugins import PluginInfo, SerializerSpec, register_hook\n"
            "@register_hook\n"
            "def prefect_plugin_info(): return PluginInfo('example', '1.0', '>=0.2,<1')\n"
            "@register_hook\n"
            "def prefect_serializers(): return [SerializerSpec('example', 'json:JSONEncoder')]\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "example_plugin_for_tests"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_target_of_the_core_can_be_imported(family):
    for spec in builtin_specs(family).values():
        assert import_target(spec.target) is not None


class TestBuiltinNotifier(NotifierContract):
    """What is asked last: notifiers by their kind, blocks and the names of blocks."""

    @pytest.fixture
    def send(self):
        return current_host().implementations("prefect_send_notification")[-1][1]

    @pytest.fixture
    def target(self):
        class Journal:
            def __init__(self, address):
                self.address = address

            def notify(self, body, subject=None):
                assert isinstance(body, str)

        registries.notifiers.register("diary", Journal)
        yield "diary:ops"
        registries.notifiers.unregister("diary")

    @pytest.fixture
    def unreachable(self):
        from prefect.blocks.notifications import SlackWebhook

        return SlackWebhook(url="http://127.0.0.1:9/nobody-listens", allow_private_urls=False)
