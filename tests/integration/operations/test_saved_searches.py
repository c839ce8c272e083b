"""Saved searches."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect._contract.actions.settings import SavedSearchCreate
from prefect._contract.administration import SavedSearchFilter
from prefect._contract.endpoints import saved_searches
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7

FILTER = SavedSearchFilter(
    object="flow_run", property="state", type="string", operation="any_", value=["Late", 1, None]
)


def save(orchestrator: Any, name: str, *filters: SavedSearchFilter) -> Any:
    return orchestrator.send(saved_searches.create_saved_search(SavedSearchCreate(name=name, filters=list(filters))))


def test_a_search_is_saved_and_read(orchestrator: Any) -> None:
    saved = save(orchestrator, "late", FILTER)
    assert (saved.name, saved.filters, saved.created) == ("late", [FILTER], orchestrator.clock.now)
    assert orchestrator.send(saved_searches.read_saved_search(saved.id)) == saved


def test_a_search_of_the_same_name_is_replaced(orchestrator: Any) -> None:
    first = save(orchestrator, "late", FILTER)
    orchestrator.clock.pass_by(1)
    second = save(orchestrator, "late")
    assert (second.id, second.created, second.filters) == (first.id, first.created, [])
    assert second.updated == orchestrator.clock.now
    assert orchestrator.send(saved_searches.read_saved_searches()) == [second]


def test_searches_are_listed_by_name(orchestrator: Any) -> None:
    for name in ("b", "c", "a"):
        save(orchestrator, name)
    listed = lambda **page: [each.name for each in orchestrator.send(saved_searches.read_saved_searches(**page))]
    assert listed() == ["a", "b", "c"]
    assert listed(limit=1, offset=1) == ["b"]
    with pytest.raises(PrefectHTTPStatusError, match="limit 201"):
        listed(limit=201)


def test_a_search_is_deleted(orchestrator: Any) -> None:
    saved = save(orchestrator, "late")
    orchestrator.send(saved_searches.delete_saved_search(saved.id))
    for call in (saved_searches.read_saved_search(saved.id), saved_searches.delete_saved_search(uuid7())):
        with pytest.raises(ObjectNotFound, match="saved search"):
            orchestrator.send(call)


def test_a_condition_that_says_too_little_is_refused() -> None:
    with pytest.raises(ValidationError, match="operation"):
        SavedSearchCreate.model_validate({"name": "x", "filters": [{"object": "a", "property": "b", "type": "c"}]})
