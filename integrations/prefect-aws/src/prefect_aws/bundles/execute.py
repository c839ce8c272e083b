"""
Execute the flow run of a bundle in S3: `python -m prefect_aws.bundles.execute --bucket BUCKET --key KEY`.

The execution step of a work pool: `{"prefect_aws.bundles.execute": {"bucket": "code"}}`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Optional

from typing_extensions import TypedDict

from prefect.bundles._zip_extractor import ZipExtractor
from prefect.bundles.execute import execute_bundle_from_file
from prefect_aws.bundles.storage import bucket_of, parser

__all__ = ["DownloadResult", "download_bundle_from_s3", "execute_bundle_from_s3", "main"]


class DownloadResult(TypedDict):
    """Where a bundle is now."""

    local_path: str


def download_bundle_from_s3(
    bucket: str, key: str, output_dir: str | None = None, aws_credentials_block_name: Optional[str] = None
) -> DownloadResult:
    """
    Get a file from a bucket.

    Args:
        bucket: The bucket.
        key: What it is called there.
        output_dir: The folder for it; a new one if it is None.
        aws_credentials_block_name: A saved block of credentials; those of the environment if it is None.
    """
    folder = Path(output_dir or tempfile.mkdtemp(prefix="prefect-bundle-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(key).name
    bucket_of(bucket, aws_credentials_block_name).download_object_to_path.sync(key, path)
    return {"local_path": str(path)}


def execute_bundle_from_s3(bucket: str, key: str, aws_credentials_block_name: Optional[str] = None) -> None:
    """
    Get a bundle, and the files that go with it, and execute its flow run. The files are unpacked into the working directory.

    Args:
        bucket: The bucket.
        key: What the bundle is called there.
        aws_credentials_block_name: A saved block of credentials; those of the environment if it is None.

    Raises:
        ValueError: It is no bundle.
    """
    with tempfile.TemporaryDirectory(prefix="prefect-bundle-") as folder:
        place = download_bundle_from_s3(bucket, key, folder, aws_credentials_block_name)["local_path"]
        files_key = json.loads(Path(place).read_bytes()).get("files_key")
        if files_key:
            packed = download_bundle_from_s3(bucket, files_key, folder, aws_credentials_block_name)["local_path"]
            ZipExtractor(packed).extract()
        execute_bundle_from_file(place)


def main() -> None:
    """Do so as the command line says."""
    options = parser("prefect_aws.bundles.execute", "Executes the flow run of a bundle in S3.")
    given = options.parse_args()
    try:
        execute_bundle_from_s3(given.bucket, given.key, given.aws_credentials_block_name)
    except ValueError as error:
        options.error(str(error))


if __name__ == "__main__":
    main()
