"""What this distribution provides. Nothing of it, nor boto3, is imported before somebody asks for it."""

from typing import Any

from prefect.plugins import (
    BlockSpec,
    FailureVerdict,
    JobContext,
    PluginInfo,
    ResultStorageSpec,
    SettingsSpec,
    StepSpec,
    WorkerSpec,
    register_hook,
)

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


@register_hook
def prefect_workers() -> list[WorkerSpec]:
    """The worker, by its type."""
    does = "Executes flow runs as tasks of Elastic Container Service of AWS."
    return [WorkerSpec("ecs", "prefect_aws.workers.ecs_worker:ECSWorker", description=does)]


@register_hook
def prefect_settings() -> list[SettingsSpec]:
    """The settings `PREFECT_INTEGRATIONS_AWS_…`."""
    return [SettingsSpec("integrations.aws", "prefect_aws.settings:AwsSettings")]


@register_hook
def prefect_classify_infrastructure_failure(ctx: JobContext, error: BaseException) -> FailureVerdict | None:
    """What is throttled, or could not be reached, comes back."""
    if ctx.worker_type != "ecs":
        return None
    from prefect_aws.ecs.errors import ExhaustedError, is_transient

    if isinstance(error, ExhaustedError) or not is_transient(error.__cause__):
        return None
    return FailureVerdict("transient", "AWS is busy, or cannot be reached.")


@register_hook
def set_database_connection_params(connection_url: str, settings: Any) -> dict[str, Any]:
    """Log in to RDS with IAM, if PREFECT_INTEGRATIONS_AWS_RDS_IAM_ENABLED says so."""
    from prefect_aws.rds import connection_params

    tls = settings.server.database.sqlalchemy.connect_args.tls
    return connection_params(connection_url, is_encrypted=tls.enabled)
