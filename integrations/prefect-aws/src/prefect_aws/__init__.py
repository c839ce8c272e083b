"""Amazon Web Services: names are imported when they are first used, the `TYPE_CHECKING` block says where from."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

__version__ = "4.0.0"

if TYPE_CHECKING:
    from prefect_aws.client_parameters import AwsClientParameters
    from prefect_aws.credentials import AwsCredentials, MinIOCredentials
    from prefect_aws.lambda_function import LambdaFunction
    from prefect_aws.s3 import S3Bucket
    from prefect_aws.secrets_manager import AwsSecret

__all__ = install(  # noqa: PLE0605 - it is a list
    globals(),
    {
        "AwsClientParameters": "prefect_aws.client_parameters",
        "AwsCredentials": "prefect_aws.credentials",
        "AwsSecret": "prefect_aws.secrets_manager",
        "LambdaFunction": "prefect_aws.lambda_function",
        "MinIOCredentials": "prefect_aws.credentials",
        "S3Bucket": "prefect_aws.s3",
    },
)
