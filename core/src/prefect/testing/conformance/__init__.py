"""
What every implementation of a hook must be able to do, as pytest classes: subclass one, and give it one fixture.

    from prefect.testing.conformance import SerializerContract

    class TestArrowSerializer(SerializerContract):
        @pytest.fixture
        def serializer(self):
            return ArrowSerializer()

The suites need pytest, and neither a network nor a server. The core runs them on everything that it provides itself.
"""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.testing.conformance.block import BlockContract
    from prefect.testing.conformance.lock_manager import LockManagerContract
    from prefect.testing.conformance.notifier import NotifierContract
    from prefect.testing.conformance.plugin import PluginContract
    from prefect.testing.conformance.result_storage import ResultStorageContract
    from prefect.testing.conformance.serializer import SerializerContract
    from prefect.testing.conformance.server_backend import ServerBackendContract
    from prefect.testing.conformance.step import StepContract
    from prefect.testing.conformance.task_runner import TaskRunnerContract
    from prefect.testing.conformance.worker import WorkerContract, WorkerFailuresContract

__all__ = [
    "BlockContract",
    "LockManagerContract",
    "NotifierContract",
    "PluginContract",
    "ResultStorageContract",
    "SerializerContract",
    "ServerBackendContract",
    "StepContract",
    "TaskRunnerContract",
    "WorkerContract",
    "WorkerFailuresContract",
]

# The suite of serializers need not import what that of workers needs.
lazy.install(
    globals(),
    {
        "BlockContract": "prefect.testing.conformance.block",
        "LockManagerContract": "prefect.testing.conformance.lock_manager",
        "NotifierContract": "prefect.testing.conformance.notifier",
        "PluginContract": "prefect.testing.conformance.plugin",
        "ResultStorageContract": "prefect.testing.conformance.result_storage",
        "SerializerContract": "prefect.testing.conformance.serializer",
        "ServerBackendContract": "prefect.testing.conformance.server_backend",
        "StepContract": "prefect.testing.conformance.step",
        "TaskRunnerContract": "prefect.testing.conformance.task_runner",
        "WorkerContract": "prefect.testing.conformance.worker",
        "WorkerFailuresContract": "prefect.testing.conformance.worker",
    },
)
