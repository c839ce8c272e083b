"""What both storage steps need."""

from __future__ import annotations

import argparse
from typing import Optional

from prefect_aws.credentials import AwsCredentials
from prefect_aws.s3 import S3Bucket

__all__ = ["bucket_of", "parser"]


def bucket_of(name: str, aws_credentials_block_name: Optional[str]) -> S3Bucket:
    """
    A bucket.

    Args:
        name: Its name.
        aws_credentials_block_name: A saved block of credentials; those of the environment if it is None.

    Raises:
        ValueError: There is no such block.
    """
    if aws_credentials_block_name is None:
        return S3Bucket(bucket_name=name)
    let_in = AwsCredentials.load.sync(aws_credentials_block_name)  # type: ignore[attr-defined]  # a dual method
    return S3Bucket(bucket_name=name, credentials=let_in)


def parser(module: str, does: str) -> argparse.ArgumentParser:
    """A parser of the options that both steps have."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=does)
    made.add_argument("--bucket", required=True, help="The bucket.")
    made.add_argument("--key", required=True, help="What the bundle is called in the bucket.")
    made.add_argument("--aws-credentials-block-name", help="A saved block of credentials; unset: the environment's.")
    return made
