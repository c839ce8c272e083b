import asyncio
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from prefect.filesystems import (
    LocalFileSystem,
    NullFileSystem,
    PathNotFoundError,
    RemoteFileSystem,
    fsspec_storage,
    knows_scheme,
    local_storage,
)


@pytest.fixture
def local(tmp_path):
    return LocalFileSystem(basepath=str(tmp_path / "base"))


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub/b.py").write_text("b")
    (folder / "ignore").write_text("*.txt\nignore\n")
    return folder


def files(folder):
    return sorted(str(file.relative_to(folder)) for file in Path(folder).rglob("*") if file.is_file())


@pytest.fixture
def remote(request):
    return RemoteFileSystem(basepath=f"memory://{request.node.name}")


def test_writing_answers_the_whole_path(local, tmp_path, remote):
    assert local.write_path("a/b", b"x") == str(tmp_path / "base/a/b")
    assert remote.write_path("a/b", b"x") == f"{remote.basepath}/a/b"


def test_whole_paths_are_taken_as_they_are(local, tmp_path, remote):
    local.write_path(str(tmp_path / "base/a"), b"x")
    assert local.read_path("a") == b"x"
    remote.write_path(f"{remote.basepath}/a", b"x")
    assert remote.read_path("a") == b"x"


def test_a_missing_path_is_a_value_error_and_a_missing_file(local, remote):
    for storage in (local, remote):
        with pytest.raises(PathNotFoundError, match="does not exist"):
            storage.read_path("nothing")
    assert issubclass(PathNotFoundError, ValueError)
    assert issubclass(PathNotFoundError, FileNotFoundError)


def test_a_folder_is_no_file(local):
    local.write_path("a/b", b"x")
    with pytest.raises(ValueError, match="is not a file"):
        local.read_path("a")
    with pytest.raises(ValueError, match="already exists and is not a file"):
        local.write_path("a", b"x")
    assert files(local.basepath) == ["a/b"]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "/", "..", "~/x"])
def test_local_paths_outside_are_refused(local, path):
    for use in (local.read_path, lambda path: local.write_path(path, b"x"), local.get_directory):
        with pytest.raises(ValueError, match="outside"):
            use(path)


def test_a_folder_with_a_similar_name_is_outside(tmp_path):
    storage = LocalFileSystem(basepath=str(tmp_path / "base"))
    with pytest.raises(ValueError, match="outside"):
        storage.write_path(str(tmp_path / "base-2/x"), b"x")


def test_symbolic_links_do_not_lead_out(local, tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path, tmp_path / "base/link")
    os.symlink(tmp_path / "secret", tmp_path / "base/file")
    for path in ("link/secret", "file"):
        with pytest.raises(ValueError, match="leads outside"):
            local.read_path(path)
    with pytest.raises(ValueError, match="leads outside"):
        local.write_path("link/new", b"x")
    assert not (tmp_path / "new").exists()


def test_symbolic_links_within_the_base_path_are_followed(local, tmp_path):
    (tmp_path / "base/a/b").mkdir(parents=True)
    os.symlink(tmp_path / "base/a/b", tmp_path / "base/a/link")
    assert local.write_path("a/link/file", b"x" * 3_000_000) == str(tmp_path / "base/a/b/file")
    assert local.read_path("a/b/file") == b"x" * 3_000_000


def test_a_base_path_that_is_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "link")
    storage = LocalFileSystem(basepath=str(tmp_path / "link"))
    assert storage.write_path("a", b"x") == str(tmp_path / "real/a")
    assert storage.read_path(str(tmp_path / "real/a")) == b"x"


def test_without_base_path_all_paths_are_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    storage = LocalFileSystem()
    storage.write_path("relative", b"x")
    assert (tmp_path / "relative").read_bytes() == b"x"
    storage.write_path(str(tmp_path / "absolute"), b"y")
    assert storage.read_path("absolute") == b"y"


def test_the_base_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    storage = LocalFileSystem(basepath="~/results")
    storage.write_path("a", b"x")
    assert storage.basepath == "~/results"
    assert (tmp_path / "results/a").exists()


