"""Whether a JSON value is of the type that a JSON schema says. What else a schema may ask for is left to the flow."""

from __future__ import annotations

from typing import Any

__all__ = ["fits"]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """
    Whether a value fits the types, alternatives, constants and items of a schema.

    Args:
        value: The value.
        schema: The schema.
        root: The schema whose definitions references name.
    """
    if "$ref" in schema:
        return fits(value, _definition(schema["$ref"], root), root)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return any(fits(value, alternative, root) for alternative in alternatives)
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    if not _is_of(value, schema.get("type")):
        return False
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return all(fits(item, schema["items"], root) for item in value)
    if isinstance(value, dict):
        return _fields_fit(value, schema, root)
    return True


def _is_of(value: Any, kind: str | list[str] | None) -> bool:
    if kind is None:
        return True
    kinds = [kind] if isinstance(kind, str) else kind
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        return True
    return any(isinstance(value, _TYPES.get(name, (object,))) for name in kinds)


def _fields_fit(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if any(name not in value for name in schema.get("required", ())):
        return False
    properties = schema.get("properties", {})
    return all(fits(item, properties[name], root) for name, item in value.items() if name in properties)


def _definition(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node.get(part, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}
