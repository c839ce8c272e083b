"""
Searches for words in columns of text.

A query is words and "quoted phrases". A text is found if it contains one of them; those with a `+` before them it must
all contain, those with a `-` or `!` none. Upper and lower case are the same, for the letters of ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from prefect.server.database.dialects import bound, contains

__all__ = ["matches_text", "parse_query"]

_MOST_TERMS = 100

_TERM = re.compile(r'([+!-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def parse_query(query: str) -> tuple[list[str], list[str], list[str]]:
    """The terms of a query: one of which must be there, all of which must, none of which may."""
    wanted: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    kinds = {"": wanted, "+": required, "-": excluded, "!": excluded}
    for sign, phrase, word in _TERM.findall(query):
        term = re.sub(r"\\(.)", r"\1", phrase) if phrase else word
        if term:
            kinds[sign].append(term)
    return wanted, required, excluded


def matches_text(columns: Sequence[ColumnElement[Any]], query: str) -> ColumnElement[bool] | None:
    """
    The condition that one of some columns is found by a query; None if it has no terms, and so finds all.

    Raises:
        prefect.server.database.errors.TooMuchAskedError: The query has more terms than are looked for at once.
    """
    wanted, required, excluded = parse_query(query)
    bound(len(wanted) + len(required) + len(excluded), _MOST_TERMS, "terms", "a query")
    conditions = [_contains(columns, term) for term in required]
    conditions += [not_(_contains(columns, term)) for term in excluded]
    if wanted:
        conditions.append(or_(*(_contains(columns, term) for term in wanted)))
    return and_(*conditions) if conditions else None


def _contains(columns: Sequence[ColumnElement[Any]], term: str) -> ColumnElement[bool]:
    return or_(*(contains(column, term) for column in columns))
