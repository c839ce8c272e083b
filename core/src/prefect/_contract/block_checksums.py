"""How one version of the fields of a block type is known again, by clients and by orchestrators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

__all__ = ["block_schema_checksum"]


def block_schema_checksum(fields: Mapping[str, Any]) -> str:
    """The checksum of a block schema: the same for the same JSON values, in whatever order their names come."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return f"sha256:{sha256(text.encode()).hexdigest()}"
