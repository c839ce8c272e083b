"""Credentials for AWS and for MinIO, and the clients that use them."""

import os
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Any, Optional, Union

from pydantic import Field, SecretStr

from prefect.blocks.abstract import CredentialsBlock
from prefect_aws.assume_role_parameters import AssumeRoleParameters
from prefect_aws.client_parameters import AwsClientParameters

__all__ = ["AwsCredentials", "ClientType", "MinIOCredentials", "credentials_of"]


class ClientType(Enum):
    """Services that are often asked for by name; `get_client` takes the name of any other, too."""

    S3 = "s3"
    ECS = "ecs"
    BATCH = "batch"
    SECRETS_MANAGER = "secretsmanager"


class _ClientKey:
    """What a client depends on; two credentials with the same values share their clients."""

    def __init__(self, credentials: "Union[AwsCredentials, MinIOCredentials]", service: str) -> None:
        self.make: Callable[[], Any] = lambda: credentials.get_boto3_session().client(
            service, **credentials.aws_client_parameters.get_params_override()
        )
        values = credentials.model_dump_json(context={"include_secrets": True}, exclude={"block_type_slug"})
        # A connection cannot be shared with a forked process; and the environment says what credentials do not.
        environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        self.values = (type(credentials), values, service, os.getpid(), environment)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ClientKey) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)


@lru_cache(maxsize=64)
def _client(key: _ClientKey) -> Any:
    return key.make()


def _name_of(client_type: Union[str, ClientType]) -> str:
    return client_type.value if isinstance(client_type, ClientType) else client_type


class AwsCredentials(CredentialsBlock):
    """
    Lets flows use Amazon Web Services. What is not given is found by boto3: in the environment, in `~/.aws`, or in the
    role of the machine.

    Attributes:
        aws_access_key_id: The id of an access key.
        aws_secret_access_key: Its secret.
        aws_session_token: Its token, if it is a temporary one.
        profile_name: A profile of `~/.aws/config`.
        region_name: The region.
        aws_client_parameters: How clients connect, for example to which endpoint.
        assume_role_arn: A role to act as. Its temporary credentials are renewed before they expire.
        assume_role_kwargs: Arguments of AssumeRole.

    Examples:
        ```python
        from prefect_aws import AwsCredentials

        s3 = AwsCredentials.load("my-aws").get_client("s3")
        ```
    """

    _block_type_name = "AWS Credentials"

    aws_access_key_id: Optional[str] = Field(
        default=None, title="AWS Access Key ID", description="The id of an access key."
    )
    aws_secret_access_key: Optional[SecretStr] = Field(
        default=None, title="AWS Access Key Secret", description="The secret of the access key."
    )
    aws_session_token: Optional[str] = Field(
        default=None, repr=False, title="AWS Session Token", description="The token of a temporary access key."
    )
    profile_name: Optional[str] = Field(default=None, description="A profile of ~/.aws/config.")
    region_name: Optional[str] = Field(default=None, description="The region.")
    aws_client_parameters: AwsClientParameters = Field(
        default_factory=AwsClientParameters, title="AWS Client Parameters", description="How clients connect."
    )
    assume_role_arn: Optional[str] = Field(
        default=None, title="Assume Role ARN", description="A role to act as; its credentials are renewed."
    )
    assume_role_kwargs: AssumeRoleParameters = Field(
        default_factory=AssumeRoleParameters, title="Assume Role Arguments", description="Arguments of AssumeRole."
    )

    def get_boto3_session(self) -> Any:
        """A `boto3.Session` with the credentials, of the role if there is one."""
        from boto3 import Session

        secret = self.aws_secret_access_key
        session = Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            aws_session_token=self.aws_session_token,
            profile_name=self.profile_name,
            region_name=self.region_name,
        )
        return session if self.assume_role_arn is None else self._as_role(session)

    def _as_role(self, session: Any) -> Any:
        """A session of the role: its temporary credentials are asked for when they are needed, again and again."""
        from boto3 import Session
        from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher
        from botocore.session import get_session

        arguments = {"RoleSessionName": "prefect", **self.assume_role_kwargs.get_params_override()}
        sts = session.client("sts", **self.aws_client_parameters.get_params_override())
        refresh = create_assume_role_refresher(sts, {"RoleArn": self.assume_role_arn, **arguments})
        acting = get_session()
        acting._credentials = DeferredRefreshableCredentials(refresh, "sts-assume-role")  # boto3 has no public way
        return Session(botocore_session=acting, region_name=session.region_name)

    def get_client(self, client_type: Union[str, ClientType]) -> Any:
        """
        A client of a service. It is kept: the same credentials get the same one again.

        Args:
            client_type: The service, by boto3's name for it: `"s3"`.
        """
        return _client(_ClientKey(self, _name_of(client_type)))

    def get_s3_client(self) -> Any:
        """A client of S3."""
        return self.get_client(ClientType.S3)

    def get_secrets_manager_client(self) -> Any:
        """A client of Secrets Manager."""
        return self.get_client(ClientType.SECRETS_MANAGER)


