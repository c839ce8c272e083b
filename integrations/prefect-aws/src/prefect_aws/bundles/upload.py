"""
Put a bundle into S3: `python -m prefect_aws.bundles.upload --bucket BUCKET --key KEY FILE`.

The upload step of a work pool: `{"prefect_aws.bundles.upload": {"bucket": "code"}}`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from typing_extensions import TypedDict

from prefect_aws.bundles.storage import bucket_of, parser

__all__ = ["UploadResult", "main", "upload_bundle_to_s3"]


class UploadResult(TypedDict):
    """Where a bundle was put."""

    bucket: str
    key: str


def upload_bundle_to_s3(
    local_filepath: str, bucket: str, key: str, aws_credentials_block_name: Optional[str] = None
) -> UploadResult:
    """
    Put a file into a bucket.

    Args:
        local_filepath: The file.
        bucket: The bucket.
        key: What it is called there; the file's name if it is empty.
        aws_credentials_block_name: A saved block of credentials; those of the environment if it is None.

    Raises:
        ValueError: There is no such file, or no such block.
    """
    path = Path(local_filepath)
    if not path.is_file():
        raise ValueError(f"There is no file '{local_filepath}' to be put into the bucket {bucket!r}.")
    key = key or path.name
    bucket_of(bucket, aws_credentials_block_name).upload_from_path.sync(path, key)
    return {"bucket": bucket, "key": key}


def main() -> None:
    """Do so as the command line says."""
    options = parser("prefect_aws.bundles.upload", "Puts a bundle of a flow run into S3.")
    options.add_argument("file", help="The file.")
    given = options.parse_args()
    try:
        upload_bundle_to_s3(given.file, given.bucket, given.key, given.aws_credentials_block_name)
    except ValueError as error:
        options.error(str(error))


if __name__ == "__main__":
    main()
