"""Names: generated ones for runs, and texts whose content must not be shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

__all__ = ["OBFUSCATED_PREFIX", "generate_slug", "obfuscate", "obfuscate_string"]

OBFUSCATED_PREFIX = "****"
_SHOWN_TAIL = 4


def _pick(words: Sequence[str]) -> str:
    # The system's randomness: a user's `random.seed` must neither fix names nor be disturbed by them.
    return words[int.from_bytes(os.urandom(4), "big") % len(words)]


def generate_slug(n_words: int) -> str:
    """
    A random name of `n_words` words, such as `brisk-otter` for 2: adjectives, then an animal.

    Raises:
        ValueError: Fewer than one word was asked for.
    """
    from prefect.utilities.words import ADJECTIVES, ANIMALS

    if n_words < 1:
        message = f"A name has at least one word, not {n_words}."
        raise ValueError(message)
    return "-".join([*(_pick(ADJECTIVES) for _ in range(n_words - 1)), _pick(ANIMALS)])


def obfuscate(s: Any, show_tail: bool = False) -> str:
    """
    A stand-in for a value that must not be shown; its length does not tell the value's.

    Args:
        s: The value.
        show_tail: Whether to show the last four characters, if it is a text of more than that.
    """
    if show_tail and isinstance(s, str) and len(s) > _SHOWN_TAIL:
        return OBFUSCATED_PREFIX + s[-_SHOWN_TAIL:]
    return OBFUSCATED_PREFIX * 2


def obfuscate_string(s: str, show_tail: bool = False) -> str:
    """A stand-in for a text that must not be shown. See `obfuscate`."""
    return obfuscate(s, show_tail)
