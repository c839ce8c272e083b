from __future__ import annotations

import io
import logging
from datetime import datetime, timezone
from uuid import uuid4

import anyio
import pytest

from prefect.exceptions import MissingContextError
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import (
    APILogHandler,
    PrefectConsoleHandler,
    emit_api_log,
    flush,
    install_sink,
    set_api_log_sink,
)
from prefect.logging.highlighters import PrefectConsoleHighlighter
from prefect.logging.loggers import flow_run_logger, get_logger
from prefect.settings import temporary_settings


@pytest.fixture
def logger():
    setup_logging()
    return flow_run_logger(flow_run_id=uuid4())


def test_records_of_runs_are_sent(logger, sent):
    before = datetime.now(timezone.utc)
    logger.info("hello %s", "world")
    (record,) = sent
    assert record["message"] == "hello world"
    assert record["name"] == "prefect.flow_runs"
    assert record["level"] == logging.INFO
    assert str(record["flow_run_id"]) == logger.extra["flow_run_id"]
    assert record["task_run_id"] is None
    assert before <= record["timestamp"] <= datetime.now(timezone.utc)
    assert set(record) == {"name", "level", "message", "timestamp", "flow_run_id", "task_run_id"}


def test_tracebacks_are_sent(logger, sent):
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("it is")
    assert sent[0]["message"].startswith("it is\nTraceback")
    assert "ValueError: broken" in sent[0]["message"]


def test_nothing_is_sent_without_a_sink(logger):
    logger.info("nowhere")


def test_sending_can_be_switched_off(logger, sent):
    logger.info("no", extra={"send_to_api": False})
    with temporary_settings({"logging.to_api.enabled": False}):
        logger.info("no")
    logger.info("yes")
    assert [record["message"] for record in sent] == ["yes"]


def test_large_records_are_cut_and_say_so(logger, sent):
    with temporary_settings({"logging.to_api.max_log_size": 200}):
        logger.info("ä" * 101)
        logger.info("ä" * 100)
        logger.info("x" * 1000)
    cut, whole, other = (record["message"] for record in sent)
    assert len(cut.encode()) <= 200
    assert cut.startswith("ää")
    assert cut.endswith("[cut: 202 bytes are more than PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=200]")
    assert whole == "ä" * 100
    assert len(other) == 200


def test_a_sink_that_fails_does_not_fail_what_logs(logger, capsys):
    def broken(record):
        raise OSError("disk full")

    install_sink(broken)
    logger.info("goes on")
    assert "disk full" in capsys.readouterr().err


def test_a_message_that_cannot_be_formatted_does_not_fail_what_logs(logger, sent, capsys, without_handlers):
    without_handlers()
    logger.info("%d", "x")
    assert sent == []
    assert "Logging error" in capsys.readouterr().err


def test_records_outside_of_runs(sent):
    setup_logging()
    outside = get_logger("prefect.flow_runs")
    with pytest.warns(UserWarning, match="without a flow run id") as caught:
        outside.info("where am I")
    assert caught[0].filename == __file__
    with temporary_settings({"logging.to_api.when_missing_flow": "ignore"}):
        outside.info("ignored")
    with temporary_settings({"logging.to_api.when_missing_flow": "error"}):
        with pytest.raises(MissingContextError, match=r"prefect\.flow_runs"):
            outside.info("raises")
    assert sent == []


def test_flushing_waits_for_what_was_sent(logger):
    flushed = []
    install_sink(lambda record: None, flush=lambda: flushed.append(1))
    flush()
    APILogHandler().flush()
    anyio.run(APILogHandler.aflush)
    assert len(flushed) == 3
    install_sink(None)
    flush()
    assert len(flushed) == 3


def test_records_of_child_processes_go_the_same_way(sent):
    emit_api_log({"message": "from a child"})
    assert sent == [{"message": "from a child"}]
    set_api_log_sink(None)
    emit_api_log({"message": "lost"})
    assert len(sent) == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


def record(message: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("n", level, __file__, 1, message, (), None)


def write(stream, message, **options) -> str:
    handler = PrefectConsoleHandler(stream, **options)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.handle(record(message))
    return stream.getvalue()


def test_the_console_is_coloured_if_it_is_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert write(io.StringIO(), "x") == "INFO x\n"
    assert write(Terminal(), "x") == "\x1b[36mINFO\x1b[0m x\n"
    with temporary_settings({"logging.colors": False}):
        assert write(Terminal(), "x") == "INFO x\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert write(Terminal(), "x") == "INFO x\n"


def test_styles_and_highlighters_can_be_replaced(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Orders(PrefectConsoleHighlighter):
        highlights = [r"(?P<order>order \d+)"]

    assert write(Terminal(), "order 7", highlighter=Orders, styles={"log.order": "bold red"}) == (
        "INFO \x1b[1;31morder 7\x1b[0m\n"
    )


def test_markup_is_styled_on_a_terminal_and_removed_elsewhere(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert write(io.StringIO(), "[red]x[/red]") == "INFO [red]x[/red]\n"
    with temporary_settings({"logging.markup": True}):
        assert write(io.StringIO(), "[red]x[/red] [0]") == "INFO x [0]\n"
        assert "\x1b[31mx\x1b[0m" in write(Terminal(), "[red]x[/red]")


def test_the_console_is_the_standard_error_of_the_moment(capsys, monkeypatch):
    handler = PrefectConsoleHandler()
    handler.handle(record("first"))
    assert capsys.readouterr().err == "first\n"
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    handler.handle(record("nobody hears"))
    monkeypatch.setattr("sys.stderr", None)
    handler.handle(record("nobody hears"))
    assert PrefectConsoleHandler(level="ERROR").level == logging.ERROR


def test_a_record_that_cannot_be_written_is_reported(capsys):
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError("broken pipe")

    PrefectConsoleHandler(Broken()).handle(record("x"))
    assert "broken pipe" in capsys.readouterr().err
