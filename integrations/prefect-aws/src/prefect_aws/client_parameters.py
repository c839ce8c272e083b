"""How clients of AWS connect: what every service's client takes."""

from pathlib import Path
from typing import Any, Optional, Union

from pydantic import BaseModel, Field, FilePath

__all__ = ["AwsClientParameters"]


class AwsClientParameters(BaseModel):
    """
    How clients connect. What is not given here is as boto3 finds it: in the environment and its configuration files.

    Attributes:
        api_version: A version of the service's API; boto3's newest by default.
        use_ssl: Whether connections are encrypted.
        verify: Whether certificates are checked; or the file of the authorities to check them against.
        verify_cert_path: That file; not looked at if `verify` is false.
        endpoint_url: Where the service is, for one that is not Amazon's own or is behind a private endpoint.
        config: Further options, as `botocore.config.Config` takes them. A `signature_version` of "unsigned" sends
            requests without credentials.
    """

    api_version: Optional[str] = Field(
        default=None, title="API Version", description="A version of the service's API; the newest by default."
    )
    use_ssl: bool = Field(default=True, title="Use SSL", description="Whether connections are encrypted.")
    verify: Union[bool, FilePath, None] = Field(
        default=None, description="Whether certificates are checked, or a file of authorities to check them against."
    )
    verify_cert_path: Optional[FilePath] = Field(
        default=None, title="Certificate Authority Bundle", description="A file of authorities to check against."
    )
    endpoint_url: Optional[str] = Field(
        default=None, title="Endpoint URL", description="Where the service is, if that is not Amazon's own."
    )
    config: Optional[dict[str, Any]] = Field(
        default=None, title="Botocore Config", description="Further options, as botocore.config.Config takes them."
    )

    def get_params_override(self) -> dict[str, Any]:
        """What was given, as arguments of boto3's `Session.client`."""
        given = {"api_version": self.api_version, "endpoint_url": self.endpoint_url, "use_ssl": self.use_ssl}
        verify = self.verify
        if self.verify_cert_path is not None and verify is not False:
            verify = self.verify_cert_path
        given["verify"] = str(verify) if isinstance(verify, Path) else verify
        if self.config is not None:
            given["config"] = _config(self.config)
        return {name: value for name, value in given.items() if value is not None}


def _config(options: dict[str, Any]) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config

    if options.get("signature_version") == "unsigned":
        options = {**options, "signature_version": UNSIGNED}
    return Config(**options)
