"""Jobs of AWS Batch."""

from typing import Any

from prefect.logging.loggers import get_run_logger
from prefect.tasks import task
from prefect.utilities.dual import Run, Steps, adrive, drive
from prefect_aws.credentials import AwsCredentials

__all__ = ["abatch_submit", "batch_submit"]


def _submit(aws_credentials: AwsCredentials, arguments: dict[str, Any]) -> Steps[str]:
    get_run_logger().info("Submitting the Batch job '%s'.", arguments["jobName"])
    answer = yield Run(lambda: aws_credentials.get_client("batch").submit_job(**arguments))
    job_id: str = answer["jobId"]
    return job_id


@task
def batch_submit(
    job_name: str, job_queue: str, job_definition: str, aws_credentials: AwsCredentials, **batch_kwargs: Any
) -> str:
    """
    Submit a job. It is not waited for; `client_waiter` can do that.

    Args:
        job_name: Its name.
        job_queue: The queue, by name or ARN.
        job_definition: What to run, by name, name and revision, or ARN.
        aws_credentials: Credentials that may submit it.
        batch_kwargs: Further arguments of SubmitJob.

    Returns:
        The id of the job.
    """
    named = {"jobName": job_name, "jobQueue": job_queue, "jobDefinition": job_definition}
    return drive(_submit(aws_credentials, {**named, **batch_kwargs}))


@task
async def abatch_submit(
    job_name: str, job_queue: str, job_definition: str, aws_credentials: AwsCredentials, **batch_kwargs: Any
) -> str:
    """Submit a job; see `batch_submit`."""
    named = {"jobName": job_name, "jobQueue": job_queue, "jobDefinition": job_definition}
    return await adrive(_submit(aws_credentials, {**named, **batch_kwargs}))
