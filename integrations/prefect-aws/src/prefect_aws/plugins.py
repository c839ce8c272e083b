"""What this distribution provides. Nothing of it, nor boto3, is imported before somebody asks for it."""

from prefect.plugins import BlockSpec, PluginInfo, ResultStorageSpec, StepSpec, register_hook

_STORAGE = ("get-directory", "put-directory", "read-path", "write-path")


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("aws", version="4.0.0", api_requires=">=0.2,<1")


@register_hook
def prefect_blocks() -> list[BlockSpec]:
    """The block types."""
    return [
        BlockSpec("aws-credentials", "prefect_aws.credentials:AwsCredentials", "AWS Credentials"),
        BlockSpec("minio-credentials", "prefect_aws.credentials:MinIOCredentials", "MinIO Credentials"),
        BlockSpec("s3-bucket", "prefect_aws.s3:S3Bucket", "S3 Bucket", _STORAGE),
        BlockSpec("aws-secret", "prefect_aws.secrets_manager:AwsSecret", "AWS Secret"),
        BlockSpec("lambda-function", "prefect_aws.lambda_function:LambdaFunction", "Lambda Function"),
        BlockSpec("gluejobblock", "prefect_aws.glue_job:GlueJobBlock", "GlueJobBlock"),
    ]


@register_hook
def prefect_result_storages() -> list[ResultStorageSpec]:
    """Results at `s3://bucket/folder`."""
    return [ResultStorageSpec(("s3",), "s3-bucket", "prefect_aws.s3:s3_storage")]


@register_hook
def prefect_deployment_steps() -> list[StepSpec]:
    """Steps that copy the code of deployments."""
    return [
        StepSpec(f"prefect_aws.deployments.steps.{name}", f"prefect_aws.deployments.steps:{name}", "prefect-aws")
        for name in ("push_to_s3", "pull_from_s3")
    ]
