"""Secrets in AWS Secrets Manager: a block for one of them, and tasks for any."""

from typing import Any, ClassVar, Optional, Union

from pydantic import Field

from prefect.blocks.abstract import SecretBlock
from prefect.tasks import task
from prefect.utilities.dual import Run, Steps, adrive, asynchronous, dual
from prefect_aws.credentials import AwsCredentials

__all__ = ["AwsSecret", "create_secret", "delete_secret", "read_secret", "update_secret"]

_MANAGER = "secretsmanager"


def _value_in(answer: dict[str, Any]) -> Union[str, bytes]:
    value: Union[str, bytes] = answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"]
    return value


def _value_of(value: Union[str, bytes]) -> dict[str, Any]:
    return {"SecretBinary" if isinstance(value, bytes) else "SecretString": value}


def _deletion(recovery_window_in_days: int, force: bool) -> dict[str, Any]:
    if force:
        return {"ForceDeleteWithoutRecovery": True}
    if not 7 <= recovery_window_in_days <= 30:
        raise ValueError(f"Recovery window must be between 7 and 30 days, got {recovery_window_in_days}.")
    return {"RecoveryWindowInDays": recovery_window_in_days}


class AwsSecret(SecretBlock):
    """
    A secret in AWS Secrets Manager.

    Attributes:
        aws_credentials: Credentials that may use it.
        secret_name: Its name or ARN.

    Examples:
        ```python
        from prefect_aws import AwsSecret

        password = AwsSecret.load("warehouse-password").read_secret()
        ```
    """

    _block_type_name = "AWS Secret"

    aws_credentials: AwsCredentials = Field(title="AWS Credentials", description="Credentials that may use the secret.")
    secret_name: str = Field(description="The name or ARN of the secret.")

    def _ask(self, operation: str, **arguments: Any) -> Any:
        client = self.aws_credentials.get_client(_MANAGER)
        return getattr(client, operation)(**arguments)

    def _read_secret(self, **read_kwargs: Any) -> Steps[bytes]:
        """
        The secret.

        Args:
            read_kwargs: Which version of it, as GetSecretValue takes it: `VersionId` or `VersionStage`.
        """
        answer = yield Run(lambda: self._ask("get_secret_value", SecretId=self.secret_name, **read_kwargs))
        value = _value_in(answer)
        self.logger.info("The secret '%s' was read.", self.secret_name)
        return value if isinstance(value, bytes) else value.encode()

    def _write_secret(self, secret_data: bytes, **put_or_create_secret_kwargs: Any) -> Steps[str]:
        """
        Store the secret: a new version of it, or the first one if there is none of this name.

        Args:
            secret_data: The secret.
            put_or_create_secret_kwargs: For PutSecretValue, or for CreateSecret where that is asked.

        Returns:
            The ARN of the secret.
        """
        data = secret_data.encode() if isinstance(secret_data, str) else secret_data

        def write() -> Any:
            missing = self.aws_credentials.get_client(_MANAGER).exceptions.ResourceNotFoundException
            given = {"SecretBinary": data, **put_or_create_secret_kwargs}
            try:
                return self._ask("put_secret_value", SecretId=self.secret_name, **given)
            except missing:
                return self._ask("create_secret", Name=self.secret_name, **given)

        arn: str = (yield Run(write))["ARN"]
        self.logger.info("The secret '%s' was written.", self.secret_name)
        return arn

    def _delete_secret(
        self,
        recovery_window_in_days: Optional[int] = None,
        force_delete_without_recovery: bool = False,
        **delete_kwargs: Any,
    ) -> Steps[str]:
        """
        Delete the secret.

        Args:
            recovery_window_in_days: For how many days it can be brought back, 7 to 30; 30 by default.
            force_delete_without_recovery: Whether it is gone at once.
            delete_kwargs: For DeleteSecret.

        Returns:
            The ARN of the secret.

        Raises:
            ValueError: The number of days is none of these, or is given for what is gone at once.
        """
        if force_delete_without_recovery and recovery_window_in_days is not None:
            raise ValueError("Cannot specify recovery window and force delete without recovery. Give one of them.")
        window = 30 if recovery_window_in_days is None else recovery_window_in_days
        arguments = {**_deletion(window, force_delete_without_recovery), **delete_kwargs}
        answer = yield Run(lambda: self._ask("delete_secret", SecretId=self.secret_name, **arguments))
        arn: str = answer["ARN"]
        self.logger.info("The secret '%s' was deleted.", self.secret_name)
        return arn

    read_secret: ClassVar[Any] = dual(_read_secret)
    aread_secret: ClassVar[Any] = asynchronous(read_secret)
    write_secret: ClassVar[Any] = dual(_write_secret)
    awrite_secret: ClassVar[Any] = asynchronous(write_secret)
    delete_secret: ClassVar[Any] = dual(_delete_secret)
    adelete_secret: ClassVar[Any] = asynchronous(delete_secret)


