"""What every serializer must be able to do, and what this one is for."""

import pytest
from prefect import flow
from prefect.plugins.registries import serializers
from prefect.testing.conformance import SerializerContract
from prefect.testing.utilities import prefect_test_harness

from {{ cookiecutter.__module }}.serializers import {{ cookiecutter.__class }}Serializer


class TestSerializer(SerializerContract):
    @pytest.fixture
    def serializer(self) -> {{ cookiecutter.__class }}Serializer:
        return {{ cookiecutter.__class }}Serializer(indent=4)


def test_it_is_found_by_its_entry_point() -> None:
    assert serializers.spec("{{ cookiecutter.__plugin }}").target.startswith("{{ cookiecutter.__module }}.serializers:")


def test_people_can_read_what_it_writes() -> None:
    assert {{ cookiecutter.__class }}Serializer().dumps({"straße": [1]}).decode() == '{\n  "straße": [\n    1\n  ]\n}'


def test_a_flow_stores_its_result_with_it() -> None:
    @flow(result_serializer="{{ cookiecutter.__plugin }}", persist_result=True)
    def report() -> dict[str, int]:
        return {"rows": 3}

    with prefect_test_harness():
        state = report(return_state=True)
        assert state.data.metadata.serializer.type == "{{ cookiecutter.__plugin }}"
        assert state.result() == {"rows": 3}
