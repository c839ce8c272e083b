"""Serializers."""

import json
from typing import Any

from prefect.serializers import Serializer


class {{ cookiecutter.__class }}Serializer(Serializer[Any]):
    """
    Writes what JSON can hold, indented and not escaped.

    Args:
        indent: Spaces for each level.
    """

    type: str = "{{ cookiecutter.__plugin }}"
    indent: int = 2

    def dumps(self, obj: Any) -> bytes:
        """Write an object."""
        return json.dumps(obj, indent=self.indent, ensure_ascii=False).encode()

    def loads(self, blob: bytes) -> Any:
        """Read what `dumps` wrote."""
        return json.loads(blob)
