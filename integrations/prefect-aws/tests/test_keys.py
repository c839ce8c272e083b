"""Which key a path means."""

import pytest

from prefect_aws.s3.keys import key_below, prefix_below


@pytest.mark.parametrize("folder", ["base", "base/", "/base", "/base//"])
@pytest.mark.parametrize("path", ["x/a", "/x/a", "x//a", "./x/a", "x/a/", "base/x/a", "/base/x/a"])
def test_the_folder_is_put_before_a_path_once(folder, path):
    assert key_below(folder, path) == "base/x/a"


@pytest.mark.parametrize(
    ("folder", "path", "key"),
    [
        ("", "a", "a"),
        ("", "/a", "a"),
        ("base", "", "base"),
        ("base", "basement/a", "base/basement/a"),
        ("base", "base.txt", "base/base.txt"),
        ("base/sub", "base/a", "base/sub/base/a"),
        ("base/sub", "sub/a", "base/sub/sub/a"),
        ("base/sub", "base/sub/a", "base/sub/a"),
        ("base", "ü ✓/..a/%2F", "base/ü ✓/..a/%2F"),
    ],
)
def test_keys(folder, path, key):
    assert key_below(folder, path) == key
    assert key_below(folder, key) == key


def test_folders_end_with_a_slash():
    assert prefix_below("", "") == ""
    assert prefix_below("base", "") == "base/"
    assert prefix_below("base", "up") == prefix_below("base", "base/up/") == "base/up/"


@pytest.mark.parametrize("path", ["..", "../a", "a/../b", "a/..", "a\0"])
def test_paths_that_may_lead_out_are_refused(path):
    with pytest.raises(ValueError, match="outside"):
        key_below("base", path)
