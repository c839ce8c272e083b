"""Being told of lines of logs as they are stored: `async with get_logs_subscriber() as lines`."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.client.log_subscribers import PrefectLogsSubscriber, get_logs_subscriber  # noqa: TC004 - lazy

__all__ = ["PrefectLogsSubscriber", "get_logs_subscriber"]

# They are made of the client, which is above this package.
lazy.install(globals(), dict.fromkeys(__all__, "prefect.client.log_subscribers"))
