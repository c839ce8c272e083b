"""A bucket, in both colours."""

import asyncio
import io

import pytest
from pydantic import ValidationError

from prefect import flow, task
from prefect.filesystems import PathNotFoundError
from prefect.results import resolve_result_storage
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import S3Bucket


def keys(bucket):
    client = bucket.credentials.get_s3_client()
    return sorted(found["Key"] for found in client.list_objects_v2(Bucket=bucket.bucket_name).get("Contents", []))


def files(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    (made / "p").mkdir(parents=True)
    (made / "p" / "q.txt").write_text("q")
    (made / "r.txt").write_text("r")
    return made


def test_keys_that_are_returned_are_paths(bucket):
    key = bucket.write_path("/x/a.txt", b"a")
    assert key == "base/x/a.txt"
    assert bucket.read_path("x/a.txt") == bucket.read_path(key) == b"a"
    assert keys(bucket) == [key]


def test_what_is_missing(bucket):
    with pytest.raises(PathNotFoundError, match="no object 'base/x' in the bucket 'bucket-"):
        bucket.read_path("x")
    with pytest.raises(ValueError, match="names no object"):
        bucket.write_path("", b"")


def test_folders_are_uploaded_and_downloaded(bucket, folder, tmp_path):
    assert bucket.upload_from_folder(folder, "up") == "up"
    bucket.write_path("upper/x", b"")
    bucket.credentials.get_s3_client().put_object(Bucket=bucket.bucket_name, Key="base/up/empty/")
    assert keys(bucket) == ["base/up/empty/", "base/up/p/q.txt", "base/up/r.txt", "base/upper/x"]
    assert bucket.download_folder_to_path("up", tmp_path / "down") == tmp_path / "down"
    assert files(tmp_path / "down") == ["p/q.txt", "r.txt"]


def test_code_of_deployments(bucket, folder, tmp_path):
    (folder / "no.txt").write_text("")
    (tmp_path / "ignored").write_text("no.txt\n")
    assert bucket.put_directory(str(folder), ignore_file=str(tmp_path / "ignored")) == 2
    assert bucket.put_directory(str(folder), "sub") == 3
    bucket.get_directory(local_path=str(tmp_path / "all"))
    assert files(tmp_path / "all") == ["p/q.txt", "r.txt", "sub/no.txt", "sub/p/q.txt", "sub/r.txt"]
    bucket.get_directory("sub", str(tmp_path / "sub"))
    assert files(tmp_path / "sub") == ["no.txt", "p/q.txt", "r.txt"]
    with pytest.raises(PathNotFoundError, match="no folder"):
        bucket.put_directory(str(tmp_path / "none"))


def test_nothing_is_downloaded_to_outside_of_a_folder(bucket, tmp_path):
    client = bucket.credentials.get_s3_client()
    for key in ("base/a", "base/../../b"):
        client.put_object(Bucket=bucket.bucket_name, Key=key)
    with pytest.raises(ValueError, match="outside"):
        bucket.get_directory(local_path=str(tmp_path / "x" / "y"))
    assert files(tmp_path) == []


def test_single_objects(bucket, folder, tmp_path):
    assert bucket.upload_from_path(folder / "r.txt") == "base/r.txt"
    assert bucket.upload_from_path(folder / "r.txt", "z/r2.txt") == "base/z/r2.txt"
    assert bucket.upload_from_file_object(io.BytesIO(b"f"), "f.txt") == "base/f.txt"
    file = tmp_path / "new" / "r.txt"
    assert bucket.download_object_to_path("z/r2.txt", file) == file
    assert file.read_text() == "r"
    assert bucket.download_object_to_file_object("f.txt", io.BytesIO()).getvalue() == b"f"


def test_lists(bucket):
    for path in ("x/a", "x/y/b", "x-z/c"):
        bucket.write_path(path, b"12")
    assert [found["Key"] for found in bucket.list_objects("x", page_size=1)] == ["base/x/a", "base/x/y/b"]
    assert [found["Key"] for found in bucket.list_objects("x", delimiter="/")] == ["base/x/a"]
    assert len(bucket.list_objects(max_items=2)) == 2
    assert bucket.list_objects(jmespath_query="Contents[?Size > `1`][].Key") == ["base/x-z/c", "base/x/a", "base/x/y/b"]
    assert bucket.list_objects("none") == bucket.list_objects("none", jmespath_query="Contents[].Key") == []


def test_objects_are_copied_and_moved(bucket, credentials):
    other = S3Bucket(bucket_name=f"{bucket.bucket_name}-2", credentials=credentials, bucket_folder="fold")
    credentials.get_s3_client().create_bucket(Bucket=other.bucket_name)
    bucket.write_path("x/a", b"a")
    assert bucket.copy_object("x/a", "x/b") == "base/x/b"
    assert bucket.copy_object("x/a", "x/c", other) == "fold/x/c"
    assert bucket.copy_object("x/a", "x/d", other.bucket_name) == "x/d"
    assert bucket.move_object("x/b", "x/e", other) == "fold/x/e"
    assert bucket.move_object("x/a", "x/a") == "base/x/a"
    assert other.stream_from(bucket, "x/a") == "fold/a"
    assert other.stream_from(bucket, "x/a", "named") == "fold/named"
    assert keys(bucket) == ["base/x/a"]
    assert keys(other) == ["fold/a", "fold/named", "fold/x/c", "fold/x/e", "x/d"]


def test_methods_are_awaited_in_async_code(bucket):
    async def run():
        await bucket.write_path("a", b"1")
        await bucket.amove_object("a", "b")
        return await bucket.aread_path("b"), [found["Key"] for found in await bucket.alist_objects()]

    assert asyncio.run(run()) == (b"1", ["base/b"])


def test_the_folder_may_not_lead_out(bucket):
    with pytest.raises(ValidationError, match="outside"):
        S3Bucket(bucket_name="bucket", bucket_folder="../x")
    with pytest.raises(ValueError, match="outside"):
        bucket.basepath = ".."
    bucket.basepath = "other"
    assert bucket.bucket_folder == bucket.basepath == "other"


def test_results_at_a_url(bucket, credentials, endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    calls = []

    @task(result_storage_key="answer-{parameters[number]}")
    def double(number):
        calls.append(number)
        return 2 * number

    @flow(persist_result=True, result_storage=f"s3://{bucket.bucket_name}/results")
    def work():
        return [double(number) for number in (1, 2, 1)]

    with prefect_test_harness():
        assert work() == [2, 4, 2]
    assert {"results/answer-1", "results/answer-2"} < set(keys(bucket))
    assert not [key for key in keys(bucket) if not key.startswith("results/")]
    assert calls == [1, 2]


def test_urls_without_a_bucket_are_refused():
    with pytest.raises(ValueError, match="names no bucket"):
        resolve_result_storage("s3:///results")
