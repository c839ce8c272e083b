"""The page that shows what can be asked of the server, without scripts and without anything from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["render"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b2733; }
h2 { margin-top: 2rem; border-bottom: 1px solid #d5dde5; } summary { cursor: pointer; padding: .25rem 0; }
code { font: 13px/1.5 ui-monospace, monospace; } .verb { display: inline-block; width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; margin: .25rem 0 .75rem 4.5rem; } td { padding: 0 1rem 0 0; vertical-align: top; }
details p { margin: .25rem 0 .25rem 4.5rem; }
"""


def render(document: dict[str, Any]) -> str:
    """
    The page.

    Args:
        document: The description of the API in OpenAPI's form.
    """
    groups: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(verb, path, operation))
    parts = [f"<h2>{escape(group)}</h2>{''.join(groups[group])}" for group in sorted(groups)]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        '<p>The same in OpenAPI\'s form: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"{''.join(parts)}</body></html>"
    )


def _operation(verb: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        (parameter["name"], parameter["in"], _kind(parameter["schema"]))
        for parameter in operation["parameters"]
        if parameter["in"] != "header"
    ]
    body = operation.get("requestBody")
    if body:
        rows.append(("", "body", _kind(body["content"]["application/json"]["schema"])))
    rows += [(status, "answer", _answer(answer)) for status, answer in operation["responses"].items() if status < "300"]
    table = "".join(f"<tr><td><code>{escape(a)}</code><td>{escape(b)}<td><code>{escape(c)}</code>" for a, b, c in rows)
    return (
        f'<details><summary><code><span class="verb">{verb.upper()}</span> {escape(path)}</code></summary>'
        f"<p>{escape(operation['summary'])}</p><table>{table}</table></details>"
    )


def _answer(answer: dict[str, Any]) -> str:
    content = answer.get("content")
    return _kind(next(iter(content.values()))["schema"]) if content else "nothing"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")