def test_a_failed_write_leaves_what_was_there(local, tmp_path):
    local.write_path("a", b"before")

    class Unwritable(bytes):
        pass

    with pytest.raises(TypeError):
        local.write_path("a", "text is not bytes")
    assert local.read_path("a") == b"before"
    assert files(local.basepath) == ["a"]


def test_folders_are_copied_there_and_back(local, source, tmp_path):
    local.put_directory(str(source), "code")
    assert files(tmp_path / "base/code") == ["a.txt", "ignore", "sub/b.py"]
    local.get_directory("code", str(tmp_path / "out"))
    assert files(tmp_path / "out") == ["a.txt", "ignore", "sub/b.py"]


def test_an_ignore_file_leaves_files_out(local, source, tmp_path, remote):
    local.put_directory(str(source), "code", ignore_file=str(source / "ignore"))
    assert files(tmp_path / "base/code") == ["sub/b.py"]
    assert remote.put_directory(str(source), "code", ignore_file=str(source / "ignore")) == 1


def test_remote_folders_are_copied_there_and_back(remote, source, tmp_path):
    assert remote.put_directory(str(source), "code") == 3
    assert remote.put_directory(str(source), "code", overwrite=False) == 0
    remote.get_directory("code", str(tmp_path / "out"))
    assert files(tmp_path / "out") == ["a.txt", "ignore", "sub/b.py"]


def test_a_missing_folder_is_an_error(local, remote, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        local.get_directory("nothing", str(tmp_path / "out"))
    for storage in (local, remote):
        with pytest.raises(FileNotFoundError, match="no folder"):
            storage.put_directory(str(tmp_path / "nothing"))


@pytest.mark.parametrize("path", ["../x", "a/../x", "memory://other/x", "..\\x", "a\0"])
def test_remote_paths_outside_are_refused(remote, path):
    with pytest.raises(ValueError, match="outside"):
        remote.read_path(path)
    with pytest.raises(ValueError, match="outside"):
        remote.write_path(path, b"x")


def test_a_remote_base_path_with_a_similar_name_is_outside(remote):
    with pytest.raises(ValueError, match="outside"):
        remote.write_path(f"{remote.basepath}-2/x", b"x")


@pytest.mark.parametrize("basepath", ["nourl", "memory:", "memory://", "://x"])
def test_a_remote_base_path_is_a_url(basepath):
    with pytest.raises(ValidationError, match="must be a URL"):
        RemoteFileSystem(basepath=basepath)


def test_a_scheme_whose_package_is_missing_says_what_to_install():
    with pytest.raises(RuntimeError, match="adlfs"):
        RemoteFileSystem(basepath="abfs://x").read_path("a")


def test_async_code_awaits(local, remote, source, tmp_path):
    async def main():
        for storage in (local, remote):
            await storage.write_path("a", b"1")
            assert await storage.read_path("a") == b"1"
            await storage.awrite_path("a", b"2")
            assert await storage.aread_path("a") == b"2"
            await storage.aput_directory(str(source), "code")
            await storage.aget_directory("code", str(tmp_path / type(storage).__name__))
            assert storage.read_path.sync("a") == b"2"

    asyncio.run(main())
    assert (
        files(tmp_path / "LocalFileSystem") == files(tmp_path / "RemoteFileSystem") == ["a.txt", "ignore", "sub/b.py"]
    )


def test_the_null_file_system_keeps_nothing():
    async def main():
        storage = NullFileSystem()
        await storage.write_path("a", b"x")
        with pytest.raises(FileNotFoundError):
            await storage.read_path("a")
        await storage.put_directory()
        await storage.get_directory()

    asyncio.run(main())


def test_urls_become_storage(tmp_path):
    assert local_storage(f"file://{tmp_path}/a%20b") == LocalFileSystem(basepath=f"{tmp_path}/a b")
    assert fsspec_storage("memory://x") == RemoteFileSystem(basepath="memory://x")
    assert knows_scheme("s3")
    assert not knows_scheme("nosuch")


def test_capabilities_come_from_the_bases():
    expected = {"get-directory", "put-directory", "read-path", "write-path"}
    assert LocalFileSystem.get_block_capabilities() == RemoteFileSystem.get_block_capabilities() == expected
