"""Texts: shortening and guessing."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["fuzzy_match_string", "truncated_to"]


def truncated_to(length: int, value: str | None) -> str:
    """
    The text in at most `length` characters; what is left out of the middle is counted. None gives an empty text.

    Args:
        length: The most characters.
        value: The text.
    """
    if not value:
        return ""
    if len(value) <= length:
        return value
    half = length // 2
    cut = f"{value[:half]}...{len(value) - 2 * half} additional characters...{value[len(value) - half :]}"
    # Where the remark would take more than it saves, the text stays whole.
    return cut if len(cut) < len(value) else value


def fuzzy_match_string(word: str, possibilities: Iterable[str], *, n: int = 1, cutoff: float = 0.6) -> str | None:
    """
    The possibility that is most like a word, if one is at all.

    Args:
        word: What was written.
        possibilities: What could have been meant.
        n: How many to consider.
        cutoff: How alike they must be, from 0 to 1.
    """
    import difflib

    return next(iter(difflib.get_close_matches(word, list(possibilities), n=n, cutoff=cutoff)), None)
