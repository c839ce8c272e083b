"""
The language of text searches.

A query is words and "quoted phrases". A text is found if it contains one of them; those with a `+` before them it must
all contain, those with a `-` or `!` none. Upper and lower case are the same.
"""

from __future__ import annotations

import re

__all__ = ["is_found_by", "parse_query"]

_TERM = r'([+!-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))'


def parse_query(query: str) -> tuple[list[str], list[str], list[str]]:
    """The terms of a query: one of which must be there, all of which must, none of which may."""
    wanted: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    kinds = {"": wanted, "+": required, "-": excluded, "!": excluded}
    for sign, phrase, word in re.findall(_TERM, query):
        term = re.sub(r"\\(.)", r"\1", phrase) if phrase else word
        if term:
            kinds[sign].append(term)
    return wanted, required, excluded


def is_found_by(query: str, text: str) -> bool:
    """Whether a query finds a text. One without terms finds all."""
    text = text.lower()
    wanted, required, excluded = ([term.lower() for term in terms] for terms in parse_query(query))
    return (
        all(term in text for term in required)
        and not any(term in text for term in excluded)
        and (not wanted or any(term in text for term in wanted))
    )
