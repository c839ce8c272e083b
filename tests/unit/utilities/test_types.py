"""The types that models share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from prefect import types
from prefect.types import names
from prefect.types.entrypoint import EntrypointType

CASES = [
    (types.ClientRetryExtraCodes, "429,503", {429, 503}),
    (types.ClientRetryExtraCodes, 429, {429}),
    (types.ClientRetryExtraCodes, {429}, {429}),
    (types.ClientRetryExtraCodes, "", set()),
    (types.ClientRetryExtraCodes, None, set()),
    (types.TaskRetryDelaySeconds, "1", 1.0),
    (types.TaskRetryDelaySeconds, "1, 2", [1.0, 2.0]),
    (types.TaskRetryDelaySeconds, [1, 2], [1.0, 2.0]),
    (types.TaskRetryDelaySeconds, 3, 3),
    (types.TaskRetryDelaySeconds, "", None),
    (types.JsonStringOrDict, '{"a": "b"}', {"a": "b"}),
    (types.JsonStringOrDict, {"a": "b"}, {"a": "b"}),
    (types.KeyValueLabelsField, None, {}),
    (types.KeyValueLabelsField, {"a": 1, "b": True, "c": "x"}, {"a": 1, "b": True, "c": "x"}),
    (types.LogLevel, "info", "INFO"),
    (types.NonEmptyishName, "a", "a"),
    (types.Name, "a b", "a b"),
    (types.NameOrEmpty, "", ""),
    (types.StrictVariableValue, True, True),
    (types.StrictVariableValue, {"a": [1]}, {"a": [1]}),
    (types.ListOfNonEmptyStrings, ["a", "", " "], ["a"]),
    (types.ListOfNonEmptyStrings, "a, b", ["a", "b"]),
    (types.SecondsTimeDelta, "10", timedelta(seconds=10)),
    (types.SecondsTimeDelta, 1.5, timedelta(seconds=1.5)),
    (types.SecondsTimeDelta, "PT1S", timedelta(seconds=1)),
    (types.NonNegativeTimeDelta, timedelta(0), timedelta(0)),
    (types.StatusCode, 100, 100),
    (types.URILike, "s3://x", "s3://x"),
    (types.ValidAssetKey, "s3://x/y.csv", "s3://x/y.csv"),
    (names.VariableName, "a-b_c", "a-b_c"),
    (names.BlockTypeSlug, "a-b", "a-b"),
    (names.BlockDocumentName, "a-b", "a-b"),
    (names.ArtifactKey, "a-b", "a-b"),
]

WRONG = [
    *((types.ClientRetryExtraCodes, value) for value in ("a", "99", {1})),
    *((types.TaskRetryDelaySeconds, value) for value in ("a", "[1,2]")),
    *((types.JsonStringOrDict, value) for value in ("x", "[1]")),
    *((types.LogLevel, value) for value in ("LOUD", 10)),
    *((types.NonEmptyishName, value) for value in ("", " ", "''", "a/b", None)),
    *((types.Name, value) for value in ("", "a%", "a<b")),
    *((types.StrictVariableValue, value) for value in (object(), "x" * 5001, {"a": "x" * 5001})),
    *((types.NonNegativeTimeDelta, value) for value in (-1,)),
    *((types.StatusCode, value) for value in (99, 600)),
    *((types.NonNegativeInteger, value) for value in (-1,)),
    *((types.PositiveInteger, value) for value in (0,)),
    *((types.NonNegativeFloat, value) for value in (-0.1,)),
    *((types.URILike, value) for value in ("x", "", "S3://x")),
    *((types.ValidAssetKey, value) for value in ("x", "s3://x y", "s3://" + "x" * 600, "s3://x#y")),
    *((names.VariableName, value) for value in ("A", "a b", "x" * 256)),
    *((names.BlockTypeSlug, value) for value in ("A", "a_b")),
    *((names.BlockDocumentName, value) for value in ("", "a_b")),
    *((names.ArtifactKey, value) for value in ("a_b", "A")),
]


@pytest.mark.parametrize(("kind", "value", "result"), CASES)
def test_values_are_accepted(kind, value, result):
    made = TypeAdapter(kind).validate_python(value)
    assert made == result
    assert type(made) is type(result)


@pytest.mark.parametrize(("kind", "value"), WRONG)
def test_values_are_refused(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_secret_mappings_are_not_shown():
    secret = types.SecretDict({"a": 1})
    assert "1" not in repr(secret)
    assert secret.get_secret_value() == {"a": 1}


def test_messages_name_the_field_and_the_value():
    with pytest.raises(ValueError, match="Block name must only contain lowercase.*'A'"):
        names.raise_on_name_alphanumeric_dashes_only("A", field_name="Block name")
    with pytest.raises(ValueError, match="underscores. It is 'a-b'"):
        names.raise_on_name_alphanumeric_underscores_only("a-b")
    with pytest.raises(ValueError):
        names.raise_on_name_alphanumeric_dashes_underscores_only("a b")
    assert names.raise_on_name_alphanumeric_dashes_only(None) is None
    assert names.raise_on_name_alphanumeric_underscores_only(None) is None


def test_names_of_the_package_are_there():
    for name in types.__all__:
        assert hasattr(types, name)
    assert types.cast_none_to_empty_dict(3) == 3
    assert types.convert_none_to_empty_dict(None) == {}
    assert EntrypointType("file_path") is EntrypointType.FILE_PATH
