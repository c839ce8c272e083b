"""Answers about values that were compared with the schema of a deployment's parameters."""

from typing import Union

from prefect._contract.base import PrefectBaseModel

__all__ = ["SchemaValueIndexError", "SchemaValuePropertyError", "SchemaValuesValidationResponse"]


class SchemaValuePropertyError(PrefectBaseModel):
    """What is wrong with the value of a property: texts, and what is wrong inside of it."""

    property: str
    errors: list[Union[str, "SchemaValuePropertyError", "SchemaValueIndexError"]]


class SchemaValueIndexError(PrefectBaseModel):
    """What is wrong with an item of a list: texts, and what is wrong inside of it."""

    index: int
    errors: list[Union[str, SchemaValuePropertyError, "SchemaValueIndexError"]]


class SchemaValuesValidationResponse(PrefectBaseModel):
    """Whether values fit a schema, and what is wrong with them."""

    errors: list[str | SchemaValuePropertyError | SchemaValueIndexError]
    valid: bool
