"""File systems that keep files elsewhere."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect.blocks.redis import RedisStorageContainer
from prefect.filesystems import SMB
from prefect.results import ResultStore


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    """A server of its own, by its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([*command, "--requirepass", "secret"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield port
    process.terminate()
    process.wait(20)


def test_files_and_results_in_redis(redis: int) -> None:
    block = RedisStorageContainer.from_host("127.0.0.1", port=redis, password="secret")
    block.write_path("a/b", b"content")
    assert block.read_path("a/b") == b"content"
    with pytest.raises(ValueError, match="Path nothing does not exist"):
        block.read_path("nothing")
    by_url = RedisStorageContainer.from_connection_string(f"redis://:secret@127.0.0.1:{redis}/0")
    assert by_url.read_path("a/b") == b"content"
    store = ResultStore(result_storage=by_url, cache_result_in_memory=False)
    store.write(key="k", obj={"x": 1})
    assert store.read("k").result == {"x": 1}
    for each in (block, by_url):
        each.client.close()


def test_where_redis_is_must_be_said() -> None:
    with pytest.raises(ValueError, match="Give a host, or a connection string"):
        RedisStorageContainer()


def test_a_share_is_named_by_host_and_path() -> None:
    block = SMB(
        share_path="/share/folder/", smb_host="files.example.com", smb_port=4450, smb_username="u", smb_password="p"
    )
    assert block.basepath == "smb://files.example.com/share/folder"
    assert block._settings() == {"host": "files.example.com", "username": "u", "password": "p", "port": 4450}
    assert "p" not in repr(block.smb_password)
    with pytest.raises(ValueError, match="lies outside of the base path"):
        block.read_path("../other")
