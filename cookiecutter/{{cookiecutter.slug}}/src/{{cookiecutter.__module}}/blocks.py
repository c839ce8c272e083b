"""Blocks."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class {{ cookiecutter.__class }}Credentials(Block):
    """
    Who asks {{ cookiecutter.name }}, and where it is.

    Example:
        ```python
        from {{ cookiecutter.__module }}.blocks import {{ cookiecutter.__class }}Credentials

        {{ cookiecutter.__class }}Credentials(token="open-sesame").save("production")
        ```
    """

    _block_type_name = "{{ cookiecutter.name }} Credentials"
    _block_type_slug = "{{ cookiecutter.__plugin }}-credentials"
    _description = "Who asks {{ cookiecutter.name }}, and where it is."

    token: SecretStr = Field(description="What proves who asks.")
    endpoint: str | None = Field(default=None, description="Another URL to ask, such as that of a test server.")
