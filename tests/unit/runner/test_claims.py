"""Runs that a process has taken, or that were taken for it."""

from __future__ import annotations

from uuid import UUID, uuid4

from prefect.runner.claims import Claims


class Nobody:
    """Is not asked."""


def test_a_run_that_was_taken_for_this_process_is_kept(monkeypatch):
    run_id, other, token = uuid4(), uuid4(), uuid4()
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run_id))
    monkeypatch.setenv("PREFECT__FLOW_RUN_CLAIM", str(token))
    claims = Claims(Nobody())
    for each in (run_id, other):
        claims.inherit(each)
    assert (claims.token(run_id), claims.token(other)) == (UUID(str(token)), None)