class MinIOCredentials(CredentialsBlock):
    """
    Lets flows use a MinIO server, or another that speaks S3. Its address is the `endpoint_url` of
    `aws_client_parameters`.

    Attributes:
        minio_root_user: The user, or the id of an access key.
        minio_root_password: The password, or the secret of the access key.
        region_name: The region, where the server has some.
        aws_client_parameters: How clients connect, for example to which endpoint.

    Examples:
        ```python
        from prefect_aws import AwsClientParameters, MinIOCredentials

        MinIOCredentials(
            minio_root_user="minio",
            minio_root_password="secret",
            aws_client_parameters=AwsClientParameters(endpoint_url="http://localhost:9000"),
        ).save("my-minio")
        ```
    """

    _block_type_name = "MinIO Credentials"

    minio_root_user: str = Field(description="The user, or the id of an access key.")
    minio_root_password: SecretStr = Field(description="The password, or the secret of the access key.")
    region_name: Optional[str] = Field(default=None, description="The region, where the server has some.")
    aws_client_parameters: AwsClientParameters = Field(
        default_factory=AwsClientParameters, title="AWS Client Parameters", description="How clients connect."
    )

    def get_boto3_session(self) -> Any:
        """A `boto3.Session` with the credentials."""
        from boto3 import Session

        return Session(
            aws_access_key_id=self.minio_root_user,
            aws_secret_access_key=self.minio_root_password.get_secret_value(),
            region_name=self.region_name,
        )

    def get_client(self, client_type: Union[str, ClientType] = ClientType.S3) -> Any:
        """
        A client of a service. It is kept: the same credentials get the same one again.

        Args:
            client_type: The service, by boto3's name for it.
        """
        return _client(_ClientKey(self, _name_of(client_type)))

    def get_s3_client(self) -> Any:
        """A client of S3."""
        return self.get_client(ClientType.S3)


def credentials_of(
    given: Union[dict[str, Any], AwsCredentials, MinIOCredentials, None] = None,
    client_parameters: Optional[dict[str, Any]] = None,
) -> Union[AwsCredentials, MinIOCredentials]:
    """
    Credentials as deployment steps are given them.

    Args:
        given: The fields of an `AwsCredentials` block, or of a `MinIOCredentials` block; or such a block. Those of the
            environment by default.
        client_parameters: How to connect, if not as they say: the fields of `AwsClientParameters`.

    Raises:
        pydantic.ValidationError: There are no such fields, or their values are wrong.
    """
    if isinstance(given, (AwsCredentials, MinIOCredentials)):
        let_in: Union[AwsCredentials, MinIOCredentials] = given
    elif given and "minio_root_user" in given:
        let_in = MinIOCredentials(**given)
    else:
        let_in = AwsCredentials(**(given or {}))
    if client_parameters:
        let_in = let_in.model_copy(update={"aws_client_parameters": AwsClientParameters(**client_parameters)})
    return let_in
