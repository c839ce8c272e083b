"""Workers: processes that take runs from work pools, and have them executed."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.workers.process import ProcessWorker as ProcessWorker

__all__ = lazy.install(globals(), {"ProcessWorker": "prefect.workers.process"})  # noqa: PLE0605 - a list
