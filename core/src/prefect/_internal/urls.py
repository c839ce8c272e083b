"""Credentials in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["strip_auth_from_urls_in_text"]

# To the last `@` before a slash: a password that was not escaped may hold any other character.
_CREDENTIALS = re.compile(r"(https?://)[^/\s]+@", re.IGNORECASE)


def strip_auth_from_urls_in_text(text: str, extra_secrets: Iterable[str | None] = ()) -> str:
    """
    Take user names, passwords and tokens out of the HTTP URLs in a text.

    Args:
        text: The text.
        extra_secrets: What else must not be read in it: each becomes `***`. Empty ones and None are left out.
    """
    text = _CREDENTIALS.sub(r"\1", text)
    for secret in sorted(filter(None, extra_secrets), key=len, reverse=True):  # one may begin with another
        text = text.replace(secret, "***")
    return text
