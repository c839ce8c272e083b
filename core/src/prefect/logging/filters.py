"""Filters: secrets do not reach any handler."""

from __future__ import annotations

import logging
from typing import Any

from prefect.utilities.names import obfuscate

__all__ = ["ObfuscateApiKeyFilter", "redact_substr"]


def redact_substr(obj: Any, substr: str) -> Any:
    """
    Replace a text wherever it occurs in strings inside of an object.

    Args:
        obj: The object: a string, or lists, dicts and so on of them.
        substr: What must not be seen.

    Returns:
        The object, or a changed copy of it.
    """
    if isinstance(obj, str):
        return obj.replace(substr, obfuscate(substr)) if substr in obj else obj
    from prefect.utilities.collections import visit_collection

    def redact(value: Any) -> Any:
        return value.replace(substr, obfuscate(substr)) if isinstance(value, str) and substr in value else value

    return visit_collection(obj, redact, return_data=True)


class ObfuscateApiKeyFilter(logging.Filter):
    """Keeps the API key out of all records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the key in the record's message and arguments. All records pass."""
        from prefect.settings import get_current_settings

        key = get_current_settings().api.key
        if key is not None and (secret := key.get_secret_value()):
            record.msg = redact_substr(record.msg, secret)
            if record.args:
                record.args = redact_substr(record.args, secret)
        return True
