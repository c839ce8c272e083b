"""What every database of a server must be able to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from prefect._contract.endpoints import flow_runs
from prefect.client.base import current_transport
from prefect.flows import flow as a_flow
from prefect.plugins.registries import server_backends
from prefect.server.database import dialects
from prefect.server.database.engine import Database
from prefect.server.database.errors import ConstraintViolation
from prefect.server.database.tables import flow
from prefect.settings.context import temporary_settings
from prefect.tasks import task
from prefect.testing.utilities import prefect_test_harness
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

__all__ = ["ServerBackendContract"]

AWKWARD = "grüße 100% _of_ \\ 'quoted' \U0001f33b"


class ServerBackendContract:
    """
    For backends of the kind `database`. Subclass it, and give it the fixture `url`: the address of an empty database, another
    one for each test.

    Attributes:
        threads: How many transactions there are at once.
    """

    threads: ClassVar[int] = 6

    @pytest.fixture
    def url(self) -> str:
        """The address of an empty database."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'url'.")

    @pytest.fixture
    def database(self, url: str) -> Iterator[Database]:
        """The database of the URL."""
        database = Database(url)
        yield database
        database.close()

    # -- what it is

    def test_it_is_found_by_the_scheme_of_its_url(self, url: str) -> None:
        """That is its name among the backends of servers."""
        scheme = url.partition("://")[0].partition("+")[0]
        assert f"database/{scheme}" in server_backends.names()

    def test_its_place_is_shown_without_secrets(self, url: str, database: Database) -> None:
        """It is part of messages."""
        place = database.dialect.place
        assert place
        password = url.partition("://")[2].partition("@")[0].partition(":")[2] if "@" in url else ""
        assert not (password and password in place)

    # -- tables

    def test_an_empty_database_gets_its_tables_once(self, url: str, database: Database) -> None:
        """Whoever opens it later finds them, and what was written."""
        database.transaction(_add("first"), write=True)
        later = Database(url)
        try:
            assert later.transaction(_names, write=False) == ["first"]
        finally:
            later.close()

    def test_all_who_open_an_empty_database_at_once_can_use_it(self, url: str) -> None:
        """One makes the tables, the others wait."""

        def use(index: int) -> None:
            database = Database(url)
            try:
                database.transaction(_add(f"flow-{index}"), write=True)
            finally:
                database.close()

        self._at_once(use)
        database = Database(url)
        assert len(database.transaction(_names, write=False)) == self.threads
        database.close()

    # -- transactions

    def test_what_fails_leaves_nothing(self, database: Database) -> None:
        """And the next transaction knows nothing of it."""

        def fail(connection: Connection) -> None:
            _add("half")(connection)
            raise LookupError("on the way")

        with pytest.raises(LookupError, match="on the way"):
            database.transaction(fail, write=True)
        assert database.transaction(_names, write=False) == []

    def test_a_row_that_is_there_already_is_told(self, database: Database) -> None:
        """With the error for it, not the driver's."""
        database.transaction(_add("one"), write=True)
        with pytest.raises(ConstraintViolation):
            database.transaction(_add("one"), write=True)

    def test_a_counter_that_all_change_at_once_loses_nothing(self, database: Database) -> None:
        """A transaction that would overwrite what it has not seen is done again."""
        database.transaction(_add("counter"), write=True)

        def increment(connection: Connection) -> None:
            tags = connection.execute(select(flow.c.tags)).scalar_one()
            connection.execute(update(flow).values(tags=[*tags, "x"]))

        self._at_once(lambda _: [database.transaction(increment, write=True) for _ in range(5)])
        tags = database.transaction(
            lambda connection: connection.execute(select(flow.c.tags)).scalar_one(), write=False
        )
        assert len(tags) == 5 * self.threads

    def test_whoever_makes_the_same_row_second_finds_it(self, database: Database) -> None:
        """Two that look, find nothing and make it: one of them looks again."""
        found: list[Any] = []

        def find_or_make(connection: Connection) -> Any:
            wanted = select(flow.c.id).where(flow.c.name == "one")
            if connection.execute(wanted).scalar() is None:
                _add("one")(connection)
            return connection.execute(wanted).scalar_one()

        self._at_once(lambda _: found.append(database.transaction(find_or_make, write=True)))
        assert len(found) == self.threads
        assert len({*found}) == 1

    def test_a_read_sees_one_moment(self, database: Database) -> None:
        """What others write meanwhile is not there yet, and they need not wait."""
        database.transaction(_add("before"), write=True)

        def read(connection: Connection) -> list[list[str]]:
            first = _names(connection)
            other = threading.Thread(target=database.transaction, args=(_add("meanwhile"),), kwargs={"write": True})
            other.start()
            other.join(30)
            assert not other.is_alive()
            return [first, _names(connection)]

        assert database.transaction(read, write=False) == [["before"], ["before"]]
        assert database.transaction(_names, write=False) == ["before", "meanwhile"]

    # -- values and conditions

    def test_values_come_back(self, database: Database) -> None:
        """Texts of all kinds, lists, identifiers, and moments to the microsecond."""
        identifier, moment = uuid7(), now().replace(microsecond=123456)
        row = {"id": identifier, "created": moment, "updated": moment, "name": AWKWARD, "tags": [AWKWARD, "", "b"]}
        database.transaction(lambda connection: connection.execute(insert(flow).values(row)), write=True)
        found = database.transaction(
            lambda connection: connection.execute(select(flow.c.id, flow.c.created, flow.c.name, flow.c.tags)).one(),
            write=False,
        )
        assert tuple(found) == (identifier, moment, AWKWARD, [AWKWARD, "", "b"])

    def test_conditions_on_texts(self, database: Database) -> None:
        """Large and small letters are the same, and what patterns have of signs is taken as it is."""
        for name in ("Orders", "order_lines", "100%", AWKWARD):
            database.transaction(_add(name), write=True)
        self._finds(database, dialects.is_like(flow.c.name, "ord%"), {"Orders", "order_lines"})
        self._finds(database, dialects.contains(flow.c.name, "R_L"), {"order_lines"})
        self._finds(database, dialects.contains(flow.c.name, "%"), {"100%", AWKWARD})
        self._finds(database, dialects.contains(flow.c.name, "\\"), {AWKWARD})
        self._finds(database, dialects.begins_with(flow.c.name, "order"), {"order_lines"})
        self._finds(database, dialects.is_one_of(flow.c.name, ["Orders", "100%", "x"]), {"Orders", "100%"})

    def test_conditions_on_lists(self, database: Database) -> None:
        """Tags, mostly."""
        for name, tags in {"none": [], "one": ["a"], "two": ["a", AWKWARD]}.items():
            database.transaction(_add(name, tags), write=True)
        self._finds(database, dialects.has_any(flow.c.tags, ["a", "x"]), {"one", "two"})
        self._finds(database, dialects.has_any(flow.c.tags, []), set())
        self._finds(database, dialects.has_all(flow.c.tags, ["a", AWKWARD]), {"two"})
        self._finds(database, dialects.is_empty(flow.c.tags), {"none"})

    def test_seconds_between_moments(self, database: Database) -> None:
        """As averages of durations need them."""
        moment = now()
        row = {"id": uuid7(), "created": moment, "updated": moment + timedelta(seconds=90.25), "name": "f", "tags": []}
        database.transaction(lambda connection: connection.execute(insert(flow).values(row)), write=True)
        asked = select(dialects.seconds_between(flow.c.created, flow.c.updated))
        seconds = database.transaction(lambda connection: connection.execute(asked).scalar_one(), write=False)
        assert float(seconds) == pytest.approx(90.25, abs=0.01)

    # -- the product on it

    def test_flows_run_on_it(self, url: str) -> None:
        """With tasks, retries and parameters, and their states are read again."""
        attempts: list[int] = []

        @task(retries=1)
        def add(number: int) -> int:
            attempts.append(number)
            if len(attempts) == 1:
                raise ValueError("the first time")
            return number + 1

        @a_flow(flow_run_name="on-{name}")
        def work(name: str) -> int:
            return sum(add.map([1, 2, 3]).result())

        with prefect_test_harness(), temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
            assert work(AWKWARD) == 9
            transport = current_transport()
            try:
                [run] = transport.send(flow_runs.read_flow_runs())
                assert run.state is not None
                assert (run.name, run.state.is_completed(), run.parameters) == (
                    f"on-{AWKWARD}",
                    True,
                    {"name": AWKWARD},
                )
            finally:
                transport.close()

    # -- what tests share

    def _finds(self, database: Database, condition: Any, names: set[str]) -> None:
        asked = select(flow.c.name).where(condition)
        found = database.transaction(lambda connection: connection.execute(asked).scalars().all(), write=False)
        assert {*found} == names

    def _at_once(self, work: Callable[[int], Any]) -> None:
        errors: list[BaseException] = []

        def guarded(index: int) -> None:
            try:
                work(index)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(index,)) for index in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "A transaction has not ended."
        assert errors == []


def _add(name: str, tags: list[str] | None = None) -> Callable[[Connection], None]:
    def perform(connection: Connection) -> None:
        moment = now()
        row = {"id": uuid7(), "created": moment, "updated": moment, "name": name, "tags": tags or []}
        connection.execute(insert(flow).values(row))

    return perform


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(flow.c.name).order_by(flow.c.name)).scalars())