async def _asked(credentials: AwsCredentials, operation: str, **arguments: Any) -> Any:
    given = {name: value for name, value in arguments.items() if value is not None}

    def steps() -> Steps[Any]:
        return (yield Run(lambda: getattr(credentials.get_client(_MANAGER), operation)(**given)))

    return await adrive(steps())


@task
async def read_secret(
    secret_name: str,
    aws_credentials: AwsCredentials,
    version_id: Optional[str] = None,
    version_stage: Optional[str] = None,
) -> Union[str, bytes]:
    """
    Read a secret.

    Args:
        secret_name: Its name or ARN.
        aws_credentials: Credentials that may read it.
        version_id: Which version, by id; the current one by default.
        version_stage: Which version, by label.

    Returns:
        Text or bytes, as it was stored.
    """
    which = {"VersionId": version_id, "VersionStage": version_stage}
    return _value_in(await _asked(aws_credentials, "get_secret_value", SecretId=secret_name, **which))


@task
async def create_secret(
    secret_name: str,
    secret_value: Union[str, bytes],
    aws_credentials: AwsCredentials,
    description: Optional[str] = None,
    tags: Optional[list[dict[str, str]]] = None,
) -> dict[str, str]:
    """
    Make a secret.

    Args:
        secret_name: Its name.
        secret_value: Its value.
        aws_credentials: Credentials that may make it.
        description: What it is.
        tags: Tags: `[{"Key": "team", "Value": "data"}]`.

    Returns:
        Its `ARN`, `Name` and `VersionId`.
    """
    about: dict[str, Any] = {"Name": secret_name, "Description": description, "Tags": tags}
    answer = await _asked(aws_credentials, "create_secret", **about, **_value_of(secret_value))
    return {name: answer[name] for name in ("ARN", "Name", "VersionId")}


@task
async def update_secret(
    secret_name: str,
    secret_value: Union[str, bytes],
    aws_credentials: AwsCredentials,
    description: Optional[str] = None,
) -> dict[str, str]:
    """
    Give a secret another value.

    Args:
        secret_name: Its name or ARN.
        secret_value: The new value.
        aws_credentials: Credentials that may change it.
        description: What it is; as it was by default.

    Returns:
        Its `ARN`, `Name` and `VersionId`.
    """
    about: dict[str, Any] = {"SecretId": secret_name, "Description": description}
    answer = await _asked(aws_credentials, "update_secret", **about, **_value_of(secret_value))
    return {name: answer[name] for name in ("ARN", "Name", "VersionId")}


@task
async def delete_secret(
    secret_name: str,
    aws_credentials: AwsCredentials,
    recovery_window_in_days: int = 30,
    force_delete_without_recovery: bool = False,
) -> dict[str, Any]:
    """
    Delete a secret.

    Args:
        secret_name: Its name or ARN.
        aws_credentials: Credentials that may delete it.
        recovery_window_in_days: For how many days it can be brought back, 7 to 30.
        force_delete_without_recovery: Whether it is gone at once; then the days do not matter.

    Returns:
        Its `ARN`, `Name` and `DeletionDate`.

    Raises:
        ValueError: The number of days is none of these.
    """
    how = _deletion(recovery_window_in_days, force_delete_without_recovery)
    answer = await _asked(aws_credentials, "delete_secret", SecretId=secret_name, **how)
    return {name: answer[name] for name in ("ARN", "Name", "DeletionDate")}
