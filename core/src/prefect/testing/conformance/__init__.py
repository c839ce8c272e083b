"""
What every implementation of a hook must be able to do, as pytest classes: subclass one, and give it one fixture.

    from prefect.testing.conformance import SerializerContract

    class TestArrowSerializer(SerializerContract):
        @pytest.fixture
        def serializer(self):
            return ArrowSerializer()

The suites need pytest, and neither a network nor a server. The core runs them on everything that it provides itself.
"""

from prefect.testing.conformance.block import BlockContract
from prefect.testing.conformance.lock_manager import LockManagerContract
from prefect.testing.conformance.notifier import NotifierContract
from prefect.testing.conformance.plugin import PluginContract
from prefect.testing.conformance.result_storage import ResultStorageContract
from prefect.testing.conformance.serializer import SerializerContract

__all__ = [
    "BlockContract",
    "LockManagerContract",
    "NotifierContract",
    "PluginContract",
    "ResultStorageContract",
    "SerializerContract",
]
