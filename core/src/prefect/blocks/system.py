"""Blocks that come with the product."""

import json
from typing import Any, Generic, Union

from pydantic import Field, JsonValue, Secret as PydanticSecret, SecretStr
from typing_extensions import TypeVar

from prefect.blocks.core import Block

__all__ = ["Secret"]

T = TypeVar("T", default=JsonValue)


class Secret(Block, Generic[T]):
    """
    A secret value: text, or anything that JSON can hold. It is stored encrypted and masked where it is shown.

    Attributes:
        value: The secret value.

    Examples:
        ```python
        from prefect.blocks.system import Secret

        Secret(value="sk-1234567890").save("my-key", overwrite=True)

        Secret.load("my-key").get()
        ```
    """

    _block_type_name = "Secret"

    value: Union[SecretStr, PydanticSecret[T]] = Field(
        description="A value that should be kept secret.",
        examples=["sk-1234567890", {"username": "johndoe", "password": "s3cr3t"}],
        json_schema_extra={"writeOnly": True, "format": "password"},
    )

    def get(self) -> T | str:
        """
        The secret value.

        Text that is JSON is read as such: `'{"user": "me"}'` gives a mapping, `"123"` a number.
        """
        value: Any = self.value.get_secret_value()
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return json.loads(value)  # type: ignore[no-any-return]
        except ValueError:
            return value
