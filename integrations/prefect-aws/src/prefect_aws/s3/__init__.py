"""Files in S3, and in what speaks its protocol: as results, as code of deployments, as objects that flows work with."""

from prefect_aws.s3.bucket import S3Bucket, s3_storage
from prefect_aws.s3.tasks import (
    acopy_objects,
    adownload_from_bucket,
    alist_objects,
    amove_objects,
    aupload_to_bucket,
    copy_objects,
    download_from_bucket,
    list_objects,
    move_objects,
    upload_to_bucket,
)

__all__ = [
    "S3Bucket",
    "acopy_objects",
    "adownload_from_bucket",
    "alist_objects",
    "amove_objects",
    "aupload_to_bucket",
    "copy_objects",
    "download_from_bucket",
    "list_objects",
    "move_objects",
    "s3_storage",
    "upload_to_bucket",
]
