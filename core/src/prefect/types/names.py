"""Names of things: which characters and lengths are allowed, as pydantic annotations and as checks."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, overload

from pydantic import AfterValidator, BeforeValidator, Field

__all__ = [
    "BANNED_CHARACTERS",
    "LOWERCASE_LETTERS_NUMBERS_AND_DASHES_ONLY_REGEX",
    "LOWERCASE_LETTERS_NUMBERS_AND_DASHES_OR_UNDERSCORES_REGEX",
    "LOWERCASE_LETTERS_NUMBERS_AND_UNDERSCORES_REGEX",
    "MAX_ASSET_KEY_LENGTH",
    "MAX_VARIABLE_NAME_LENGTH",
    "RESTRICTED_ASSET_CHARACTERS",
    "URI_REGEX",
    "WITHOUT_BANNED_CHARACTERS",
    "WITHOUT_BANNED_CHARACTERS_EMPTY_OK",
    "ArtifactKey",
    "BlockDocumentName",
    "BlockTypeSlug",
    "Name",
    "NameOrEmpty",
    "NonEmptyishName",
    "URILike",
    "ValidAssetKey",
    "VariableName",
    "non_emptyish",
    "raise_on_name_alphanumeric_dashes_only",
    "raise_on_name_alphanumeric_dashes_underscores_only",
    "raise_on_name_alphanumeric_underscores_only",
    "validate_uri",
    "validate_valid_asset_key",
]

LOWERCASE_LETTERS_NUMBERS_AND_DASHES_ONLY_REGEX = "^[a-z0-9-]*$"
LOWERCASE_LETTERS_NUMBERS_AND_UNDERSCORES_REGEX = "^[a-z0-9_]*$"
LOWERCASE_LETTERS_NUMBERS_AND_DASHES_OR_UNDERSCORES_REGEX = "^[a-z0-9-_]*$"


def _require(value: str, pattern: str, field_name: str, allowed: str) -> None:
    if re.match(pattern, value) is None:
        message = f"{field_name} must only contain lowercase letters, numbers, and {allowed}. It is {value!r}."
        raise ValueError(message)


@overload
def raise_on_name_alphanumeric_dashes_only(value: str, field_name: str = ...) -> str: ...
@overload
def raise_on_name_alphanumeric_dashes_only(value: None, field_name: str = ...) -> None: ...
def raise_on_name_alphanumeric_dashes_only(value: str | None, field_name: str = "value") -> str | None:
    """
    Return `value` if it is made of lowercase letters, digits and dashes alone, or is None.

    Raises:
        ValueError: It has other characters.
    """
    if value is not None:
        _require(value, LOWERCASE_LETTERS_NUMBERS_AND_DASHES_ONLY_REGEX, field_name, "dashes")
    return value


@overload
def raise_on_name_alphanumeric_underscores_only(value: str, field_name: str = ...) -> str: ...
@overload
def raise_on_name_alphanumeric_underscores_only(value: None, field_name: str = ...) -> None: ...
def raise_on_name_alphanumeric_underscores_only(value: str | None, field_name: str = "value") -> str | None:
    """
    Return `value` if it is made of lowercase letters, digits and underscores alone, or is None.

    Raises:
        ValueError: It has other characters.
    """
    if value is not None:
        _require(value, LOWERCASE_LETTERS_NUMBERS_AND_UNDERSCORES_REGEX, field_name, "underscores")
    return value


def raise_on_name_alphanumeric_dashes_underscores_only(value: str, field_name: str = "value") -> str:
    """
    Return `value` if it is made of lowercase letters, digits, dashes and underscores alone.

    Raises:
        ValueError: It has other characters.
    """
    _require(value, LOWERCASE_LETTERS_NUMBERS_AND_DASHES_OR_UNDERSCORES_REGEX, field_name, "dashes or underscores")
    return value


BANNED_CHARACTERS = ["/", "%", "&", ">", "<"]

WITHOUT_BANNED_CHARACTERS = "^[^" + "".join(BANNED_CHARACTERS) + "]+$"
Name = Annotated[str, Field(pattern=WITHOUT_BANNED_CHARACTERS)]

WITHOUT_BANNED_CHARACTERS_EMPTY_OK = "^[^" + "".join(BANNED_CHARACTERS) + "]*$"
NameOrEmpty = Annotated[str, Field(pattern=WITHOUT_BANNED_CHARACTERS_EMPTY_OK)]


def non_emptyish(value: str) -> str:
    """
    Return `value` unless it holds nothing but blanks and quotes.

    Raises:
        ValueError: It does.
    """
    if isinstance(value, str) and not value.strip(" \t\r\n'\""):
        message = f"name cannot be an empty string. It is {value!r}."
        raise ValueError(message)
    return value


NonEmptyishName = Annotated[str, Field(pattern=WITHOUT_BANNED_CHARACTERS), BeforeValidator(non_emptyish)]

BlockDocumentName = Annotated[
    Name, AfterValidator(partial(raise_on_name_alphanumeric_dashes_only, field_name="Block document name"))
]
BlockTypeSlug = Annotated[
    str, AfterValidator(partial(raise_on_name_alphanumeric_dashes_only, field_name="Block type slug"))
]
ArtifactKey = Annotated[str, AfterValidator(partial(raise_on_name_alphanumeric_dashes_only, field_name="Artifact key"))]

MAX_VARIABLE_NAME_LENGTH = 255
VariableName = Annotated[
    str,
    AfterValidator(partial(raise_on_name_alphanumeric_dashes_underscores_only, field_name="Variable name")),
    Field(max_length=MAX_VARIABLE_NAME_LENGTH, description="The name of the variable", examples=["my_variable"]),
]

URI_REGEX = re.compile(r"^[a-z0-9]+://")
_URI_EXAMPLES = ["s3://bucket/folder/data.csv", "postgres://dbtable"]


def validate_uri(value: str) -> str:
    """
    Return `value` if it begins with a lowercase scheme and `://`.

    Raises:
        ValueError: It does not.
    """
    if URI_REGEX.match(value) is None:
        message = f"Key must be a valid URI, e.g. storage://bucket/folder/asset.csv. It is {value!r}."
        raise ValueError(message)
    return value


URILike = Annotated[
    str,
    AfterValidator(validate_uri),
    Field(description="A URI-like string with a lowercase protocol", examples=_URI_EXAMPLES),
]

MAX_ASSET_KEY_LENGTH = 512

RESTRICTED_ASSET_CHARACTERS = [
    *("\n", "\r", "\t", "\0", " "),
    *("#", "?", "&", "%"),
    *('"', "'", "<", ">"),
    *("[", "]", "{", "}", "|", "\\", "^", "`"),
]


def validate_valid_asset_key(value: str) -> str:
    """
    Return `value` if it can be the key of an asset: a URI without special characters, of at most 512 characters.

    Raises:
        ValueError: It cannot.
    """
    for character in RESTRICTED_ASSET_CHARACTERS:
        if character in value:
            message = f"Asset key cannot contain {character!r}. It is {value!r}."
            raise ValueError(message)
    if len(value) > MAX_ASSET_KEY_LENGTH:
        message = f"Asset key cannot exceed {MAX_ASSET_KEY_LENGTH} characters. It has {len(value)}."
        raise ValueError(message)
    return validate_uri(value)


ValidAssetKey = Annotated[
    str,
    AfterValidator(validate_valid_asset_key),
    Field(
        max_length=MAX_ASSET_KEY_LENGTH,
        description=(
            "A URI-like string with a lowercase protocol, restricted characters, "
            f"and max {MAX_ASSET_KEY_LENGTH} characters"
        ),
        examples=_URI_EXAMPLES,
    ),
]
