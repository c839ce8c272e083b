from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import fsspec
import pytest

from prefect.utilities.filesystem import (
    create_default_ignore_file,
    filename,
    filter_files,
    get_open_file_limit,
    is_local_path,
    relative_path_to_current_platform,
    tmpchdir,
    to_display_path,
)
from prefect.utilities.ignoring import IgnorePatterns

FILES = [
    "k.txt",
    "a/x.py",
    "a/b/y.pyc",
    "a/b/c/z.txt",
    ".git/q/z",
    "build/out",
    "a/build",
    "sp ace",
    "doc/frotz/n",
    "#x",
]


@pytest.fixture
def tree(tmp_path):
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_all_files_and_directories(tree):
    found = filter_files(str(tree))
    assert found >= {"k.txt", os.path.join("a", "b", "y.pyc"), "a", ".git"}
    assert filter_files(str(tree), include_dirs=False, as_posix=True) == set(FILES)


PATTERNS = [
    ["*.pyc", ".git/"],
    ["a/*", "!a/x.py"],
    ["a/**", "!a/x.py"],
    ["build"],
    ["build/"],
    ["/build"],
    ["**/c"],
    ["a/**/z.txt"],
    ["*", "!*.txt"],
    ["*", "!*/", "!*.txt"],
    ["# comment", "", "\\#x"],
    ["sp\\ ace", "k.*"],
    ["[ab]", "!a"],
    ["[!k].txt", "?.txt"],
    ["doc/frotz/"],
    ["frotz/n"],
    ["k.txt   "],
]


@pytest.mark.parametrize("patterns", PATTERNS)
def test_patterns_are_those_of_git(patterns, tree):
    # git itself is asked; of the directory .git it knows nothing.
    (tree / ".git" / "q" / "z").unlink()
    (tree / ".git" / "q").rmdir()
    (tree / ".git").rmdir()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "init", "-q", str(tree)], check=True, env=environment)
    excludes = tree / ".git" / "info" / "exclude"
    excludes.parent.mkdir(exist_ok=True)
    excludes.write_text("\n".join(patterns) + "\n")
    listed = subprocess.run(
        ["git", "-C", str(tree), "ls-files", "-z", "--others", "--exclude-standard"],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    ).stdout
    ours = {
        name
        for name in filter_files(str(tree), patterns, include_dirs=False, as_posix=True)
        if not name.startswith(".git/")
    }
    assert ours == set(filter(None, listed.split("\0")))


def test_a_path_in_an_ignored_directory_is_ignored():
    patterns = IgnorePatterns(["a/", "!a/b"])
    assert patterns.ignores("a/b", is_directory=False)
    assert not patterns.ignores("b", is_directory=False)
    assert IgnorePatterns(["/", "  "]).ignores("a", is_directory=False) is False


def test_the_default_ignore_file(tmp_path):
    assert create_default_ignore_file(str(tmp_path))
    path = tmp_path / ".prefectignore"
    assert "__pycache__/" in path.read_text()
    path.write_text("mine")
    assert not create_default_ignore_file(str(tmp_path))
    assert path.read_text() == "mine"


def test_another_working_directory(tmp_path):
    before = Path.cwd()
    file = tmp_path / "file"
    file.write_text("")
    with tmpchdir(str(tmp_path)) as directory:
        assert Path.cwd() == Path(directory) == tmp_path.resolve()
    with tmpchdir(str(file)):
        assert Path.cwd() == tmp_path.resolve()
    with pytest.raises(ValueError), tmpchdir(str(tmp_path)):
        raise ValueError
    assert Path.cwd() == before


def test_only_one_thread_is_elsewhere(tmp_path):
    seen = []

    def work(name):
        directory = tmp_path / name
        directory.mkdir()
        with tmpchdir(str(directory)):
            seen.append(Path.cwd().name == name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 8


def test_local_paths(tmp_path):
    assert is_local_path("/a/b")
    assert is_local_path("rel/x")
    assert is_local_path(Path("x"))
    assert is_local_path("file:///a")
    assert not is_local_path("memory://a")
    assert is_local_path(fsspec.open(str(tmp_path / "x")))
    with pytest.raises(ValueError, match="nope"):
        is_local_path("nope://x")
    with pytest.raises(TypeError, match="int"):
        is_local_path(5)


def test_names_and_paths(tmp_path, monkeypatch):
    assert filename("s3://a/b.txt") == "b.txt"
    assert filename("/x/y") == "y"
    assert filename("y") == "y"
    assert to_display_path(tmp_path / "a", relative_to=tmp_path) == "a"
    assert to_display_path("/etc/passwd", relative_to=tmp_path) == "/etc/passwd"
    monkeypatch.chdir(tmp_path)
    assert to_display_path("b/c") == os.path.join("b", "c")
    assert relative_path_to_current_platform("a\\b/c") == Path("a", "b", "c")
    assert get_open_file_limit() > 0
