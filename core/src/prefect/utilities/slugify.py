"""Texts as parts of names and URLs: `Hello, World!` is `hello-world`."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from re import Pattern
from typing import Literal

__all__ = ["slugify"]

# Letters that are not another letter with a mark.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "Th",
        "ł": "l",
        "Ł": "L",
        "\u0131": "i",
    }
)


def slugify(
    text: str | bytes | bytearray,
    entities: bool = True,
    decimal: bool = True,
    hexadecimal: bool = True,
    max_length: int = 0,
    word_boundary: bool = False,
    separator: str = "-",
    save_order: bool = False,
    stopwords: Iterable[str] = (),
    regex_pattern: Pattern[str] | str | None = None,
    lowercase: bool = True,
    replacements: Iterable[Iterable[str]] = (),
    allow_unicode: bool = False,
    *,
    replacement_stage: Literal["both", "pre", "post"] = "both",
) -> str:
    """
    Make a slug of a text. Letters with marks lose them; those of other scripts are left out.

    Args:
        text: The text.
        entities: Whether HTML entities such as `&amp;` stand for their characters.
        decimal: Whether those such as `&#381;` do.
        hexadecimal: Whether those such as `&#x17D;` do.
        max_length: The most characters; 0 for any number.
        word_boundary: Whether words that would be cut are left out.
        separator: What stands between words.
        save_order: With `word_boundary`: whether to stop at the first word that is too long, instead of taking shorter
            ones after it.
        stopwords: Words to leave out.
        regex_pattern: What is replaced by a separator, instead of all but letters and digits.
        lowercase: Whether letters become lowercase.
        replacements: Pairs: a text, and what takes its place.
        allow_unicode: Whether letters of all scripts are kept.
        replacement_stage: Whether the replacements are made in the text (`pre`), in the slug (`post`), or in both.

    Raises:
        ValueError: There is no such stage.
    """
    if replacement_stage not in {"both", "pre", "post"}:
        raise ValueError(f"There is no replacement_stage {replacement_stage!r}. Use 'both', 'pre' or 'post'.")
    value = text.decode("utf-8", "ignore") if isinstance(text, (bytes, bytearray)) else str(text)
    pairs = [tuple(pair) for pair in replacements]
    value = _replaced(value, pairs if replacement_stage != "post" else [])
    value = _without_entities(value, entities, decimal, hexadecimal)
    value = _plain(value, allow_unicode)
    if lowercase:
        value = value.lower()
    value = value.replace("'", "-")
    pattern = regex_pattern or (r"[^\w]+|_+" if allow_unicode else r"[^a-zA-Z0-9]+")
    value = re.sub(pattern, "-", value)
    words = [word for word in value.split("-") if word]
    unwanted = {word.lower() if lowercase else word for word in stopwords}
    words = [word for word in words if word not in unwanted]
    words = [
        word for word in _replaced("-".join(words), pairs if replacement_stage != "pre" else []).split("-") if word
    ]
    return _shortened(words, max_length, word_boundary, save_order).replace("-", separator)


def _replaced(value: str, pairs: list[tuple[str, ...]]) -> str:
    for old, new in pairs:
        value = value.replace(old, new)
    return value


def _without_entities(value: str, entities: bool, decimal: bool, hexadecimal: bool) -> str:
    kinds = [
        *([r"&[a-zA-Z]\w*;"] if entities else []),
        *([r"&#\d+;"] if decimal else []),
        *([r"&#[xX][0-9a-fA-F]+;"] if hexadecimal else []),
    ]
    return re.sub("|".join(kinds), lambda match: html.unescape(match[0]), value) if kinds else value


def _plain(value: str, allow_unicode: bool) -> str:
    if allow_unicode:
        return unicodedata.normalize("NFKC", value)
    decomposed = unicodedata.normalize("NFKD", value.translate(_LETTERS))
    return decomposed.encode("ascii", "ignore").decode("ascii")


def _shortened(words: list[str], max_length: int, word_boundary: bool, save_order: bool) -> str:
    joined = "-".join(words)
    if not max_length or len(joined) <= max_length:
        return joined
    if not word_boundary:
        return joined[:max_length].strip("-")
    taken: list[str] = []
    for word in words:
        if len("-".join([*taken, word])) <= max_length:
            taken.append(word)
        elif save_order:
            break
    return "-".join(taken) or joined[:max_length].strip("-")
