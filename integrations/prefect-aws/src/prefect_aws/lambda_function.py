"""Functions of AWS Lambda."""

import json
from typing import Any, ClassVar, Literal, Optional

from pydantic import Field

from prefect.blocks.core import Block
from prefect.utilities.dual import Run, Steps, asynchronous, dual
from prefect_aws.credentials import AwsCredentials

__all__ = ["LambdaFunction"]


class LambdaFunction(Block):
    """
    A function of AWS Lambda, to be called from flows.

    Attributes:
        function_name: Its name or ARN.
        qualifier: A version or an alias of it; the newest by default.
        aws_credentials: Credentials that may call it; those of the environment by default.

    Examples:
        ```python
        from prefect_aws import LambdaFunction

        answer = LambdaFunction.load("resize").invoke(payload={"width": 100})
        print(answer["Payload"].read())
        ```
    """

    _block_type_name = "Lambda Function"

    function_name: str = Field(description="The name or ARN of the function.")
    qualifier: Optional[str] = Field(default=None, description="A version or an alias; the newest by default.")
    aws_credentials: AwsCredentials = Field(
        default_factory=AwsCredentials, title="AWS Credentials", description="Credentials that may call the function."
    )

    def _invoke(
        self,
        payload: Optional[dict[str, Any]] = None,
        invocation_type: Literal["RequestResponse", "Event", "DryRun"] = "RequestResponse",
        tail: bool = False,
        client_context: Optional[dict[str, Any]] = None,
    ) -> Steps[dict[str, Any]]:
        """
        Call the function.

        Args:
            payload: Its input, as JSON can hold it.
            invocation_type: Whether to wait for the answer, to return at once, or only to check whether it may be called.
            tail: Whether the answer has the end of the log: `LogResult`, in base 64.
            client_context: What the function is told of the caller.

        Returns:
            The answer, as boto3 gives it. Its `Payload` is a stream; `FunctionError` is there if the function failed.
        """
        arguments: dict[str, Any] = {"FunctionName": self.function_name, "InvocationType": invocation_type}
        if self.qualifier is not None:
            arguments["Qualifier"] = self.qualifier
        if payload is not None:
            arguments["Payload"] = json.dumps(payload).encode()
        if tail:
            arguments["LogType"] = "Tail"
        if client_context is not None:
            arguments["ClientContext"] = _in_base64(client_context)
        answer: dict[str, Any] = yield Run(lambda: self.aws_credentials.get_client("lambda").invoke(**arguments))
        return answer

    invoke: ClassVar[Any] = dual(_invoke)
    ainvoke: ClassVar[Any] = asynchronous(invoke)


def _in_base64(value: dict[str, Any]) -> str:
    from base64 import b64encode

    return b64encode(json.dumps(value).encode()).decode()
