"""Jobs of AWS Glue."""

from typing import Any, ClassVar, Optional

from pydantic import BaseModel, ConfigDict, Field

from prefect.blocks.abstract import JobBlock, JobRun
from prefect.utilities.dual import Dual, Run, Sleep, Steps, dual
from prefect_aws.credentials import AwsCredentials

__all__ = ["GlueJobBlock", "GlueJobRun"]

_ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"})


class GlueJobRun(BaseModel, JobRun[str]):
    """
    A run of a job of AWS Glue.

    Attributes:
        job_name: The job.
        job_id: The run.
        job_watch_poll_interval: Seconds between looks at it.
        aws_credentials: Credentials that may look at it.
    """

    model_config = ConfigDict(ignored_types=(Dual,))

    job_name: str = Field(description="The job.")
    job_id: str = Field(description="The run.")
    job_watch_poll_interval: float = Field(default=60.0, description="Seconds between looks at the run.")
    aws_credentials: AwsCredentials = Field(default_factory=AwsCredentials, description="Credentials that may look.")

    def _look(self) -> dict[str, Any]:
        client = self.aws_credentials.get_client("glue")
        run: dict[str, Any] = client.get_job_run(JobName=self.job_name, RunId=self.job_id)["JobRun"]
        return run

    def _fetch_result(self) -> Steps[str]:
        """The state of the run: `SUCCEEDED`, `RUNNING` …"""
        run = yield Run(self._look)
        state: str = run["JobRunState"]
        return state

    def _wait_for_completion(self) -> Steps[None]:
        """
        Wait until the run has ended.

        Raises:
            RuntimeError: It did not succeed. The message says what Glue says.
        """
        while (run := (yield Run(self._look)))["JobRunState"] not in _ENDED:
            yield Sleep(self.job_watch_poll_interval)
        state = run["JobRunState"]
        if state != "SUCCEEDED":
            why = run.get("ErrorMessage") or "Glue gives no reason."
            raise RuntimeError(f"The run '{self.job_id}' of the Glue job '{self.job_name}' is {state}: {why}")
        self.logger.info("The run '%s' of the Glue job '%s' has succeeded.", self.job_id, self.job_name)

    fetch_result: ClassVar[Any] = dual(_fetch_result)
    wait_for_completion: ClassVar[Any] = dual(_wait_for_completion)


class GlueJobBlock(JobBlock[str]):
    """
    A job of AWS Glue, to be run from flows.

    Attributes:
        job_name: The job.
        arguments: Its arguments, instead of those that it is defined with.
        job_watch_poll_interval: Seconds between looks at a run.
        aws_credentials: Credentials that may run it; those of the environment by default.

    Examples:
        ```python
        from prefect_aws.glue_job import GlueJobBlock

        run = GlueJobBlock.load("clean-up").trigger()
        run.wait_for_completion()
        ```
    """

    _block_type_name = "GlueJobBlock"

    job_name: str = Field(description="The job.")
    arguments: Optional[dict[str, Any]] = Field(default=None, description="Arguments, instead of the job's own.")
    job_watch_poll_interval: float = Field(default=60.0, description="Seconds between looks at a run.")
    aws_credentials: AwsCredentials = Field(
        default_factory=AwsCredentials, title="AWS Credentials", description="Credentials that may run the job."
    )

    def _trigger(self) -> Steps[GlueJobRun]:
        """Start a run of the job."""
        arguments: dict[str, Any] = {"JobName": self.job_name}
        if self.arguments:
            arguments["Arguments"] = self.arguments
        answer = yield Run(lambda: self.aws_credentials.get_client("glue").start_job_run(**arguments))
        self.logger.info("The run '%s' of the Glue job '%s' has started.", answer["JobRunId"], self.job_name)
        return GlueJobRun(
            job_name=self.job_name,
            job_id=answer["JobRunId"],
            job_watch_poll_interval=self.job_watch_poll_interval,
            aws_credentials=self.aws_credentials,
        )

    trigger: ClassVar[Any] = dual(_trigger)
