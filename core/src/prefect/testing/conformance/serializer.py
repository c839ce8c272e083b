"""What every serializer must be able to do."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from pydantic import BaseModel, SerializeAsAny

from prefect.plugins.registries import serializers
from prefect.results import ResultRecordMetadata, ResultStore
from prefect.serializers import Serializer

__all__ = ["SerializerContract"]

PLAIN: list[Any] = [None, True, 0, -7, 1.5, "", "text", "ünïcödé ✓", [], [1, [2, "x"]], {}, {"a": {"b": [1, None]}}]


class _Holder(BaseModel):
    serializer: SerializeAsAny[Serializer[Any]]


class SerializerContract:
    """
    Subclass it, and give it the fixture `serializer`.

    Attributes:
        values: Values that come back equal from `loads(dumps(value))`. Add those that the serializer is made for.
    """

    values: list[Any] = PLAIN

    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        """The serializer under test."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'serializer'.")

    def test_values_come_back_equal_and_of_the_same_type(self, serializer: Serializer[Any]) -> None:
        """Each of `values` survives."""
        for value in self.values:
            blob = serializer.dumps(value)
            assert isinstance(blob, bytes), f"dumps({value!r}) gave {type(blob).__name__}, not bytes"
            back = serializer.loads(blob)
            assert back == value
            assert type(back) is type(value)

    def test_its_type_is_registered(self, serializer: Serializer[Any]) -> None:
        """Stored results name their serializer by its type."""
        assert serializers.get(serializer.type) is type(serializer)

    def test_it_is_found_again_by_its_fields(self, serializer: Serializer[Any]) -> None:
        """What metadata says of it is enough to make it again."""
        fields = json.loads(_Holder(serializer=serializer).model_dump_json())["serializer"]
        assert fields["type"] == serializer.type
        again = _Holder.model_validate({"serializer": fields}).serializer
        assert type(again) is type(serializer)
        assert again == serializer

    def test_another_instance_reads_what_it_wrote(self, serializer: Serializer[Any]) -> None:
        """Another process reads with an instance of its own."""
        again = type(serializer)(**serializer.model_dump())
        for value in self.values:
            assert again.loads(serializer.dumps(value)) == value

    def test_it_can_be_sent_to_another_process(self, serializer: Serializer[Any]) -> None:
        """It can be pickled."""
        assert pickle.loads(pickle.dumps(serializer)) == serializer  # noqa: S301

    def test_damaged_data_is_an_error(self, serializer: Serializer[Any]) -> None:
        """It does not answer with something else."""
        with pytest.raises(Exception):  # noqa: B017, PT011 - which one is the serializer's business
            serializer.loads(b"\x00 this was never written by a serializer \xff")

    def test_results_written_with_it_can_be_read(self, serializer: Serializer[Any], tmp_path: Any) -> None:
        """Its bytes survive the result store, text or not."""
        store = ResultStore(result_storage=tmp_path, serializer=serializer)
        value = self.values[-1]
        store.write(value, key="kept")
        fresh = ResultStore(result_storage=tmp_path)
        record = fresh.read("kept")
        assert record.result == value
        assert isinstance(record.metadata, ResultRecordMetadata)
        assert record.metadata.serializer == serializer
