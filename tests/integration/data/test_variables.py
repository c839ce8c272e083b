import asyncio

import pytest

from prefect import flow
from prefect.variables import Variable

pytestmark = pytest.mark.usefixtures("orchestrator")


@pytest.mark.parametrize("value", ["text", 5, 1.5, True, None, [1, {"a": 2}], {"a": [1]}])
def test_values_of_all_kinds_are_kept(value):
    assert Variable.set("v", value) == Variable(name="v", value=value, tags=[])
    got = Variable.get("v", default="default")
    assert got == value
    assert type(got) is type(value)


def test_a_value_is_replaced_only_if_that_is_asked_for(client):
    Variable.set("v", 1, tags=["old"])
    with pytest.raises(ValueError, match="'v' exists already.*overwrite=True"):
        Variable.set("v", 2)
    assert Variable.get("v") == 1
    Variable.set("v", {"a": 2}, overwrite=True, tags=["new"])
    assert Variable.get("v") == {"a": 2}
    assert client.read_variable_by_name("v").tags == ["new"]
    Variable.set("v", None, overwrite=True)
    assert Variable.get("v", default=5) is None
    assert client.read_variable_by_name("v").tags == []


def test_what_is_missing_has_a_default():
    assert Variable.get("nothing") is None
    assert Variable.get("nothing", default=5) == 5
    assert Variable.set("fresh", 1, overwrite=True).value == 1


def test_a_value_is_forgotten():
    Variable.set("v", 1)
    assert Variable.unset("v") is True
    assert Variable.unset("v") is False
    assert Variable.get("v") is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("Bad Name", 1, "lowercase"), ("v", "x" * 6000, "5000|5,000"), ("v", object(), "JSON")],
)
def test_what_cannot_be_kept_is_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        Variable.set(name, value)


def test_async_code_awaits():
    @flow
    async def main():
        await Variable.set("v", 1)
        await Variable.aset("w", 2)
        assert await Variable.get("v") == 1
        assert await Variable.aget("w") == 2
        assert await Variable.unset("v")
        assert await Variable.aunset("w")
        return await Variable.aget("v", default="gone")

    assert asyncio.run(main()) == "gone"
