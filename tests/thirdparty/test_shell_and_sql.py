"""Commands are run and databases asked."""

from __future__ import annotations

import anyio
import pytest
from prefect_shell import ShellOperation, shell_run_command
from prefect_sqlalchemy import (
    AsyncDriver,
    AsyncSqlAlchemyConnector,
    ConnectionComponents,
    SqlAlchemyConnector,
    SyncDriver,
)

from prefect import flow
from prefect.blocks.core import Block


def test_a_flow_runs_a_command():
    @flow
    async def listing():
        return await shell_run_command(command="printf 'a\\nb\\n'", return_all=True)

    assert anyio.run(listing) == ["a", "b"]


def test_a_failing_command_fails_the_flow():
    @flow
    async def failing():
        return await shell_run_command(command="echo no >&2; exit 3")

    with pytest.raises(RuntimeError, match="3"):
        anyio.run(failing)


def test_a_saved_operation_runs(tmp_path):
    ShellOperation(commands=["echo $WHO > who.txt", "cat who.txt"], env={"WHO": "Ada"}, working_dir=tmp_path).save(
        "who"
    )
    assert Block.load("shell-operation/who").run() == ["Ada"]
    assert (tmp_path / "who.txt").read_text() == "Ada\n"


def test_an_operation_can_be_waited_for_from_async_code():
    async def run():
        async with ShellOperation(commands=["echo one; echo two"]) as operation:
            process = await operation.trigger()
            await process.wait_for_completion()
            return await process.fetch_result()

    assert anyio.run(run) == ["one", "two"]


def test_a_flow_asks_a_saved_database(tmp_path):
    where = ConnectionComponents(driver=SyncDriver.SQLITE_PYSQLITE, database=str(tmp_path / "shop.db"))
    SqlAlchemyConnector(connection_info=where).save("shop")

    @flow
    def stock():
        with SqlAlchemyConnector.load("shop") as shop:
            shop.execute("CREATE TABLE tulips (colour TEXT, number INTEGER)")
            rows = [{"c": "red", "n": 3}, {"c": "white", "n": 5}]
            shop.execute_many("INSERT INTO tulips VALUES (:c, :n)", seq_of_parameters=rows)
            return shop.fetch_all("SELECT colour, number FROM tulips ORDER BY number")

    assert [tuple(row) for row in stock()] == [("red", 3), ("white", 5)]


def test_a_database_is_asked_from_async_code(tmp_path):
    where = ConnectionComponents(driver=AsyncDriver.SQLITE_AIOSQLITE, database=str(tmp_path / "shop.db"))

    async def ask():
        async with AsyncSqlAlchemyConnector(connection_info=where) as shop:
            await shop.execute("CREATE TABLE tulips (colour TEXT)")
            await shop.execute("INSERT INTO tulips VALUES ('red')")
            return await shop.fetch_one("SELECT colour FROM tulips")

    assert tuple(anyio.run(ask)) == ("red",)
