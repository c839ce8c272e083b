"""A loop of a server that fails turns its health red, until it works again; requests are answered all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text
from tests.faults.sites import Site, wait_until

from prefect.server.database.engine import Database

pytestmark = pytest.mark.faults


@contextmanager
def without_table(site: Site, name: str) -> Iterator[None]:
    """A table is gone for a while."""
    with closing(Database(site.url)) as database:

        def rename(old: str, new: str) -> None:
            statement = text(f"ALTER TABLE {old} RENAME TO {new}")
            database.transaction(lambda connection: connection.execute(statement), write=True)

        rename(name, f"{name}_away")
        yield
        rename(f"{name}_away", name)


def test_a_loop_that_fails_turns_health_red(make_site: Callable[..., Site]) -> None:
    site = make_site(PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS="0.5")
    site.start()
    assert site.ask("GET", "/health").json() is True
    with without_table(site, "deployment_schedule"):
        wait_until(lambda: site.ask("GET", "/health").status_code == 503)
        answer = site.ask("GET", "/health")
        assert "The loop 'scheduler' has failed" in answer.json()["detail"]
        assert "deployment_schedule" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
        assert site.ask("GET", "/ready").status_code == 200
        assert site.flow()
    wait_until(lambda: site.ask("GET", "/health").status_code == 200, seconds=30)
    assert site.read("/health") is True
    assert "The loop 'scheduler' works again" in site.server.log.read_text()
    site.check()
